using System.Diagnostics.Metrics;
using Confluent.Kafka;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Relay;

/// <summary>Wakes the relay after a commit.</summary>
internal sealed class RelaySignal : WakeSignal;

/// <summary>A batch in the outbox.</summary>
internal sealed record WaitingBatch(Guid Org, Guid Batch, int Partition, byte[] Payload, string? TraceLinks) : IOutboxRow;

/// <summary>
/// Outbox → Kafka, at least once: a row is deleted only after the broker has acknowledged its record, so a crash can only publish again.
/// One replica at a time holds a partition's lease and publishes the partition in order of batch ids.
/// </summary>
internal sealed class UsageRelay(NpgsqlDataSource database, IProducer<byte[], byte[]> producer, RelaySignal signal, TimeProvider time)
    : OutboxRelay<WaitingBatch>(producer),
        IAsyncDisposable
{
    // The plan is cached and may have been made on empty tables. OFFSET 0 forces a lookup by key for each row; a plain join was planned as
    // a hash over all of usage_batches until the next ANALYZE.
    internal const string OldestRows = """
        SELECT o.org_id, o.batch_id, o.partition, b.payload, o.trace_links
        FROM (SELECT org_id, batch_id, partition, trace_links FROM outbox WHERE partition = ANY($1) ORDER BY batch_id LIMIT $2) o
        CROSS JOIN LATERAL (SELECT payload FROM usage_batches b WHERE b.org_id = o.org_id AND b.batch_id = o.batch_id OFFSET 0) b
        ORDER BY o.batch_id
        """;

    internal const string Backlog = """
        SELECT (SELECT count(*) FROM outbox), coalesce(extract(epoch FROM now() - max(b.received_at)), 0)::float8
        FROM (SELECT org_id, batch_id FROM outbox ORDER BY batch_id LIMIT 1) o
        CROSS JOIN LATERAL (SELECT received_at FROM usage_batches b WHERE b.org_id = o.org_id AND b.batch_id = o.batch_id OFFSET 0) b
        """;

    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    /// <summary>After a crash, its partitions wait this long for another replica; an orderly stop releases them.</summary>
    private static readonly Duration Lease = Duration.FromSeconds(6);

    private static readonly Counter<long> Published = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.ingestion.batches_published",
        "{batch}"
    );
    private static readonly Counter<long> Failures = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.ingestion.publish_failures",
        "{batch}"
    );

    private const int MaxRows = 512;

    private readonly Guid self = Guid.CreateVersion7(time.GetUtcNow());
    private readonly DedicatedConnection connection = new(database);
    private long waiting;
    private double oldestSeconds;

    private int rowLimit = MaxRows;
    private bool full;
    private int[] mine = [];
    private DateTimeOffset renewed;

    public override WakeSignal Signal => signal;

    /// <summary>Rows committed in this time are read, sent and deleted together, which needs a tenth of the statements.</summary>
    public override TimeSpan Linger => TimeSpan.FromMilliseconds(25);

    protected override string Topic => Topics.Usage;

    protected override int PageSize => MaxRows;

    protected override TimeSpan PollEvery => TimeSpan.FromMilliseconds(500);

    public override void Starting()
    {
        PolarisTelemetry.Meter.CreateObservableGauge(
            "polaris.ingestion.outbox_batches",
            () => Interlocked.Read(ref waiting),
            "{batch}",
            "Batches waiting to be published."
        );
        PolarisTelemetry.Meter.CreateObservableGauge(
            "polaris.ingestion.outbox_oldest_age",
            () => Volatile.Read(ref oldestSeconds),
            "s",
            "Age of the oldest batch waiting to be published."
        );
    }

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        if (time.GetUtcNow() - renewed > RenewEvery)
        {
            mine = await LeaseAsync(ct);
            renewed = time.GetUtcNow();
            await MeasureAsync(ct);
        }

        return mine.Length > 0 ? await base.RunOnceAsync(ct) : PollEvery;
    }

    public override async Task StoppedAsync(CancellationToken ct)
    {
        try
        {
            await using var command = database.CreateCommand("UPDATE relay_leases SET held_until = now() WHERE owner = $1");
            command.Bind(self);
            await command.ExecuteNonQueryAsync(ct);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            // The lease expires by itself.
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task<int[]> LeaseAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            """
            INSERT INTO relay_leases AS l (partition, owner, held_until) SELECT p, $1, now() + $2 FROM generate_series(0, $3 - 1) p
            ON CONFLICT (partition) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until
            WHERE l.owner = excluded.owner OR l.held_until < now()
            RETURNING partition
            """
        );
        command.Bind(self).Bind(Lease).Bind(Topics.UsagePartitions);
        var partitions = new List<int>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            partitions.Add(reader.GetInt32(0));
        return [.. partitions];
    }

    protected override async Task<IReadOnlyList<WaitingBatch>> ReadAsync(CancellationToken ct)
    {
        await using var tx = await connection.BeginCrossOrgAsync(CrossOrgScope.RelayUsage, ct);
        await using var command = tx.Command(OldestRows);
        command.Bind(mine).Bind(rowLimit);
        var (rows, bytes) = (new List<WaitingBatch>(), 0L);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (bytes < PageBytes && await reader.ReadAsync(ct))
        {
            var links = reader.IsDBNull(4) ? null : reader.GetString(4);
            var payload = reader.GetFieldValue<byte[]>(3);
            rows.Add(new WaitingBatch(reader.GetGuid(0), reader.GetGuid(1), reader.GetInt32(2), payload, links));
            bytes += payload.Length;
        }

        full = rows.Count == rowLimit || bytes >= PageBytes;
        // After a page of large batches the next one asks for fewer rows: what lies behind the bound is read from the database in vain.
        rowLimit = bytes >= PageBytes ? Math.Max(1, rows.Count) : Math.Min(PageSize, rowLimit * 2);
        return rows;
    }

    protected override bool IsFull(IReadOnlyList<WaitingBatch> rows) => full;

    /// <summary>The record's timestamp is the publish time, never an event's: brokers apply retention by it.</summary>
    protected override (TopicPartition Target, Message<byte[], byte[]> Message) ToRecord(WaitingBatch row) =>
        (
            new TopicPartition(Topics.Usage, row.Partition),
            new Message<byte[], byte[]>
            {
                Key = row.Org.ToByteArray(bigEndian: true),
                Value = row.Payload,
                Timestamp = new Timestamp(time.GetUtcNow()),
                Headers = new Headers { { "batch-id", row.Batch.ToByteArray(bigEndian: true) } }.WithTrace(row.TraceLinks),
            }
        );

    protected override void Count(int published, int failed)
    {
        Published.Add(published);
        if (failed > 0)
            Failures.Add(failed);
    }

    protected override async Task RemoveAsync(IReadOnlyList<WaitingBatch> published, CancellationToken ct)
    {
        await using var tx = await connection.BeginCrossOrgAsync(CrossOrgScope.RelayUsage, ct);
        await using var command = tx.Command(
            """
            DELETE FROM outbox o USING unnest($1::uuid[], $2::uuid[]) d(org_id, batch_id)
            WHERE o.org_id = d.org_id AND o.batch_id = d.batch_id
            """
        );
        command.Bind<Guid[]>([.. published.Select(row => row.Org)]).Bind<Guid[]>([.. published.Select(row => row.Batch)]);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private async Task MeasureAsync(CancellationToken ct)
    {
        await using var tx = await connection.BeginCrossOrgAsync(CrossOrgScope.RelayUsage, ct);
        await using var command = tx.Command(Backlog);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        Interlocked.Exchange(ref waiting, reader.GetInt64(0));
        Volatile.Write(ref oldestSeconds, reader.GetDouble(1));
    }
}
