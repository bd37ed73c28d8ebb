using System.Diagnostics;
using Google.Protobuf;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>
/// One transaction for a group: its keys, batches, buckets and outbox, all or nothing. Nearly always every key is new; then it is a single
/// statement. Where keys are stored already the steps follow one another, for what is left to store depends on them. One group at a time.
/// </summary>
internal sealed class StoreGroup(NpgsqlDataSource database) : IAsyncDisposable
{
    /// <summary>
    /// A transaction older than this is not committed: who looks for lost batches by their receipt time relies on it
    /// (Billing's HealLostBatches stays 15 s behind).
    /// </summary>
    internal static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(8);

    private const int CommandTimeoutSeconds = 5;

    private readonly KeptConnection connection = new(database);

    // Whoever repeats keys does so for a while: what the last group had is the best guess for the next.
    private bool allNew = true;

    public async Task<List<Outcome[]>> StoreAsync(IReadOnlyList<WriteRequest> requests, DateTimeOffset now, int partitions, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var group = new GroupResolution(requests, now, partitions);
        var (outcomes, batches) = group.Resolve(new Dictionary<(Guid, string), StoredKey>());
        if (allNew && await InsertNewAsync(group, batches, now, began, ct)) return outcomes;
        await using var tx = await connection.BeginGateAsync(Gate.Ingest, ct);
        allNew = await InsertKeysAsync(tx, group, ct) == group.Candidates.Count;
        if (!allNew) (outcomes, batches) = group.Resolve(await ReadKeysAsync(tx, group, ct));
        if (batches.Count > 0) await InsertBatchesAsync(tx, batches, now, ct);
        if (Stopwatch.GetElapsedTime(began) > MaxDuration) throw new StorageUnavailableException("The database is too slow.");
        await tx.CommitAsync(ct);
        return outcomes;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    /// <summary>Keys, batches, buckets and outbox in one statement that commits by itself. False, and nothing is stored, when a key is there already.</summary>
    private async Task<bool> InsertNewAsync(GroupResolution group, List<UsageBatch> batches, DateTimeOffset now, long began, CancellationToken ct)
    {
        await using var command = await connection.CreateGateCommandAsync(Gate.Ingest, $"""
            fresh AS (
              INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
              SELECT k.* FROM scope, unnest($13::uuid[], $14::text[], $15::uuid[], $16::uuid[]) k),
            {InsertBatches("scope, ")}
            SELECT 1
            """, ct);
        command.CommandTimeout = CommandTimeoutSeconds;
        AddBatches(command.Parameters, batches, now);
        AddKeys(command.Parameters, group);
        // It may take as long as its timeout, and nobody is asked again before it commits.
        if (Stopwatch.GetElapsedTime(began) > MaxDuration - TimeSpan.FromSeconds(CommandTimeoutSeconds)) throw new StorageUnavailableException("The database is too slow.");
        try
        {
            await command.ExecuteNonQueryAsync(ct);
            return true;
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return false;
        }
    }

    /// <summary>How many of the group's keys were new.</summary>
    private static async Task<int> InsertKeysAsync(ScopedTransaction tx, GroupResolution group, CancellationToken ct)
    {
        await using var command = tx.Command("""
            INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) ON CONFLICT (org_id, idempotency_key) DO NOTHING
            """);
        command.CommandTimeout = CommandTimeoutSeconds;
        AddKeys(command.Parameters, group);
        return await command.ExecuteNonQueryAsync(ct);
    }

    private static void AddKeys(NpgsqlParameterCollection parameters, GroupResolution group)
    {
        // One order for all writers: two groups with the same keys cannot wait for each other in a circle.
        var keys = group.Candidates.OrderBy(row => row.Key.Org).ThenBy(row => row.Key.Key, StringComparer.Ordinal).ToArray();
        Add(parameters, keys, row => row.Key.Org);
        Add(parameters, keys, row => row.Key.Key);
        Add(parameters, keys, row => row.Value.Batch.Id);
        Add(parameters, keys, row => row.Value.Event.ContentHash);
    }

    internal static async Task InsertBatchesAsync(ScopedTransaction tx, List<UsageBatch> batches, DateTimeOffset now, CancellationToken ct)
    {
        await using var command = tx.Command($"WITH {InsertBatches("")} SELECT 1");
        command.CommandTimeout = CommandTimeoutSeconds;
        AddBatches(command.Parameters, batches, now);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <param name="from">What the rows are joined with, with a comma.</param>
    private static string InsertBatches(string from) => $"""
        stored AS (
          INSERT INTO usage_batches (org_id, batch_id, partition, event_count, received_at, payload)
          SELECT b.org_id, b.batch_id, b.partition, b.event_count, $6, b.payload
          FROM {from}unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bytea[]) b(org_id, batch_id, partition, event_count, payload)
          RETURNING org_id, batch_id, partition),
        waiting AS (INSERT INTO outbox (org_id, batch_id, partition) SELECT * FROM stored),
        indexed AS (
          INSERT INTO usage_batch_buckets (org_id, bucket_start, batch_id, partition, event_count, digest)
          SELECT k.* FROM {from}unnest($7::uuid[], $8::timestamptz[], $9::uuid[], $10::int[], $11::int[], $12::numeric[]) k)
        """;

    private static void AddBatches(NpgsqlParameterCollection parameters, List<UsageBatch> batches, DateTimeOffset now)
    {
        Add(parameters, batches, batch => IdOf(batch.OrgId));
        Add(parameters, batches, batch => IdOf(batch.BatchId));
        Add(parameters, batches, batch => batch.Partition);
        Add(parameters, batches, batch => batch.Events.Count);
        Add(parameters, batches, batch => batch.ToByteArray());
        parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(now) });
        var buckets = batches.SelectMany(BucketsOf).ToArray();
        Add(parameters, buckets, row => row.Org);
        Add(parameters, buckets, row => row.Start);
        Add(parameters, buckets, row => row.Batch);
        Add(parameters, buckets, row => row.Partition);
        Add(parameters, buckets, row => row.Count);
        Add(parameters, buckets, row => (decimal)row.Digest);
    }

