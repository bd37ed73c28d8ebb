using System.Diagnostics.Metrics;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>Wakes <see cref="RebuildBuckets"/>: a bucket was marked.</summary>
internal sealed class RebuildSignal : Signal;

/// <summary>
/// Counts marked buckets anew from stored events, a customer's day a transaction, under the org's lock taken alone. A mark goes in the
/// transaction that replaces the aggregates; until then no invoice is drafted over it.
/// </summary>
internal sealed partial class RebuildBuckets(
    NpgsqlDataSource database, Ingestion.V1.Ingestion.IngestionClient ingestion, RebuildSignal signal, InvoiceSignal invoices, ILogger<RebuildBuckets> log) : BackgroundService
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);
    private const int OrgsAtOnce = 100;
    private const int DaysAtOnce = 100;

    private static readonly Counter<long> Rebuilt = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.buckets_rebuilt", "{bucket}");

    private readonly record struct Dirty(string Customer, Instant Day);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RebuildAllAsync(stoppingToken);
                await signal.WaitAsync(LookAgain, stoppingToken);
            }
            catch (Exception exception) when (exception is RpcException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
                await Task.Delay(LookAgain, stoppingToken);
            }
        }
    }

    /// <summary>Returns when nothing is marked any more.</summary>
    public async Task RebuildAllAsync(CancellationToken ct)
    {
        while (await OrgsAsync(ct) is { Count: > 0 } orgs)
        {
            foreach (var org in orgs)
            {
                foreach (var dirty in await DaysAsync(org, ct)) await RebuildDayAsync(org, dirty, ct);
            }

            invoices.Wake();
        }
    }

    private async Task<List<Guid>> OrgsAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.RebuildBuckets, ct);
        await using var command = tx.Command("SELECT DISTINCT org_id FROM dirty_buckets LIMIT $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = OrgsAtOnce });
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    private async Task<List<Dirty>> DaysAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("""
            SELECT customer_key, date_trunc('day', bucket_start, 'UTC') AS day FROM dirty_buckets WHERE org_id = $1
            GROUP BY customer_key, day ORDER BY min(marked_at), customer_key, day LIMIT $2
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = DaysAtOnce });
        var days = new List<Dirty>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) days.Add(new Dirty(reader.GetString(0), reader.GetFieldValue<Instant>(1)));
        return days;
    }

    private async Task RebuildDayAsync(Guid org, Dirty dirty, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await UsageSql.LockOrgAloneAsync(tx, org, ct);
        var buckets = await TakeMarksAsync(tx, org, dirty, ct);
        if (buckets.Count == 0) return; // Another replica was faster.
        var meters = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        if (meters.Count > 0)
            await RefoldUsage.ReplaceAsync(tx, ingestion, new RefoldScope(org, dirty.Customer, meters, buckets.Min(), buckets.Max() + Domain.Buckets.Size), ct);
        await tx.CommitAsync(ct);
        Rebuilt.Add(buckets.Count);
        LogRebuilt(buckets.Count, org);
    }

    private static async Task<List<Instant>> TakeMarksAsync(ScopedTransaction tx, Guid org, Dirty dirty, CancellationToken ct)
    {
        await using var command = tx.Command("""
            DELETE FROM dirty_buckets WHERE org_id = $1 AND customer_key = $2 AND bucket_start >= $3 AND bucket_start < $4 RETURNING bucket_start
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = dirty.Customer });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = dirty.Day });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = dirty.Day + Duration.FromDays(1) });
        var buckets = new List<Instant>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) buckets.Add(reader.GetFieldValue<Instant>(0));
        return buckets;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} buckets of org {OrgId} were counted anew.")]
    private partial void LogRebuilt(int count, Guid orgId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Counting marked buckets anew failed; it goes on from the same place.")]
    private partial void LogFailed(Exception exception);
}
