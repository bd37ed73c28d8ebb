using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Duration = NodaTime.Duration;
using Npgsql;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Finds batches that Ingestion stored and Billing never applied, and applies them from the store: Kafka may lose everything and no usage
/// is lost. It walks Ingestion's batches in order of receipt, <see cref="Behind"/> the present, and remembers how far all is applied.
/// </summary>
internal sealed partial class HealLostBatches(
    NpgsqlDataSource database, ApplyUsage apply, Ingestion.V1.Ingestion.IngestionClient ingestion, TimeProvider time, ILogger<HealLostBatches> log) : BackgroundService
{
    /// <summary>
    /// A batch's receipt time is set before its transaction, which Ingestion ends within 10 s: what is older than this and not listed will never be.
    /// </summary>
    private static readonly Duration Behind = Duration.FromSeconds(15);

    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    private const int Page = 1_000;
    private const int FetchAtOnce = 100;

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
        var request = new ListBatchesRequest
        {
            ReceivedAfter = Timestamp.FromDateTime(receivedAfter.ToDateTimeUtc()),
            AfterBatchId = afterBatch.ToString(),
            ReceivedBefore = Timestamp.FromDateTime((Instant.FromDateTimeOffset(time.GetUtcNow()) - Behind).ToDateTimeUtc()),
            Limit = Page,
        };
        var listed = (await ingestion.ListBatchesAsync(request, cancellationToken: ct)).Batches;
        if (listed.Count == 0) return false;

        var missing = await MissingAsync(listed, ct);
        foreach (var some in missing.Chunk(FetchAtOnce))
        {
            var fetch = new GetBatchesRequest();
            fetch.Batches.AddRange(some.Select(header => new BatchRef { OrgId = header.OrgId, BatchId = header.BatchId }));
            var batches = new List<UsageBatch>();
            using (var call = ingestion.GetBatches(fetch, cancellationToken: ct))
            {
                await foreach (var batch in call.ResponseStream.ReadAllAsync(ct)) batches.Add(batch);
            }

            var events = await apply.ApplyAsync(batches, [], ct);
            Healed.Add(batches.Count);
            LogHealed(batches.Count, events);
        }

        await MoveAsync(listed[^1], ct);
        return listed.Count == Page;
    }

    private async Task<(Instant ReceivedAt, Guid BatchId)> PositionAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand("SELECT received_at, batch_id FROM heal_position WHERE id = 1");
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? (reader.GetFieldValue<Instant>(0), reader.GetGuid(1)) : (NodaConstants.UnixEpoch, Guid.Empty);
    }

    private async Task<List<BatchHeader>> MissingAsync(IReadOnlyCollection<BatchHeader> listed, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync("heal-lost-batches", ct);
        await using var command = tx.Command("""
            SELECT l.batch_id FROM unnest($1::uuid[], $2::uuid[]) l(org_id, batch_id)
            WHERE NOT EXISTS (SELECT 1 FROM applied_batches a WHERE a.org_id = l.org_id AND a.batch_id = l.batch_id)
            """);
        var rows = listed.ToArray();
        UsageSql.Array(command, rows, row => Guid.Parse(row.OrgId));
        UsageSql.Array(command, rows, row => Guid.Parse(row.BatchId));
        var missing = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) missing.Add(reader.GetGuid(0));
        return [.. rows.Where(row => missing.Contains(Guid.Parse(row.BatchId)))];
    }

    private async Task MoveAsync(BatchHeader last, CancellationToken ct)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO heal_position AS p (id, received_at, batch_id) VALUES (1, $1, $2)
            ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at, batch_id = excluded.batch_id
            WHERE (p.received_at, p.batch_id) < (excluded.received_at, excluded.batch_id)
            """);
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(last.ReceivedAt.ToDateTimeOffset()) });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.Parse(last.BatchId) });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Batches} batches had not come through Kafka; {Events} events were counted from the store.")]
    private partial void LogHealed(int batches, int events);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Looking for lost batches failed; it goes on from the same place.")]
    private partial void LogFailed(Exception exception);
}
