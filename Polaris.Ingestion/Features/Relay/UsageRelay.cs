using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Confluent.Kafka;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Relay;

/// <summary>Wakes the relay as soon as something is committed.</summary>
internal sealed class RelaySignal
{
    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Wake() => wakes.Writer.TryWrite(true);

    /// <summary>Whether there is something, before the time is up.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, CancellationToken ct)
    {
        using var wake = CancellationTokenSource.CreateLinkedTokenSource(ct);
        wake.CancelAfter(atMost);
        try
        {
            await wakes.Reader.ReadAsync(wake.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // Time to look anyway.
            return false;
        }
    }
}

/// <summary>
/// Outbox → Kafka, at least once: a row goes only when the broker has acknowledged its record, so a crash at any point publishes again and
/// never not at all. Of several replicas, one holds a partition's lease and publishes it in order of batch ids.
/// </summary>
internal sealed partial class UsageRelay(NpgsqlDataSource database, IProducer<byte[], byte[]> producer, RelaySignal signal, TimeProvider time, ILogger<UsageRelay> log) : BackgroundService
{
    // Plans are made once, maybe while the tables are empty, and must be right when they are not: OFFSET 0 keeps the look into usage_batches one
    // by key for each row. A plain join was hashed over the whole of it until the next ANALYZE.
    internal const string OldestRows = """
        SELECT o.org_id, o.batch_id, o.partition, b.payload
        FROM (SELECT org_id, batch_id, partition FROM outbox WHERE partition = ANY($1) ORDER BY batch_id LIMIT $2) o
        CROSS JOIN LATERAL (SELECT payload FROM usage_batches b WHERE b.org_id = o.org_id AND b.batch_id = o.batch_id OFFSET 0) b
        ORDER BY o.batch_id
        """;

    internal const string Backlog = """
        SELECT (SELECT count(*) FROM outbox), coalesce(extract(epoch FROM now() - max(b.received_at)), 0)::float8
        FROM (SELECT org_id, batch_id FROM outbox ORDER BY batch_id LIMIT 1) o
        CROSS JOIN LATERAL (SELECT received_at FROM usage_batches b WHERE b.org_id = o.org_id AND b.batch_id = o.batch_id OFFSET 0) b
        """;

    private const int AtOnce = 512;

    /// <summary>What is committed meanwhile is read, sent and removed together: a tenth of the statements, for a delay nobody notices.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(25);

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    /// <summary>After a crash its partitions wait this long for another replica; in an orderly stop they are released.</summary>
    private static readonly Duration Lease = Duration.FromSeconds(6);

    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> Published = PolarisTelemetry.Meter.CreateCounter<long>("polaris.ingestion.batches_published", "{batch}");
    private static readonly Counter<long> Failures = PolarisTelemetry.Meter.CreateCounter<long>("polaris.ingestion.publish_failures", "{batch}");

    private readonly Guid self = Guid.CreateVersion7(time.GetUtcNow());
    private readonly KeptConnection connection = new(database);
    private long waiting;
    private double oldestSeconds;

    private sealed record Waiting(Guid Org, Guid Batch, int Partition, byte[] Payload);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        PolarisTelemetry.Meter.CreateObservableGauge("polaris.ingestion.outbox_batches", () => Interlocked.Read(ref waiting), "{batch}", "Batches that the broker does not have yet.");
        PolarisTelemetry.Meter.CreateObservableGauge("polaris.ingestion.outbox_oldest_age", () => Volatile.Read(ref oldestSeconds), "s", "Age of the oldest of them.");
        var backoff = TimeSpan.FromMilliseconds(200);
        var mine = Array.Empty<int>();
        var renewed = DateTimeOffset.MinValue;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (time.GetUtcNow() - renewed > RenewEvery)
                {
                    mine = await LeaseAsync(stoppingToken);
                    renewed = time.GetUtcNow();
                    await MeasureAsync(stoppingToken);
                }

