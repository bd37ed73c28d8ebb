using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Meters;

/// <summary>
/// Counts for a new meter what was applied before it was known: day by day, under the org's lock taken alone, from exactly those stored
/// events whose batch is recorded as applied. Later batches add to the result as usual, so filling never races the stream.
/// </summary>
internal sealed partial class FillMeters(
    NpgsqlDataSource database, MeterCatalog catalog, Ingestion.V1.Ingestion.IngestionClient ingestion, ILogger<FillMeters> log) : BackgroundService
{
    /// <summary>How much of an org's past one transaction fills; its batches wait that long.</summary>
    private static readonly Duration Chunk = Duration.FromDays(1);

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var org in await OrgsToFillAsync(stoppingToken)) await FillOrgAsync(org, stoppingToken);
                await WaitAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is RpcException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogFillFailed(exception);
                await Task.Delay(LookAgain, stoppingToken);
            }
        }
    }

    private async Task WaitAsync(CancellationToken ct)
    {
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(ct);
        wake.CancelAfter(LookAgain);
        try
        {
            await catalog.Unfilled.Reader.ReadAsync(wake.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Time to look again.
        }
    }

    private async Task<List<Guid>> OrgsToFillAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.FillMeters, ct);
        await using var command = tx.Command("SELECT DISTINCT org_id FROM meters WHERE NOT filled LIMIT 100");
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    private async Task FillOrgAsync(Guid org, CancellationToken ct)
    {
        var (meters, days) = await PlanAsync(org, ct);
        foreach (var day in days) await FillDayAsync(org, meters, day, ct);
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("UPDATE meters SET filled = true WHERE org_id = $1 AND id = ANY($2)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = meters });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        LogFilled(meters.Length, org, days.Count);
    }

    private async Task<(Guid[] Meters, List<Instant> Days)> PlanAsync(Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("""
            SELECT array(SELECT id FROM meters WHERE org_id = $1 AND NOT filled),
                   array(SELECT DISTINCT date_trunc('day', bucket_start, 'UTC') FROM usage_buckets WHERE org_id = $1 ORDER BY 1)
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetFieldValue<Guid[]>(0), [.. reader.GetFieldValue<Instant[]>(1)]);
    }

    private async Task FillDayAsync(Guid org, Guid[] meters, Instant day, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await UsageSql.LockOrgAloneAsync(tx, org, ct);
        var all = (await MeterCatalog.ReadAsync(tx, [org], ct)).GetValueOrDefault(org, []);
        await RefoldUsage.ReplaceAsync(tx, ingestion, new RefoldScope(org, null, [.. all.Where(meter => meters.Contains(meter.Id))], day, day + Chunk), ct);
        await tx.CommitAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} meters of org {OrgId} were filled from {Days} days of stored events.")]
    private partial void LogFilled(int count, Guid orgId, int days);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Filling meters failed; it goes on from the same place.")]
    private partial void LogFillFailed(Exception exception);
}
