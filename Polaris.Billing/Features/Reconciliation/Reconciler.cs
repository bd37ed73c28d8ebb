using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>
/// Continuous reconciliation: buckets with recent usage every few seconds, all others in a slow cycle over all orgs. It works at most
/// <see cref="BillingOptions.ReconcilePercent"/> of the time. One replica runs it.
/// </summary>
internal sealed class Reconciler(
    NpgsqlDataSource database,
    ReconcileBuckets reconcile,
    ReconciliationRecords records,
    SlowCycle cycle,
    Ingestion.V1.Ingestion.IngestionClient ingestion,
    IOptions<BillingOptions> options,
    TimeProvider time
) : PeriodicJob
{
    /// <summary>Maximum number of fresh buckets compared together, those that waited longest first.</summary>
    private const int FreshBatchSize = 500;

    /// <summary>A bucket with more sums than this, mostly batches in flight, is skipped for now.</summary>
    private const int FreshLimit = 50_000;

    private const int SlowLimit = 2_000;
    private static readonly TimeSpan SlowSlice = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FreshSlice = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FreshEvery = TimeSpan.FromSeconds(3);

    /// <summary>A bucket without new usage for this long is still fresh, but compared less often.</summary>
    private static readonly Duration InUse = Duration.FromMinutes(3);

    private static readonly Duration QuietEvery = Duration.FromSeconds(30);
    private static readonly TimeSpan MinRest = TimeSpan.FromSeconds(1);

    /// <summary>Upper bound of the pause after a slice. Slices are short: one that took longer waited or repaired a bucket.</summary>
    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(10);

    private static readonly Counter<double> Spent = PolarisTelemetry.Meter.CreateCounter<double>(
        "polaris.billing.reconciliation_time",
        "s",
        "Time spent on reconciliation."
    );

    private long freshAt;

    public override TimeSpan MinBackoff => MinRest;

    public override TimeSpan MaxBackoff => MaxRest;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        try
        {
            if (await cycle.HoldAsync(ct) is { } position)
            {
                if (freshAt == 0 || TimeProvider.System.GetElapsedTime(freshAt) >= FreshEvery)
                {
                    freshAt = began;
                    await FreshAsync(ct);
                }

                await SlowAsync(position, ct);
            }
        }
        finally
        {
            Spent.Add(TimeProvider.System.GetElapsedTime(began).TotalSeconds);
        }

        var worked = TimeProvider.System.GetElapsedTime(began);
        var rest = worked.Ticks * (100 - options.Value.ReconcilePercent) / options.Value.ReconcilePercent;
        return TimeSpan.FromTicks(Math.Clamp(rest, MinRest.Ticks, MaxRest.Ticks));
    }

    private async Task FreshAsync(CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        foreach (var org in (await FreshDueAsync(ct)).GroupBy(row => row.Org))
        {
            // Buckets that are left waited longest by the next turn, and come first.
            if (TimeProvider.System.GetElapsedTime(began) > FreshSlice)
                return;
            var (checkedBuckets, findings) = (0, new List<Finding>());
            foreach (var (from, to) in Runs([.. org.Select(row => row.Bucket).Order()]))
            {
                var (comparison, found) = await reconcile.HandleAsync(org.Key, from, to, FreshLimit, ct);
                checkedBuckets += comparison.EventsByBucket.Count;
                findings.AddRange(found);
            }

            await records.RecordAsync(org.Key, checkedBuckets, inPass: 0, passDone: false, findings, ct);
            await FreshDoneAsync(org.Key, [.. org.Select(row => row.Bucket)], ct);
        }
    }

    private async Task SlowAsync(CyclePosition position, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        if (position.PassDone)
        {
            if (now - position.PassStartedAt < Duration.FromTimeSpan(options.Value.ReconcileEvery))
                return;
            position = await NextOrgAsync(new CyclePosition(Guid.Empty, NodaConstants.UnixEpoch, now, PassDone: false), ct);
        }

        var began = TimeProvider.System.GetTimestamp();
        while (!position.PassDone && TimeProvider.System.GetElapsedTime(began) < SlowSlice)
        {
            var (comparison, findings) = await reconcile.HandleAsync(position.Org, position.NextBucket, SlowCycle.End, SlowLimit, ct);
            var done = comparison.Through >= SlowCycle.End;
            await records.RecordAsync(position.Org, comparison.EventsByBucket.Count, comparison.EventsByBucket.Count, done, findings, ct);
            // A bucket with too many sums for a slice is a fresh one, which is compared with a higher limit.
            var next = comparison.Through > position.NextBucket ? comparison.Through : comparison.Through + Buckets.Size;
            position = done ? await NextOrgAsync(position, ct) : position with { NextBucket = next };
            await cycle.MoveAsync(position, ct);
        }
    }

    /// <summary>The next org with usage on either side: a bucket known to only one side is drift too.</summary>
    private async Task<CyclePosition> NextOrgAsync(CyclePosition position, CancellationToken ct)
    {
        var theirs = (
            await ingestion.FindOrgAsync(new FindOrgRequest { AfterOrgId = position.Org.ToString() }, cancellationToken: ct)
        ).OrgId;
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.Reconcile, ct);
        await using var command = tx.Command("SELECT org_id FROM usage_buckets WHERE org_id > $1 ORDER BY org_id LIMIT 1");
        command.Bind(position.Org);
        var ours = await command.ExecuteScalarAsync(ct) as Guid?;
        Guid? next =
            theirs.Length == 0 ? ours
            : ours is { } one && one.CompareTo(Guid.Parse(theirs)) < 0 ? one
            : Guid.Parse(theirs);
        return next is { } org ? position with { Org = org, NextBucket = NodaConstants.UnixEpoch } : position with { PassDone = true };
    }

    private async Task<List<(Guid Org, Instant Bucket)>> FreshDueAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.Reconcile, ct);
        await using var command = tx.Command(
            """
            SELECT org_id, bucket_start FROM fresh_buckets WHERE reconciled_at IS NULL OR touched_at > $2 OR reconciled_at < $3
            ORDER BY reconciled_at NULLS FIRST LIMIT $1
            """
        );
        var now = time.GetCurrentInstant();
        command.Bind(FreshBatchSize).Bind(now - InUse).Bind(now - QuietEvery);
        var due = new List<(Guid, Instant)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            due.Add((reader.GetGuid(0), reader.GetFieldValue<Instant>(1)));
        return due;
    }

    private async Task FreshDoneAsync(Guid org, Instant[] buckets, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            WITH gone AS (DELETE FROM fresh_buckets WHERE org_id = $1 AND touched_at < $4)
            UPDATE fresh_buckets SET reconciled_at = $3 WHERE org_id = $1 AND bucket_start = ANY($2) AND touched_at >= $4
            """
        );
        command.Bind(org).Bind(buckets).Bind(now).Bind(now - FreshBuckets.For);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    /// <summary>Adjacent buckets are compared together.</summary>
    private static IEnumerable<(Instant From, Instant To)> Runs(Instant[] buckets)
    {
        for (var i = 0; i < buckets.Length; )
        {
            var (from, to) = (buckets[i], buckets[i] + Buckets.Size);
            for (i++; i < buckets.Length && buckets[i] == to; i++)
                to += Buckets.Size;
            yield return (from, to);
        }
    }
}
