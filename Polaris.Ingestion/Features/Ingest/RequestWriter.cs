using System.Diagnostics;
using System.Threading.RateLimiting;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Relay;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>What became of a request's events.</summary>
/// <param name="Events">With the fields that a correction took from its target.</param>
/// <param name="Refused">An atomic request that would have lost an event: nothing of it was stored, and an outcome without a batch says what would have been.</param>
internal sealed record Written(
    IReadOnlyList<IncomingEvent> Events, IReadOnlyList<Outcome> Outcomes, IReadOnlyList<(int Index, string? Key, Rejection Why)> Rejected, bool Refused = false);

/// <summary>
/// Requests that need a transaction of their own: atomic ones, and those with corrections. What is stored is read first, everything is decided
/// in memory, and then written in one order (keys, then corrected keys, each sorted), so that no two writers wait for each other in a circle.
/// Whoever finds that another was quicker begins anew and then sees what that one stored.
/// </summary>
internal sealed class RequestWriter(NpgsqlDataSource database, RelaySignal relay, TimeProvider time) : IDisposable
{
    private const int MaxAtOnce = 4;
    private const int MaxWaiting = 512;

    /// <summary>A try is lost only to a request that stored one of the same keys within a few milliseconds.</summary>
    private const int MaxTries = 50;

    private const int CommandTimeoutSeconds = 5;

    private readonly ConcurrencyLimiter places = new(new ConcurrencyLimiterOptions { PermitLimit = MaxAtOnce, QueueLimit = MaxWaiting, QueueProcessingOrder = QueueProcessingOrder.OldestFirst });

    /// <param name="org">Whose events.</param>
    /// <param name="body">What was read of the request.</param>
    /// <param name="atomic">All or nothing; an event that was already rejected refuses the request.</param>
    /// <param name="backfill">Whether replacements of any age are taken.</param>
    /// <param name="ct">When the client is gone.</param>
    /// <exception cref="StorageUnavailableException">Too many wait, or the database is away. Nothing is known to be stored.</exception>
    public async Task<Written> WriteAsync(Guid org, ParsedBody body, bool atomic, bool backfill, CancellationToken ct)
    {
        using var place = await places.AcquireAsync(1, ct);
        if (!place.IsAcquired) throw new StorageUnavailableException("Too many requests wait to be stored.");
        try
        {
            for (var attempt = 1; attempt <= MaxTries; attempt++)
            {
                if (await TryWriteAsync(org, body, atomic, backfill, ct) is not { } written) continue;
                if (!written.Refused)
                {
                    relay.Wake();
                    EventWriter.Count(written.Outcomes);
                }

                return written;
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException)
        {
            throw new StorageUnavailableException("Events cannot be stored at the moment.", exception);
        }

        throw new StorageUnavailableException("Other requests with the same keys were always quicker.");
    }

    public void Dispose() => places.Dispose();

    /// <summary>Null when another request stored one of the keys, or corrected one of the targets, in between.</summary>
    private async Task<Written?> TryWriteAsync(Guid org, ParsedBody body, bool atomic, bool backfill, CancellationToken ct)
    {
        var (began, now) = (Stopwatch.GetTimestamp(), EventWriter.WholeMicroseconds(time.GetUtcNow()));
        await using var tx = await database.BeginOrgAsync(org, ct);
        var wanted = body.Events.Where(one => one.Corrects is not null).Select(one => one.Corrects!.Key).ToHashSet();
        var targets = await ReadTargetsAsync(tx, org, [.. wanted], ct);
        // Read after the targets: whoever corrected one of them is seen here, if it was this very event, as a duplicate.
        var stored = await ReadKeysAsync(tx, org, [.. body.Events.Select(one => one.IdempotencyKey).Distinct()], ct);
        if (stored.Keys.Any(key => wanted.Contains(key.Key) && !targets.ContainsKey(key.Key))) return null;
        var (events, rejected) = CorrectionResolution.Resolve(
            body.Events, stored.Keys.Select(key => key.Key).ToHashSet(), targets, new EventRules(now, backfill));
        var group = new GroupResolution([new WriteRequest(org, events, new TaskCompletionSource<Outcome[]>())], now, Topics.UsagePartitions);
        var (outcomes, batches) = group.Resolve(stored);
        var written = new Written(events, outcomes[0], [.. body.Rejected, .. rejected]);
        if (atomic && (written.Rejected.Count > 0 || written.Outcomes.Any(outcome => outcome.Verdict == Verdict.Conflict)))
        {
            // What would have been stored has no receipt.
            var held = stored.Values.Select(key => key.BatchId).ToHashSet();
            return written with { Refused = true, Outcomes = [.. outcomes[0].Select(one => held.Contains(one.BatchId) ? one : one with { BatchId = Guid.Empty })] };
        }

        if (batches.Count == 0) return written;
        var fresh = group.Candidates.Where(row => !stored.ContainsKey(row.Key)).Select(row => row.Value).OrderBy(row => row.Event.IdempotencyKey, StringComparer.Ordinal).ToArray();
        if (!await InsertKeysAsync(tx, org, fresh, ct)) return null;
        if (!await InsertCorrectionsAsync(tx, org, group, fresh, ct)) return null;
        await StoreGroup.InsertBatchesAsync(tx, batches, now, ct);
        if (Stopwatch.GetElapsedTime(began) > StoreGroup.MaxDuration) throw new StorageUnavailableException("The database is too slow.");
        await tx.CommitAsync(ct);
        return written;
    }

    private static async Task<Dictionary<(Guid Org, string Key), StoredKey>> ReadKeysAsync(ScopedTransaction tx, Guid org, string[] keys, CancellationToken ct)
    {
        await using var command = tx.Command("""
            SELECT e.idempotency_key, e.batch_id, e.content_hash, b.received_at
            FROM event_keys e LEFT JOIN usage_batches b ON b.org_id = e.org_id AND b.batch_id = e.batch_id
            WHERE e.org_id = $1 AND e.idempotency_key = ANY($2)
            """);
        Add(command, org, keys);
        var stored = new Dictionary<(Guid, string), StoredKey>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            if (reader.IsDBNull(3)) throw new InvalidOperationException("A stored key has no batch.");
            stored.Add((org, reader.GetString(0)), new StoredKey(reader.GetGuid(1), reader.GetGuid(2), reader.GetFieldValue<Instant>(3).ToDateTimeOffset()));
        }

        return stored;
    }

