using System.Diagnostics.Metrics;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Meters;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Up to where a partition is applied: the offset of the next record. <paramref name="StartedOver"/> says that the partition's log began
/// anew, so that the position may go back; else it never does.
/// </summary>
internal sealed record ConsumerPosition(string ClusterId, string Topic, int Partition, long NextOffset, bool StartedOver = false);

/// <summary>
/// Applies batches exactly once. One transaction records their ids, folds the new ones into buckets and digests, and moves the position:
/// after a crash at any point either all of it happened or none. A batch whose id is recorded changes nothing, however it comes again.
/// </summary>
internal sealed class ApplyUsage(NpgsqlDataSource database, MeterCatalog meters, RebuildSignal rebuild, FreshBuckets freshBuckets, TimeProvider time)
{
    private static readonly Counter<long> Applied = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.events_applied", "{event}");
    private static readonly Counter<long> Repeated = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.batches_repeated", "{batch}");

    /// <summary>Returns how many events were new.</summary>
    public async Task<int> ApplyAsync(IReadOnlyList<UsageBatch> batches, IReadOnlyList<ConsumerPosition> positions, CancellationToken ct)
    {
        var orgs = batches.Select(FoldUsage.OrgOf).Distinct().ToArray();
        await using var tx = await database.BeginGateAsync(Gate.ApplyUsage, ct);
        await UsageSql.LockOrgsSharedAsync(tx, orgs, ct);
        var fresh = await RecordAsync(tx, batches, ct);
        // Removing it makes a batch that stands twice in one poll count once.
        var first = batches.Where(batch => fresh.Remove((FoldUsage.OrgOf(batch), FoldUsage.IdOf(batch)))).ToArray();
        var (corrected, anyCorrection) = await RecordCorrections.RunAsync(tx, first, Instant.FromDateTimeOffset(time.GetUtcNow()), ct);
        var fold = new FoldUsage(await MeterCatalog.ReadAsync(tx, orgs, ct), corrected);
        foreach (var batch in first) fold.Add(batch);

        await UsageSql.AddBucketsAsync(tx, fold.Buckets, ct);
        await UsageSql.AddAggregatesAsync(tx, fold.Aggregates, ct);
        await LevelCheckpoints.ForgetAsync(tx, fold.Aggregates.Keys, fold.Lasting, ct);
        await UsageSql.MarkInvoicesStaleAsync(tx, fold.Aggregates.Keys, fold.Lasting, ct);
        var noted = await freshBuckets.NoteAsync(tx, fold.Buckets.Keys, ct);
        await MovePositionsAsync(tx, positions, ct);
        await tx.CommitAsync(ct);

        freshBuckets.Noted(noted);
        if (anyCorrection) rebuild.Wake();
        foreach (var org in orgs) meters.Seen(org);
        Applied.Add(fold.EventCount);
        return fold.EventCount;
    }

    private static async Task<HashSet<(Guid Org, Guid Batch)>> RecordAsync(ScopedTransaction tx, IReadOnlyList<UsageBatch> batches, CancellationToken ct)
    {
        if (batches.Count == 0) return [];
        var ids = batches.Select(batch => (Org: FoldUsage.OrgOf(batch), Batch: FoldUsage.IdOf(batch))).Distinct().Order().ToArray();
        var fresh = await AppliedBatches.RecordAsync(tx, ids, ct);
        if (fresh.Count < batches.Count) Repeated.Add(batches.Count - fresh.Count);
        return fresh;
    }

    private async Task MovePositionsAsync(ScopedTransaction tx, IReadOnlyList<ConsumerPosition> positions, CancellationToken ct)
    {
        if (positions.Count == 0) return;
        await using var command = tx.Command("""
            INSERT INTO consumer_positions AS p (cluster_id, topic, partition, next_offset, moved_at)
            SELECT m.*, $5 FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) m
            ON CONFLICT (cluster_id, topic, partition) DO UPDATE SET moved_at = excluded.moved_at,
              next_offset = CASE WHEN excluded.partition = ANY($6) THEN excluded.next_offset ELSE greatest(p.next_offset, excluded.next_offset) END
            """);
        var rows = positions.OrderBy(position => position.Topic, StringComparer.Ordinal).ThenBy(position => position.Partition).ToArray();
        UsageSql.Array(command, rows, row => row.ClusterId);
        UsageSql.Array(command, rows, row => row.Topic);
        UsageSql.Array(command, rows, row => row.Partition);
        UsageSql.Array(command, rows, row => row.NextOffset);
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
        UsageSql.Array(command, [.. rows.Where(row => row.StartedOver)], row => row.Partition);
        await command.ExecuteNonQueryAsync(ct);
    }
}
