using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Duration = NodaTime.Duration;
using Npgsql;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Finds batches that Ingestion stored and Billing never applied, and applies them from the store: Kafka may lose everything and no usage
/// is lost. It walks Ingestion's batches in order of receipt, <see cref="Behind"/> the present, and remembers how far all is applied.
/// </summary>
internal sealed partial class HealLostBatches(
    NpgsqlDataSource database, ApplyFromStore store, Ingestion.V1.Ingestion.IngestionClient ingestion, TimeProvider time, ILogger<HealLostBatches> log) : BackgroundService
{
    /// <summary>
    /// A batch's receipt time is set before its transaction, which Ingestion ends within 10 s: what is older than this and not listed will never be.
    /// </summary>
    private static readonly Duration Behind = Duration.FromSeconds(15);

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    private const int Page = 1_000;

    private static readonly Counter<long> Healed = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.batches_healed", "{batch}");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        do
        {
            try
            {
                while (await HealPageAsync(stoppingToken))
                {
                    // More pages wait; the loop ends at the present.
                }
            }
            catch (Exception exception) when (exception is RpcException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>One page of batches; true when there may be another.</summary>
    private async Task<bool> HealPageAsync(CancellationToken ct)
    {
        var (receivedAfter, afterBatch) = await PositionAsync(ct);
        var until = Timestamp.FromDateTime((Instant.FromDateTimeOffset(time.GetUtcNow()) - Behind).ToDateTimeUtc());
        var request = new ListBatchesRequest
        {
            ReceivedAfter = Timestamp.FromDateTime(receivedAfter.ToDateTimeUtc()),
            AfterBatchId = afterBatch.ToString(),
            ReceivedBefore = until,
            Limit = Page,
        };
        var listed = (await ingestion.ListBatchesAsync(request, cancellationToken: ct)).Batches;
        var missing = await MissingAsync(listed, ct);
        if (missing.Length > 0)
        {
            var events = await store.ApplyAsync(missing, ct);
            Healed.Add(missing.Length);
            LogHealed(missing.Length, events);
        }

        // A page that is not full holds all there was: then everything received before is applied.
        if (listed.Count == Page) await MoveAsync(listed[^1].ReceivedAt, Guid.Parse(listed[^1].BatchId), ct);
        else await MoveAsync(until, Guid.Empty, ct);
        return listed.Count == Page;
    }

    private async Task<(Instant ReceivedAt, Guid BatchId)> PositionAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand("SELECT received_at, batch_id FROM heal_position WHERE id = 1");
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? (reader.GetFieldValue<Instant>(0), reader.GetGuid(1)) : (NodaConstants.UnixEpoch, Guid.Empty);
    }

    private async Task<(Guid Org, Guid Batch)[]> MissingAsync(IEnumerable<BatchHeader> listed, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.HealLostBatches, ct);
        var ids = listed.Select(header => (Org: Guid.Parse(header.OrgId), Batch: Guid.Parse(header.BatchId))).ToArray();
        var applied = await AppliedBatches.AmongAsync(tx, ids, ct);
        return [.. ids.Where(id => !applied.Contains(id))];
    }

    private async Task MoveAsync(Timestamp receivedAt, Guid batch, CancellationToken ct)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO heal_position AS p (id, received_at, batch_id, folded_before) VALUES (1, $1, $2, '00000000-0000-0000-0000-000000000000')
            ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at, batch_id = excluded.batch_id
            WHERE (p.received_at, p.batch_id) < (excluded.received_at, excluded.batch_id)
            """);
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(receivedAt.ToDateTimeOffset()) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = batch });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Batches} batches had not come through Kafka; {Events} events were counted from the store.")]
    private partial void LogHealed(int batches, int events);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Looking for lost batches failed; it goes on from the same place.")]
    private partial void LogFailed(Exception exception);
}
