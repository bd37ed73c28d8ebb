using System.Diagnostics;
using Google.Protobuf;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>
/// One transaction per group: its keys, batches, buckets and outbox, all or nothing. Nearly always every key is new, and one statement is
/// enough. When keys are already stored, the steps run one after another, since what remains to be stored depends on them. Not thread-safe.
/// </summary>
internal sealed class StoreGroup(NpgsqlDataSource database) : IAsyncDisposable
{
    /// <summary>
    /// An older transaction is not committed: Billing's RecoverLostBatches looks for lost batches by receipt time, 15 s behind, and relies
    /// on this bound.
    /// </summary>
    internal static readonly TimeSpan MaxDuration = TimeSpan.FromSeconds(8);

    private const int CommandTimeoutSeconds = 5;

    private readonly DedicatedConnection connection = new(database);

    // Clients that repeat keys do so for a while, so the last group predicts the next one.
    private bool allNew = true;

    public async Task<List<Outcome[]>> StoreAsync(
        IReadOnlyList<WriteRequest> requests,
        DateTimeOffset now,
        int partitions,
        CancellationToken ct
    )
    {
        var began = Stopwatch.GetTimestamp();
        var group = new GroupResolution(requests, now, partitions);
        var (outcomes, batches) = group.Resolve(new Dictionary<(Guid, string), StoredKey>());
        if (allNew && await InsertNewAsync(group, batches, now, began, ct))
            return outcomes;
        await using var tx = await connection.BeginCrossOrgAsync(CrossOrgScope.Ingest, ct);
        allNew = await InsertKeysAsync(tx, group, ct) == group.Candidates.Count;
        if (!allNew)
            (outcomes, batches) = group.Resolve(await ReadKeysAsync(tx, group, ct));
        if (batches.Count > 0)
            await InsertBatchesAsync(tx, group, batches, now, ct);
        if (Stopwatch.GetElapsedTime(began) > MaxDuration)
            throw new StorageUnavailableException("The database is too slow.");
        await tx.CommitAsync(ct);
        return outcomes;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    /// <summary>
    /// Writes keys, batches, buckets and outbox in one statement that commits by itself. False, with nothing stored, when a key already
    /// exists.
    /// </summary>
    private async Task<bool> InsertNewAsync(
        GroupResolution group,
        List<UsageBatch> batches,
        DateTimeOffset now,
        long began,
        CancellationToken ct
    )
    {
        await using var command = await connection.CreateCrossOrgCommandAsync(
            CrossOrgScope.Ingest,
            $"""
            fresh AS (
              INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
              SELECT k.* FROM scope, unnest($14::uuid[], $15::text[], $16::uuid[], $17::uuid[]) k),
            {InsertBatches("scope, ")}
            SELECT 1
            """,
            ct
        );
        command.CommandTimeout = CommandTimeoutSeconds;
        AddBatches(command, group, batches, now);
        AddKeys(command, group);
        // The statement commits by itself, so the deadline is checked before it runs, with its full timeout added.
        if (Stopwatch.GetElapsedTime(began) > MaxDuration - TimeSpan.FromSeconds(CommandTimeoutSeconds))
            throw new StorageUnavailableException("The database is too slow.");
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

    /// <summary>The number of the group's keys that were new.</summary>
    private static async Task<int> InsertKeysAsync(ScopedTransaction tx, GroupResolution group, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) ON CONFLICT (org_id, idempotency_key) DO NOTHING
            """
        );
        command.CommandTimeout = CommandTimeoutSeconds;
        AddKeys(command, group);
        return await command.ExecuteNonQueryAsync(ct);
    }

    private static void AddKeys(NpgsqlCommand command, GroupResolution group)
    {
        // All writers use the same order, so that two groups with the same keys cannot deadlock.
        var keys = group.Candidates.OrderBy(row => row.Key.Org).ThenBy(row => row.Key.Key, StringComparer.Ordinal).ToArray();
        command
            .BindColumn(keys, row => row.Key.Org)
            .BindColumn(keys, row => row.Key.Key)
            .BindColumn(keys, row => row.Value.Batch.Id)
            .BindColumn(keys, row => row.Value.Event.ContentHash);
    }

    internal static async Task InsertBatchesAsync(
        ScopedTransaction tx,
        GroupResolution group,
        List<UsageBatch> batches,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        await using var command = tx.Command($"WITH {InsertBatches("")} SELECT 1");
        command.CommandTimeout = CommandTimeoutSeconds;
        AddBatches(command, group, batches, now);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <param name="from">Tables to join the rows with, followed by a comma.</param>
    private static string InsertBatches(string from) =>
        $"""
            stored AS (
              INSERT INTO usage_batches (org_id, batch_id, partition, event_count, received_at, payload)
              SELECT b.org_id, b.batch_id, b.partition, b.event_count, $6, b.payload
              FROM {from}unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bytea[])
                b(org_id, batch_id, partition, event_count, payload)),
            waiting AS (
              INSERT INTO outbox (org_id, batch_id, partition, trace_links)
              SELECT b.* FROM {from}unnest($1::uuid[], $2::uuid[], $3::int[], $13::text[]) b),
            indexed AS (
              INSERT INTO usage_batch_buckets (org_id, bucket_start, batch_id, partition, event_count, digest, previous_bucket)
              SELECT k.*, lag(k.bucket_start) OVER (PARTITION BY k.org_id, k.batch_id ORDER BY k.bucket_start)
              FROM {from}unnest($7::uuid[], $8::timestamptz[], $9::uuid[], $10::int[], $11::int[], $12::numeric[])
                k(org_id, bucket_start, batch_id, partition, event_count, digest))
            """;

    private static void AddBatches(NpgsqlCommand command, GroupResolution group, List<UsageBatch> batches, DateTimeOffset now)
    {
        command
            .BindColumn(batches, batch => IdOf(batch.OrgId))
            .BindColumn(batches, batch => IdOf(batch.BatchId))
            .BindColumn(batches, batch => batch.Partition)
            .BindColumn(batches, batch => batch.Events.Count)
            .BindColumn(batches, batch => batch.ToByteArray())
            .Bind(Instant.FromDateTimeOffset(now));
        var buckets = batches.SelectMany(BucketsOf).ToArray();
        command
            .BindColumn(buckets, row => row.Org)
            .BindColumn(buckets, row => row.Start)
            .BindColumn(buckets, row => row.Batch)
            .BindColumn(buckets, row => row.Partition)
            .BindColumn(buckets, row => row.Count)
            .BindColumn(buckets, row => (decimal)row.Digest);
        var traces = group.TraceLinksByBatch();
        command.BindColumn(batches, batch => traces.GetValueOrDefault(IdOf(batch.BatchId)));
    }

    /// <summary>The stored events of the keys that were not new.</summary>
    private static async Task<Dictionary<(Guid, string), StoredKey>> ReadKeysAsync(
        ScopedTransaction tx,
        GroupResolution group,
        CancellationToken ct
    )
    {
        var (keys, own) = (group.Candidates.Keys.ToArray(), group.Batches.Select(batch => batch.Id).ToHashSet());
        await using var command = tx.Command(
            """
            SELECT e.org_id, e.idempotency_key, e.batch_id, e.content_hash, b.received_at
            FROM unnest($1::uuid[], $2::text[]) k(org_id, idempotency_key)
            JOIN event_keys e ON e.org_id = k.org_id AND e.idempotency_key = k.idempotency_key
            LEFT JOIN usage_batches b ON b.org_id = e.org_id AND b.batch_id = e.batch_id
            """
        );
        command.CommandTimeout = CommandTimeoutSeconds;
        command.BindColumn(keys, key => key.Org).BindColumn(keys, key => key.Key);
        var (stored, read) = (new Dictionary<(Guid, string), StoredKey>(), 0);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            read++;
            // Inserted by this transaction: the key is new, and its batch is written next.
            if (own.Contains(reader.GetGuid(2)))
                continue;
            if (reader.IsDBNull(4))
                throw new InvalidOperationException("A stored key has no batch.");
            stored.Add(
                (reader.GetGuid(0), reader.GetString(1)),
                new StoredKey(reader.GetGuid(2), reader.GetGuid(3), reader.GetFieldValue<Instant>(4).ToDateTimeOffset())
            );
        }

        if (read != keys.Length)
            throw new InvalidOperationException("A key was neither new nor stored.");
        return stored;
    }

    private static IEnumerable<(Guid Org, Instant Start, Guid Batch, int Partition, int Count, ulong Digest)> BucketsOf(UsageBatch batch) =>
        batch
            .Events.GroupBy(usageEvent => Buckets.StartOf(usageEvent.TimestampUs))
            .Select(bucket =>
                (
                    IdOf(batch.OrgId),
                    Instant.FromUnixTimeTicks(bucket.Key * 10),
                    IdOf(batch.BatchId),
                    batch.Partition,
                    bucket.Count(),
                    bucket.Aggregate(
                        0UL,
                        (digest, usageEvent) => UsageDigest.Add(digest, UsageDigest.EventHash(usageEvent.ContentHash.Span))
                    )
                )
            );

    private static Guid IdOf(ByteString bytes) => new(bytes.Span, bigEndian: true);
}