    private static async Task<Dictionary<string, CorrectedEvent>> ReadTargetsAsync(ScopedTransaction tx, Guid org, string[] keys, CancellationToken ct)
    {
        var (targets, correctedBy, batches) = (new Dictionary<string, CorrectedEvent>(), new Dictionary<string, string?>(), new HashSet<Guid>());
        if (keys.Length == 0) return targets;
        await using (var command = tx.Command("""
            SELECT e.idempotency_key, e.batch_id, c.by_key
            FROM event_keys e LEFT JOIN event_corrections c ON c.org_id = e.org_id AND c.corrected_key = e.idempotency_key
            WHERE e.org_id = $1 AND e.idempotency_key = ANY($2)
            """))
        {
            Add(command, org, keys);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                correctedBy.Add(reader.GetString(0), reader.IsDBNull(2) ? null : reader.GetString(2));
                batches.Add(reader.GetGuid(1));
            }
        }

        // Payloads one at a time: however many batches the targets are spread over, memory holds one.
        await using var payloads = tx.Command("SELECT payload FROM usage_batches WHERE org_id = $1 AND batch_id = ANY($2)");
        Add(payloads, org, batches.ToArray());
        await using var rows = await payloads.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            var batch = UsageBatch.Parser.ParseFrom(rows.GetFieldValue<byte[]>(0));
            var id = new Guid(batch.BatchId.Span, bigEndian: true);
            foreach (var one in batch.Events)
            {
                if (correctedBy.TryGetValue(one.IdempotencyKey, out var by))
                    targets[one.IdempotencyKey] = new CorrectedEvent(id, one.Type, one.Customer, one.TimestampUs, one.Corrects is { Replaces: false }, by);
            }
        }

        return targets;
    }

    private static async Task<bool> InsertKeysAsync(ScopedTransaction tx, Guid org, (IncomingEvent Event, BatchDraft Batch)[] fresh, CancellationToken ct)
    {
        await using var command = tx.Command("""
            INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
            SELECT $1, k, b, h FROM unnest($2::text[], $3::uuid[], $4::uuid[]) n(k, b, h) ON CONFLICT (org_id, idempotency_key) DO NOTHING
            """);
        Add(command, org, fresh.Select(row => row.Event.IdempotencyKey).ToArray());
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. fresh.Select(row => row.Batch.Id)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. fresh.Select(row => row.Event.ContentHash)] });
        return await command.ExecuteNonQueryAsync(ct) == fresh.Length;
    }

    private static async Task<bool> InsertCorrectionsAsync(ScopedTransaction tx, Guid org, GroupResolution group, (IncomingEvent Event, BatchDraft Batch)[] fresh, CancellationToken ct)
    {
        var corrections = fresh.Where(row => row.Event.Corrects is not null).OrderBy(row => row.Event.Corrects!.Key, StringComparer.Ordinal).ToArray();
        if (corrections.Length == 0) return true;
        await using var command = tx.Command("""
            INSERT INTO event_corrections (org_id, corrected_key, corrected_batch_id, by_key, by_batch_id)
            SELECT $1, k, kb, b, bb FROM unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[]) n(k, kb, b, bb) ON CONFLICT (org_id, corrected_key) DO NOTHING
            """);
        Add(command, org, corrections.Select(row => row.Event.Corrects!.Key).ToArray());
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. corrections.Select(row => group.TargetBatchOf(org, row.Event.Corrects!))] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. corrections.Select(row => row.Event.IdempotencyKey)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. corrections.Select(row => row.Batch.Id)] });
        return await command.ExecuteNonQueryAsync(ct) == corrections.Length;
    }

    private static void Add<T>(NpgsqlCommand command, Guid org, T[] values)
    {
        command.CommandTimeout = CommandTimeoutSeconds;
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = values });
    }
}
