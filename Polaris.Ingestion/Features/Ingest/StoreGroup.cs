using System.Diagnostics;
using Google.Protobuf;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>One transaction for a group: its keys, batches, buckets and outbox, all or nothing.</summary>
internal static class StoreGroup
{
    public const string Gate = "ingest";

    /// <summary>
    /// A transaction older than this is not committed: who looks for lost batches by their receipt time relies on it
    /// (Billing's HealLostBatches stays 15 s behind).
    /// </summary>
    private static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(8);

    private const int CommandTimeoutSeconds = 5;

    public static async Task<List<Outcome[]>> StoreAsync(
        NpgsqlDataSource database, IReadOnlyList<WriteRequest> requests, DateTimeOffset now, int partitions, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var group = new GroupResolution(requests, now, partitions);
        await using var tx = await database.BeginGateAsync(Gate, ct);
        var fresh = await InsertKeysAsync(tx, group, ct);
        var stored = fresh.Count == group.Candidates.Count ? [] : await ReadKeysAsync(tx, group.Candidates.Keys.Where(key => !fresh.Contains(key)).ToArray(), ct);
        var (outcomes, batches) = group.Resolve(stored);
        if (batches.Count > 0) await InsertBatchesAsync(tx, batches, now, ct);
        if (Stopwatch.GetElapsedTime(began) > MaxDuration) throw new StorageUnavailableException("The database is too slow.");
        await tx.CommitAsync(ct);
        return outcomes;
    }

    private static async Task<HashSet<(Guid, string)>> InsertKeysAsync(ScopedTransaction tx, GroupResolution group, CancellationToken ct)
    {
        // One order for all writers: two groups with the same keys cannot wait for each other in a circle.
        var rows = group.Candidates.OrderBy(row => row.Key.Org).ThenBy(row => row.Key.Key, StringComparer.Ordinal).ToArray();
        await using var command = tx.Command("""
            INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) ON CONFLICT (org_id, idempotency_key) DO NOTHING
            RETURNING org_id, idempotency_key
            """);
        command.CommandTimeout = CommandTimeoutSeconds;
        Add(command, rows, row => row.Key.Org);
        Add(command, rows, row => row.Key.Key);
        Add(command, rows, row => row.Value.Batch.Id);
        Add(command, rows, row => row.Value.Event.ContentHash);
        var fresh = new HashSet<(Guid, string)>(rows.Length);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) fresh.Add((reader.GetGuid(0), reader.GetString(1)));
        return fresh;
    }

    private static async Task<Dictionary<(Guid, string), StoredKey>> ReadKeysAsync(ScopedTransaction tx, (Guid Org, string Key)[] keys, CancellationToken ct)
    {
        await using var command = tx.Command("""
            SELECT e.org_id, e.idempotency_key, e.batch_id, e.content_hash, b.received_at
            FROM unnest($1::uuid[], $2::text[]) k(org_id, idempotency_key)
            JOIN event_keys e ON e.org_id = k.org_id AND e.idempotency_key = k.idempotency_key
            JOIN usage_batches b ON b.org_id = e.org_id AND b.batch_id = e.batch_id
            """);
        command.CommandTimeout = CommandTimeoutSeconds;
        Add(command, keys, key => key.Org);
        Add(command, keys, key => key.Key);
        var stored = new Dictionary<(Guid, string), StoredKey>(keys.Length);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            stored.Add((reader.GetGuid(0), reader.GetString(1)), new StoredKey(reader.GetGuid(2), reader.GetGuid(3), reader.GetFieldValue<Instant>(4).ToDateTimeOffset()));
        if (stored.Count != keys.Length) throw new InvalidOperationException("A key was neither new nor stored: its batch is missing.");
        return stored;
    }

    private static async Task InsertBatchesAsync(ScopedTransaction tx, IReadOnlyList<UsageBatch> batches, DateTimeOffset now, CancellationToken ct)
    {
        var buckets = batches.SelectMany(BucketsOf).ToArray();
        await using var both = new NpgsqlBatch(tx.Connection, tx.Transaction) { Timeout = CommandTimeoutSeconds };
        var store = new NpgsqlBatchCommand("""
            WITH stored AS (
              INSERT INTO usage_batches (org_id, batch_id, partition, event_count, received_at, payload)
              SELECT org_id, batch_id, partition, event_count, $6, payload
              FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bytea[]) b(org_id, batch_id, partition, event_count, payload)
              RETURNING org_id, batch_id, partition)
            INSERT INTO outbox (org_id, batch_id, partition) SELECT * FROM stored
            """);
        Add(store, batches, batch => IdOf(batch.OrgId));
        Add(store, batches, batch => IdOf(batch.BatchId));
        Add(store, batches, batch => batch.Partition);
        Add(store, batches, batch => batch.Events.Count);
        Add(store, batches, batch => batch.ToByteArray());
        store.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(now) });
        both.BatchCommands.Add(store);

        var index = new NpgsqlBatchCommand("""
            INSERT INTO usage_batch_buckets (org_id, bucket_start, batch_id, partition, event_count, digest)
            SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::int[], $5::int[], $6::numeric[])
            """);
        Add(index, buckets, row => row.Org);
        Add(index, buckets, row => row.Start);
        Add(index, buckets, row => row.Batch);
        Add(index, buckets, row => row.Partition);
        Add(index, buckets, row => row.Count);
        Add(index, buckets, row => (decimal)row.Digest);
        both.BatchCommands.Add(index);
        await both.ExecuteNonQueryAsync(ct);
    }

    private static IEnumerable<(Guid Org, Instant Start, Guid Batch, int Partition, int Count, ulong Digest)> BucketsOf(UsageBatch batch) => batch.Events
        .GroupBy(one => Buckets.StartOf(one.TimestampUs))
        .Select(bucket => (
            IdOf(batch.OrgId), Instant.FromUnixTimeTicks(bucket.Key * 10), IdOf(batch.BatchId), batch.Partition, bucket.Count(),
            bucket.Aggregate(0UL, (digest, one) => UsageDigest.Add(digest, UsageDigest.EventHash(one.IdempotencyKey, one.ContentHash.Span)))));

    private static Guid IdOf(ByteString bytes) => new(bytes.Span, bigEndian: true);

    private static void Add<TRow, TValue>(NpgsqlCommand command, IReadOnlyList<TRow> rows, Func<TRow, TValue> column) => command.Parameters.Add(Column(rows, column));

    private static void Add<TRow, TValue>(NpgsqlBatchCommand command, IReadOnlyList<TRow> rows, Func<TRow, TValue> column) => command.Parameters.Add(Column(rows, column));

    private static NpgsqlParameter<TValue[]> Column<TRow, TValue>(IReadOnlyList<TRow> rows, Func<TRow, TValue> column)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++) values[i] = column(rows[i]);
        return new NpgsqlParameter<TValue[]> { TypedValue = values };
    }
}
