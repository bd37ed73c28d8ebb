using System.Diagnostics.Metrics;
using Grpc.Core;
using Microsoft.Extensions.Options;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Audit;

/// <summary>
/// Audits for ever: buckets that usage came for lately every few seconds, all others in a slow cycle over all orgs. At most
/// <see cref="BillingOptions.AuditPercent"/> of its time is work, whatever there is to compare. Of several replicas one audits.
/// </summary>
internal sealed partial class Auditor(
    NpgsqlDataSource database, AuditBuckets audit, AuditRecords records, SlowCycle cycle, Ingestion.V1.Ingestion.IngestionClient ingestion,
    IOptions<BillingOptions> options, TimeProvider time, ILogger<Auditor> log) : BackgroundService
{
    /// <summary>Of fresh buckets at most this many are compared in one go, those first that waited longest.</summary>
    private const int FreshAtOnce = 500;

    /// <summary>More sums than this of one bucket (its batches under way, mostly) are too many to compare at the moment.</summary>
    private const int FreshLimit = 50_000;

    private const int SlowLimit = 2_000;
    private static readonly TimeSpan SlowSlice = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan FreshSlice = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FreshEvery = TimeSpan.FromSeconds(3);
    /// <summary>A bucket that nothing came for this long is still fresh, and looked at less often.</summary>
    private static readonly Duration InUse = Duration.FromMinutes(3);

    private static readonly Duration QuietEvery = Duration.FromSeconds(30);
    private static readonly TimeSpan MinRest = TimeSpan.FromSeconds(1);

    /// <summary>Slices are short; what took longer waited for somebody, or repaired a bucket.</summary>
    private static readonly TimeSpan MaxRest = TimeSpan.FromSeconds(10);

    private static readonly Counter<double> Spent = PolarisTelemetry.Meter.CreateCounter<double>("polaris.billing.audit_time", "s", "Time the auditor worked.");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var freshAt = 0L;
        while (!stoppingToken.IsCancellationRequested)
        {
            var began = TimeProvider.System.GetTimestamp();
            try
            {
                if (await cycle.HoldAsync(stoppingToken) is { } position)
                {
                    if (freshAt == 0 || TimeProvider.System.GetElapsedTime(freshAt) >= FreshEvery)
                    {
                        freshAt = began;
                        await FreshAsync(stoppingToken);
                    }

                    await SlowAsync(position, stoppingToken);
                }
            }
            catch (Exception exception) when (exception is RpcException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }

            var worked = TimeProvider.System.GetElapsedTime(began);
            Spent.Add(worked.TotalSeconds);
            var rest = worked.Ticks * (100 - options.Value.AuditPercent) / options.Value.AuditPercent;
            await Task.Delay(TimeSpan.FromTicks(Math.Clamp(rest, MinRest.Ticks, MaxRest.Ticks)), stoppingToken);
        }
    }

    private async Task FreshAsync(CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        foreach (var org in (await FreshDueAsync(ct)).GroupBy(row => row.Org))
        {
            // What is left waited longest by then, and comes first.
            if (TimeProvider.System.GetElapsedTime(began) > FreshSlice) return;
            var (checkedBuckets, findings) = (0, new List<Finding>());
            foreach (var (from, to) in Runs([.. org.Select(row => row.Bucket).Order()]))
            {
                var (comparison, found) = await audit.HandleAsync(org.Key, from, to, FreshLimit, ct);
                checkedBuckets += comparison.EventsByBucket.Count;
                findings.AddRange(found);
            }

            await records.NoteAsync(org.Key, checkedBuckets, inPass: 0, passDone: false, findings, ct);
            await FreshDoneAsync(org.Key, [.. org.Select(row => row.Bucket)], ct);
        }
    }

    private async Task SlowAsync(CyclePosition position, CancellationToken ct)
    {
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        if (position.PassDone)
        {
            if (now - position.PassStartedAt < Duration.FromTimeSpan(options.Value.AuditEvery)) return;
            position = await NextOrgAsync(new CyclePosition(Guid.Empty, NodaConstants.UnixEpoch, now, PassDone: false), ct);
        }

        var began = TimeProvider.System.GetTimestamp();
        while (!position.PassDone && TimeProvider.System.GetElapsedTime(began) < SlowSlice)
        {
            var (comparison, findings) = await audit.HandleAsync(position.Org, position.NextBucket, SlowCycle.End, SlowLimit, ct);
            var done = comparison.Through >= SlowCycle.End;
            await records.NoteAsync(position.Org, comparison.EventsByBucket.Count, comparison.EventsByBucket.Count, done, findings, ct);
            // A bucket that is too much for a slice is a fresh one, which is looked at with more patience.
            var next = comparison.Through > position.NextBucket ? comparison.Through : comparison.Through + Buckets.Size;
            position = done ? await NextOrgAsync(position, ct) : position with { NextBucket = next };
            await cycle.MoveAsync(position, ct);
        }
    }

    /// <summary>The next org that either side has usage of: a bucket that only one of them knows is drift as well.</summary>
    private async Task<CyclePosition> NextOrgAsync(CyclePosition position, CancellationToken ct)
    {
        var theirs = (await ingestion.FindOrgAsync(new FindOrgRequest { AfterOrgId = position.Org.ToString() }, cancellationToken: ct)).OrgId;
        await using var tx = await database.BeginGateAsync(Gate.Audit, ct);
        await using var command = tx.Command("SELECT org_id FROM usage_buckets WHERE org_id > $1 ORDER BY org_id LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = position.Org });
        var ours = await command.ExecuteScalarAsync(ct) as Guid?;
        Guid? next = theirs.Length == 0 ? ours : ours is { } one && one.CompareTo(Guid.Parse(theirs)) < 0 ? one : Guid.Parse(theirs);
        return next is { } org ? position with { Org = org, NextBucket = NodaConstants.UnixEpoch } : position with { PassDone = true };
    }

    private async Task<List<(Guid Org, Instant Bucket)>> FreshDueAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.Audit, ct);
        await using var command = tx.Command("""
            SELECT org_id, bucket_start FROM fresh_buckets WHERE audited_at IS NULL OR touched_at > $2 OR audited_at < $3 ORDER BY audited_at NULLS FIRST LIMIT $1
            """);
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = FreshAtOnce });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now - InUse });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now - QuietEvery });
        var due = new List<(Guid, Instant)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) due.Add((reader.GetGuid(0), reader.GetFieldValue<Instant>(1)));
        return due;
    }

    private async Task FreshDoneAsync(Guid org, Instant[] buckets, CancellationToken ct)
    {
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("""
            WITH gone AS (DELETE FROM fresh_buckets WHERE org_id = $1 AND touched_at < $4)
            UPDATE fresh_buckets SET audited_at = $3 WHERE org_id = $1 AND bucket_start = ANY($2) AND touched_at >= $4
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Instant[]> { TypedValue = buckets });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now - FreshBuckets.For });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    /// <summary>Neighbouring buckets are compared together.</summary>
    private static IEnumerable<(Instant From, Instant To)> Runs(Instant[] buckets)
    {
        for (var i = 0; i < buckets.Length;)
        {
            var (from, to) = (buckets[i], buckets[i] + Buckets.Size);
            for (i++; i < buckets.Length && buckets[i] == to; i++) to += Buckets.Size;
            yield return (from, to);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Auditing failed for now; it goes on from the same place.")]
    private partial void LogFailed(Exception exception);
}