    /// <summary>What the store holds under those of the group's keys that were not new.</summary>
    private static async Task<Dictionary<(Guid, string), StoredKey>> ReadKeysAsync(ScopedTransaction tx, GroupResolution group, CancellationToken ct)
    {
        var (keys, own) = (group.Candidates.Keys.ToArray(), group.Batches.Select(batch => batch.Id).ToHashSet());
        await using var command = tx.Command("""
            SELECT e.org_id, e.idempotency_key, e.batch_id, e.content_hash, b.received_at
            FROM unnest($1::uuid[], $2::text[]) k(org_id, idempotency_key)
            JOIN event_keys e ON e.org_id = k.org_id AND e.idempotency_key = k.idempotency_key
            LEFT JOIN usage_batches b ON b.org_id = e.org_id AND b.batch_id = e.batch_id
            """);
        command.CommandTimeout = CommandTimeoutSeconds;
        Add(command.Parameters, keys, key => key.Org);
        Add(command.Parameters, keys, key => key.Key);
        var (stored, read) = (new Dictionary<(Guid, string), StoredKey>(), 0);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            read++;
            // This transaction inserted it just now: it is new, and its batch comes next.
            if (own.Contains(reader.GetGuid(2))) continue;
            if (reader.IsDBNull(4)) throw new InvalidOperationException("A stored key has no batch.");
            stored.Add((reader.GetGuid(0), reader.GetString(1)), new StoredKey(reader.GetGuid(2), reader.GetGuid(3), reader.GetFieldValue<Instant>(4).ToDateTimeOffset()));
        }

        if (read != keys.Length) throw new InvalidOperationException("A key was neither new nor stored.");
        return stored;
    }

    private static IEnumerable<(Guid Org, Instant Start, Guid Batch, int Partition, int Count, ulong Digest)> BucketsOf(UsageBatch batch) => batch.Events
        .GroupBy(one => Buckets.StartOf(one.TimestampUs))
        .Select(bucket => (
            IdOf(batch.OrgId), Instant.FromUnixTimeTicks(bucket.Key * 10), IdOf(batch.BatchId), batch.Partition, bucket.Count(),
            bucket.Aggregate(0UL, (digest, one) => UsageDigest.Add(digest, UsageDigest.EventHash(one.ContentHash.Span)))));

    private static Guid IdOf(ByteString bytes) => new(bytes.Span, bigEndian: true);

    private static void Add<TRow, TValue>(NpgsqlParameterCollection parameters, IReadOnlyList<TRow> rows, Func<TRow, TValue> column)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++) values[i] = column(rows[i]);
        parameters.Add(new NpgsqlParameter<TValue[]> { TypedValue = values });
    }
}