                if (mine.Length > 0 && await PublishSomeAsync(mine, stoppingToken) == AtOnce) continue;
                backoff = TimeSpan.FromMilliseconds(200);
                if (await signal.WaitAsync(LookEvery, stoppingToken)) await Task.Delay(Linger, stoppingToken);
            }
            catch (Exception exception) when (exception is KafkaException or NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
                await Task.Delay(backoff, stoppingToken);
                backoff = backoff * 2 < MaxBackoff ? backoff * 2 : MaxBackoff;
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await using var command = database.CreateCommand("UPDATE relay_leases SET held_until = now() WHERE owner = $1");
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            // The lease runs out by itself.
        }

        await connection.DisposeAsync();
    }

    private async Task<int[]> LeaseAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO relay_leases AS l (partition, owner, held_until) SELECT p, $1, now() + $2 FROM generate_series(0, $3 - 1) p
            ON CONFLICT (partition) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until WHERE l.owner = excluded.owner OR l.held_until < now()
            RETURNING partition
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self });
        command.Parameters.Add(new NpgsqlParameter<Duration> { TypedValue = Lease });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Topics.UsagePartitions });
        var partitions = new List<int>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) partitions.Add(reader.GetInt32(0));
        return [.. partitions];
    }

    private async Task<int> PublishSomeAsync(int[] partitions, CancellationToken ct)
    {
        var rows = await ReadAsync(partitions, ct);
        if (rows.Count == 0) return 0;
        var sends = rows.ConvertAll(row => SendAsync(row, ct));
        var sent = await Task.WhenAll(sends);
        var done = rows.Where((_, i) => sent[i] is null).ToArray();
        if (done.Length > 0) await RemoveAsync(done, ct);
        Published.Add(done.Length);
        if (Array.Find(sent, failure => failure is not null) is { } first)
        {
            Failures.Add(rows.Count - done.Length);
            throw first;
        }

        return rows.Count;
    }

    private async Task<List<Waiting>> ReadAsync(int[] partitions, CancellationToken ct)
    {
        await using var tx = await connection.BeginGateAsync(Gate.RelayUsage, ct);
        await using var command = tx.Command(OldestRows);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = partitions });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = AtOnce });
        var rows = new List<Waiting>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) rows.Add(new Waiting(reader.GetGuid(0), reader.GetGuid(1), reader.GetInt32(2), reader.GetFieldValue<byte[]>(3)));
        return rows;
    }

    /// <summary>Null when the broker has it, else why not. The record's time is now, never an event's: brokers delete by it.</summary>
    private async Task<KafkaException?> SendAsync(Waiting row, CancellationToken ct)
    {
        try
        {
            var message = new Message<byte[], byte[]>
            {
                Key = row.Org.ToByteArray(bigEndian: true),
                Value = row.Payload,
                Timestamp = new Timestamp(time.GetUtcNow()),
                Headers = new Headers { { "batch-id", row.Batch.ToByteArray(bigEndian: true) } }.WithTrace(),
            };
            await producer.ProduceAsync(new TopicPartition(Topics.Usage, row.Partition), message, ct);
            return null;
        }
        catch (KafkaException exception)
        {
            return exception;
        }
    }

    private async Task RemoveAsync(Waiting[] rows, CancellationToken ct)
    {
        await using var tx = await connection.BeginGateAsync(Gate.RelayUsage, ct);
        await using var command = tx.Command("DELETE FROM outbox o USING unnest($1::uuid[], $2::uuid[]) d(org_id, batch_id) WHERE o.org_id = d.org_id AND o.batch_id = d.batch_id");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(row => row.Org)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(row => row.Batch)] });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private async Task MeasureAsync(CancellationToken ct)
    {
        await using var tx = await connection.BeginGateAsync(Gate.RelayUsage, ct);
        await using var command = tx.Command(Backlog);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        Interlocked.Exchange(ref waiting, reader.GetInt64(0));
        Volatile.Write(ref oldestSeconds, reader.GetDouble(1));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Batches could not be published for now; they wait in the outbox.")]
    private partial void LogFailed(Exception exception);
}
