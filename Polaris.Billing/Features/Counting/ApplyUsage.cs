using System.Diagnostics;
using System.Diagnostics.Metrics;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// The offset after the last applied record of a partition. <paramref name="StartedOver"/>: the log was recreated, so the position may
/// decrease; otherwise it never does.
/// </summary>
internal sealed record ConsumerPosition(string ClusterId, string Topic, int Partition, long NextOffset, bool StartedOver = false);

/// <summary>The number of new events, and the orgs whose batches were not applied because their lock was not free.</summary>
internal sealed record AppliedUsage(int Events, IReadOnlySet<Guid> Locked);

/// <summary>
/// Applies batches exactly once. One transaction records their ids, folds the new ones into buckets and digests, and moves the position, so
/// a crash leaves either all of it or nothing. A batch whose id is recorded changes nothing when it arrives again.
/// </summary>
internal sealed class ApplyUsage(
    NpgsqlDataSource database,
    MeterCatalog meters,
    RebuildSignal rebuild,
    FreshBuckets freshBuckets,
    OutboxSignal announced,
    ThresholdSignal marked,
    Throughput throughput,
    TimeProvider time
)
{
    private static readonly Counter<long> Applied = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.events_applied", "{event}");
    private static readonly Counter<long> Repeated = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.batches_repeated",
        "{batch}"
    );

    /// <summary>Pause between two tries to get an org's lock.</summary>
    private static readonly TimeSpan RetryLockEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>Applies batches of a caller that has nothing else to do meanwhile; returns the number of new events.</summary>
    /// <exception cref="RefusedException">An org's lock was not free within <see cref="OrgLock.MaxWait"/>.</exception>
    public async Task<int> ApplyAsync(
        IReadOnlyList<UsageBatch> batches,
        CancellationToken ct,
        IReadOnlyDictionary<Guid, string>? traces = null
    )
    {
        var (began, events) = (TimeProvider.System.GetTimestamp(), 0);
        while (true)
        {
            var applied = await TryApplyAsync(batches, _ => [], ct, traces);
            events += applied.Events;
            if (applied.Locked.Count == 0)
                return events;
            if (TimeProvider.System.GetElapsedTime(began) > OrgLock.MaxWait)
                throw OrgLock.Busy();
            batches = [.. batches.Where(batch => applied.Locked.Contains(FoldUsage.OrgOf(batch)))];
            await Task.Delay(RetryLockEvery, ct);
        }
    }

    /// <summary>Applies the batches of those orgs whose lock is free; the others' wait for another call.</summary>
    /// <param name="batches">The batches to apply.</param>
    /// <param name="positions">The partitions' positions afterwards, given the orgs whose batches were not applied.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="traces">Trace context of the requests behind the batches, by batch id (<see cref="UsageTraces"/>).</param>
    public async Task<AppliedUsage> TryApplyAsync(
        IReadOnlyList<UsageBatch> batches,
        Func<IReadOnlySet<Guid>, IReadOnlyList<ConsumerPosition>> positions,
        CancellationToken ct,
        IReadOnlyDictionary<Guid, string>? traces = null
    )
    {
        var orgs = batches.Select(FoldUsage.OrgOf).Distinct().ToArray();
        Activity.Current.SetOrgs(orgs);
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ApplyUsage, ct);
        var locked = await OrgLock.TryTakeSharedAsync(tx, orgs, ct);
        if (locked.Count > 0)
        {
            orgs = [.. orgs.Where(org => !locked.Contains(org))];
            batches = [.. batches.Where(batch => !locked.Contains(FoldUsage.OrgOf(batch)))];
        }

        var fresh = await RecordAsync(tx, batches, ct);
        // Removing the id makes a batch that is twice in one poll count once.
        var first = batches.Where(batch => fresh.Remove((FoldUsage.OrgOf(batch), FoldUsage.IdOf(batch)))).ToArray();
        var (corrected, anyCorrection) = await RecordCorrections.RunAsync(tx, first, time.GetCurrentInstant(), ct);
        var known = await MeterCatalog.ReadAsync(tx, orgs, ct);
        var fold = new FoldUsage(known, corrected);
        foreach (var batch in first)
            fold.Add(batch);

        await UsageSql.AddBucketsAsync(tx, fold.BucketTotals, ct);
        await UsageSql.AddAggregatesAsync(tx, fold.Aggregates, ct);
        await LevelCheckpoints.ForgetAsync(tx, fold.Aggregates.Keys, fold.Lasting, ct);
        await UsageSql.MarkInvoicesStaleAsync(tx, fold.Aggregates.Keys, fold.Lasting, ct);
        var recorded = await freshBuckets.RecordAsync(tx, fold.BucketTotals.Keys, ct);
        if (traces is not null)
            await UsageTraces.RecordAsync(tx, first, traces, time.GetCurrentInstant(), ct);
        var crossed = await CrossThresholds.RunAsync(tx, fold.Aggregates.Keys, known, time.GetUtcNow(), ct);
        await MovePositionsAsync(tx, positions(locked), ct);
        await tx.CommitAsync(ct);

        freshBuckets.Recorded(recorded);
        if (anyCorrection)
            rebuild.Wake();
        if (crossed.Events > 0)
            announced.Wake();
        if (crossed.Checks > 0)
            marked.Wake();
        foreach (var org in orgs)
            meters.Seen(org);
        Applied.Add(fold.EventCount);
        throughput.Add(first);
        return new AppliedUsage(fold.EventCount, locked);
    }

    private static async Task<HashSet<(Guid Org, Guid Batch)>> RecordAsync(
        ScopedTransaction tx,
        IReadOnlyList<UsageBatch> batches,
        CancellationToken ct
    )
    {
        if (batches.Count == 0)
            return [];
        var ids = batches.Select(batch => (Org: FoldUsage.OrgOf(batch), Batch: FoldUsage.IdOf(batch))).Distinct().Order().ToArray();
        var fresh = await AppliedBatches.RecordAsync(tx, ids, ct);
        if (fresh.Count < batches.Count)
            Repeated.Add(batches.Count - fresh.Count);
        return fresh;
    }

    private async Task MovePositionsAsync(ScopedTransaction tx, IReadOnlyList<ConsumerPosition> positions, CancellationToken ct)
    {
        if (positions.Count == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO consumer_positions AS p (cluster_id, topic, partition, next_offset, moved_at)
            SELECT m.*, $5 FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) m
            ON CONFLICT (cluster_id, topic, partition) DO UPDATE SET moved_at = excluded.moved_at,
              next_offset = CASE WHEN excluded.partition = ANY($6) THEN excluded.next_offset
                ELSE greatest(p.next_offset, excluded.next_offset) END
            """
        );
        var rows = positions.OrderBy(position => position.Topic, StringComparer.Ordinal).ThenBy(position => position.Partition).ToArray();
        command
            .BindColumn(rows, row => row.ClusterId)
            .BindColumn(rows, row => row.Topic)
            .BindColumn(rows, row => row.Partition)
            .BindColumn(rows, row => row.NextOffset)
            .Bind(time.GetCurrentInstant())
            .BindColumn([.. rows.Where(row => row.StartedOver)], row => row.Partition);
        await command.ExecuteNonQueryAsync(ct);
    }
}
