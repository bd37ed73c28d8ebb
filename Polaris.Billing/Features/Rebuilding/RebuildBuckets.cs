using System.Diagnostics.Metrics;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Rebuilding;

/// <summary>
/// Rebuilds dirty buckets from stored events, one day of one customer per transaction, some days of each org in turn. The mark is deleted
/// in the transaction that replaces the aggregates; until then no invoice is drafted over the bucket.
/// </summary>
internal sealed partial class RebuildBuckets(
    NpgsqlDataSource database,
    Ingestion.V1.Ingestion.IngestionClient ingestion,
    RebuildSignal signal,
    InvoiceSignal invoices,
    TimeProvider time,
    ILogger<RebuildBuckets> log
) : PeriodicJob
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);
    private const int OrgPageSize = 100;

    /// <summary>Days rebuilt of one org before the next org's turn.</summary>
    private const int DayPageSize = 5;

    private static readonly Counter<long> Rebuilt = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.buckets_rebuilt",
        "{bucket}"
    );

    private readonly record struct Dirty(string Customer, Instant Day);

    private readonly OrgBackoff failing = new(nameof(RebuildBuckets), time, log);

    public override WakeSignal Signal => signal;

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        await RebuildAllAsync(ct);
        return RetryInterval;
    }

    /// <summary>Returns when no bucket is dirty except those of orgs whose rebuild failed.</summary>
    public async Task RebuildAllAsync(CancellationToken ct)
    {
        while (await RebuildEachOrgAsync(ct) > 0)
            invoices.Wake();
    }

    /// <summary>Rebuilds some days of each org with dirty buckets; returns how many days.</summary>
    private async Task<int> RebuildEachOrgAsync(CancellationToken ct)
    {
        var (days, after) = (0, Guid.Empty);
        while (await OrgsAsync(after, ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
                await failing.RunAsync(org, async stop => days += await RebuildDaysAsync(org, stop), ct);
            after = orgs[^1];
        }

        return days;
    }

    private async Task<int> RebuildDaysAsync(Guid org, CancellationToken ct)
    {
        var days = await DaysAsync(org, ct);
        foreach (var dirty in days)
            await RebuildDayAsync(org, dirty, ct);
        return days.Count;
    }

    private async Task<List<Guid>> OrgsAsync(Guid after, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.RebuildBuckets, ct);
        await using var command = tx.Command("SELECT DISTINCT org_id FROM dirty_buckets WHERE org_id > $2 ORDER BY org_id LIMIT $1");
        command.Bind(OrgPageSize).Bind(after);
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    private async Task<List<Dirty>> DaysAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            SELECT customer_key, date_trunc('day', bucket_start, 'UTC') AS day FROM dirty_buckets WHERE org_id = $1
            GROUP BY customer_key, day ORDER BY min(marked_at), customer_key, day LIMIT $2
            """
        );
        command.Bind(org).Bind(DayPageSize);
        var days = new List<Dirty>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            days.Add(new Dirty(reader.GetString(0), reader.GetFieldValue<Instant>(1)));
        return days;
    }

    private async Task RebuildDayAsync(Guid org, Dirty dirty, CancellationToken ct)
    {
        using var span = PolarisTelemetry.Source.StartActivity("rebuild buckets");
        span.SetOrgs(org);
        Instant[] marks = [];
        var rebuilt = await RefoldUsage.RunAsync(
            database,
            ingestion,
            org,
            async tx =>
            {
                marks = await MarksAsync(tx, org, dirty, ct);
                // No marks: another replica has rebuilt them.
                return marks.Length == 0
                    ? null
                    : new RefoldScope(
                        org,
                        dirty.Customer,
                        (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []),
                        marks.Min(),
                        marks.Max() + Buckets.Size
                    );
            },
            (tx, _) => DeleteMarksAsync(tx, org, dirty.Customer, marks, ct),
            ct
        );
        if (!rebuilt)
            return;
        Rebuilt.Add(marks.Length);
        LogRebuilt(marks.Length, org);
    }

    private static async Task<Instant[]> MarksAsync(ScopedTransaction tx, Guid org, Dirty dirty, CancellationToken ct)
    {
        await using var command = tx.Command(
            "SELECT bucket_start FROM dirty_buckets WHERE org_id = $1 AND customer_key = $2 AND bucket_start >= $3 AND bucket_start < $4"
        );
        command.Bind(org).Bind(dirty.Customer).Bind(dirty.Day).Bind(dirty.Day + Duration.FromDays(1));
        var buckets = new List<Instant>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            buckets.Add(reader.GetFieldValue<Instant>(0));
        return [.. buckets];
    }

    private static async Task DeleteMarksAsync(ScopedTransaction tx, Guid org, string customer, Instant[] buckets, CancellationToken ct)
    {
        await using var command = tx.Command(
            "DELETE FROM dirty_buckets WHERE org_id = $1 AND customer_key = $2 AND bucket_start = ANY($3)"
        );
        command.Bind(org).Bind(customer).Bind(buckets);
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Rebuilt {Count} buckets of org {OrgId}.")]
    private partial void LogRebuilt(int count, Guid orgId);
}
