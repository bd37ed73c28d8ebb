using System.Diagnostics;
using System.Threading.RateLimiting;
using NodaTime;
using Npgsql;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Relay;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>The outcomes of a request's events.</summary>
/// <param name="Events">With the fields that corrections took from their targets.</param>
/// <param name="Refused">
/// An atomic request that would have lost an event: nothing was stored, and an outcome without a batch is what it would have been.
/// </param>
internal sealed record Written(
    IReadOnlyList<IncomingEvent> Events,
    IReadOnlyList<Outcome> Outcomes,
    IReadOnlyList<(int Index, string? Key, Rejection Why)> Rejected,
    bool Refused = false
);

/// <summary>
/// Requests that need a transaction of their own: atomic ones, and those with corrections. The stored events are read first, the outcome is
/// decided in memory, and rows are then written in one order (keys, then corrected keys, each sorted), so that writers cannot deadlock. A
/// writer that lost a race starts again and then sees what the other one stored.
/// </summary>
internal sealed class RequestWriter(NpgsqlDataSource database, RelaySignal relay, TimeProvider time) : IDisposable
{
    private const int MaxConcurrency = 4;
    private const int MaxQueued = 512;

    /// <summary>An attempt fails only when another request stored one of the same keys within a few milliseconds.</summary>
    private const int MaxTries = 50;

    private const int CommandTimeoutSeconds = 5;

    private readonly ConcurrencyLimiter limiter = new(
        new ConcurrencyLimiterOptions
        {
            PermitLimit = MaxConcurrency,
            QueueLimit = MaxQueued,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }
    );

    /// <param name="org">The org of the events.</param>
    /// <param name="body">The parsed request.</param>
    /// <param name="atomic">All or nothing: a rejected event refuses the whole request.</param>
    /// <param name="rules">Whether a replacement is accepted, by its age.</param>
    /// <param name="ct">Cancelled when the client disconnects.</param>
    /// <exception cref="StorageUnavailableException">
    /// Too many requests are waiting, or the database is unavailable. Nothing is known to be stored.
    /// </exception>
    public async Task<Written> WriteAsync(Guid org, ParsedBody body, bool atomic, EventRules rules, CancellationToken ct)
    {
        using var place = await limiter.AcquireAsync(1, ct);
        if (!place.IsAcquired)
            throw new StorageUnavailableException("Too many requests are waiting to be stored.");
        try
        {
            for (var attempt = 1; attempt <= MaxTries; attempt++)
            {
                if (await TryWriteAsync(org, body, atomic, rules, ct) is not { } written)
                    continue;
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

        throw new StorageUnavailableException("Concurrent requests with the same keys kept this one from being stored.");
    }

    public void Dispose() => limiter.Dispose();

    /// <summary>Null when a concurrent request stored one of the keys or corrected one of the targets.</summary>
    private async Task<Written?> TryWriteAsync(Guid org, ParsedBody body, bool atomic, EventRules rules, CancellationToken ct)
    {
        var (began, now) = (Stopwatch.GetTimestamp(), EventWriter.WholeMicroseconds(time.GetUtcNow()));
        await using var tx = await database.BeginOrgAsync(org, ct);
        var wanted = body.Events.Where(incoming => incoming.Corrects is not null).Select(incoming => incoming.Corrects!.Key).ToHashSet();
        var targets = await ReadTargetsAsync(tx, org, [.. wanted], ct);
        // Read after the targets, so that a retry of a correction that was stored in between is seen as a duplicate.
        var stored = await ReadKeysAsync(tx, org, [.. body.Events.Select(incoming => incoming.IdempotencyKey).Distinct()], ct);
        if (stored.Keys.Any(key => wanted.Contains(key.Key) && !targets.ContainsKey(key.Key)))
            return null;
        var (events, rejected) = CorrectionResolution.Resolve(body.Events, stored.Keys.Select(key => key.Key).ToHashSet(), targets, rules);
        var group = new GroupResolution(
            [new WriteRequest(org, events, new TaskCompletionSource<Outcome[]>(), TraceLinks.Current)],
            now,
            Topics.UsagePartitions
        );
        var (outcomes, batches) = group.Resolve(stored);
        var written = new Written(events, outcomes[0], [.. body.Rejected, .. rejected]);
        if (atomic && (written.Rejected.Count > 0 || written.Outcomes.Any(outcome => outcome.Verdict == Verdict.Conflict)))
        {
            // Events that would have been stored have no receipt.
            var held = stored.Values.Select(key => key.BatchId).ToHashSet();
            return written with
            {
                Refused = true,
                Outcomes =
                [
                    .. outcomes[0].Select(outcome => held.Contains(outcome.BatchId) ? outcome : outcome with { BatchId = Guid.Empty }),
                ],
            };
        }

        if (batches.Count == 0)
            return written;
        var fresh = group
            .Candidates.Where(row => !stored.ContainsKey(row.Key))
            .Select(row => row.Value)
            .OrderBy(row => row.Event.IdempotencyKey, StringComparer.Ordinal)
            .ToArray();
        if (!await InsertKeysAsync(tx, org, fresh, ct))
            return null;
        if (!await InsertCorrectionsAsync(tx, org, group, fresh, ct))
            return null;
        await StoreGroup.InsertBatchesAsync(tx, group, batches, now, ct);
        if (Stopwatch.GetElapsedTime(began) > StoreGroup.MaxDuration)
            throw new StorageUnavailableException("The database is too slow.");
        await tx.CommitAsync(ct);
        return written;
    }

    private static async Task<Dictionary<(Guid Org, string Key), StoredKey>> ReadKeysAsync(
        ScopedTransaction tx,
        Guid org,
        string[] keys,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT e.idempotency_key, e.batch_id, e.content_hash, b.received_at
            FROM event_keys e LEFT JOIN usage_batches b ON b.org_id = e.org_id AND b.batch_id = e.batch_id
            WHERE e.org_id = $1 AND e.idempotency_key = ANY($2)
            """
        );
        Add(command, org, keys);
        var stored = new Dictionary<(Guid, string), StoredKey>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            if (reader.IsDBNull(3))
                throw new InvalidOperationException("A stored key has no batch.");
            stored.Add(
                (org, reader.GetString(0)),
                new StoredKey(reader.GetGuid(1), reader.GetGuid(2), reader.GetFieldValue<Instant>(3).ToDateTimeOffset())
            );
        }

        return stored;
    }

    private static async Task<Dictionary<string, CorrectedEvent>> ReadTargetsAsync(
        ScopedTransaction tx,
        Guid org,
        string[] keys,
        CancellationToken ct
    )
    {
        var (targets, correctedBy, batches) = (
            new Dictionary<string, CorrectedEvent>(),
            new Dictionary<string, string?>(),
            new HashSet<Guid>()
        );
        if (keys.Length == 0)
            return targets;
        await using (
            var command = tx.Command(
                """
                SELECT e.idempotency_key, e.batch_id, c.by_key
                FROM event_keys e LEFT JOIN event_corrections c ON c.org_id = e.org_id AND c.corrected_key = e.idempotency_key
                WHERE e.org_id = $1 AND e.idempotency_key = ANY($2)
                """
            )
        )
        {
            Add(command, org, keys);
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                correctedBy.Add(reader.GetString(0), reader.IsDBNull(2) ? null : reader.GetString(2));
                batches.Add(reader.GetGuid(1));
            }
        }

        // Payloads are read one at a time, so memory holds one however many batches the targets are in.
        await using var payloads = tx.Command("SELECT payload FROM usage_batches WHERE org_id = $1 AND batch_id = ANY($2)");
        Add(payloads, org, batches.ToArray());
        await using var rows = await payloads.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            var batch = UsageBatch.Parser.ParseFrom(rows.GetFieldValue<byte[]>(0));
            var id = new Guid(batch.BatchId.Span, bigEndian: true);
            foreach (var usageEvent in batch.Events)
            {
                if (correctedBy.TryGetValue(usageEvent.IdempotencyKey, out var by))
                    targets[usageEvent.IdempotencyKey] = new CorrectedEvent(
                        id,
                        usageEvent.Type,
                        usageEvent.Customer,
                        usageEvent.TimestampUs,
                        usageEvent.Corrects is { Replaces: false },
                        by
                    );
            }
        }

        return targets;
    }

    private static async Task<bool> InsertKeysAsync(
        ScopedTransaction tx,
        Guid org,
        (IncomingEvent Event, BatchDraft Batch)[] fresh,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            INSERT INTO event_keys (org_id, idempotency_key, batch_id, content_hash)
            SELECT $1, k, b, h FROM unnest($2::text[], $3::uuid[], $4::uuid[]) n(k, b, h) ON CONFLICT (org_id, idempotency_key) DO NOTHING
            """
        );
        Add(command, org, fresh.Select(row => row.Event.IdempotencyKey).ToArray());
        command.Bind<Guid[]>([.. fresh.Select(row => row.Batch.Id)]).Bind<Guid[]>([.. fresh.Select(row => row.Event.ContentHash)]);
        return await command.ExecuteNonQueryAsync(ct) == fresh.Length;
    }

    private static async Task<bool> InsertCorrectionsAsync(
        ScopedTransaction tx,
        Guid org,
        GroupResolution group,
        (IncomingEvent Event, BatchDraft Batch)[] fresh,
        CancellationToken ct
    )
    {
        var corrections = fresh
            .Where(row => row.Event.Corrects is not null)
            .OrderBy(row => row.Event.Corrects!.Key, StringComparer.Ordinal)
            .ToArray();
        if (corrections.Length == 0)
            return true;
        await using var command = tx.Command(
            """
            INSERT INTO event_corrections (org_id, corrected_key, corrected_batch_id, by_key, by_batch_id)
            SELECT $1, k, kb, b, bb FROM unnest($2::text[], $3::uuid[], $4::text[], $5::uuid[]) n(k, kb, b, bb)
            ON CONFLICT (org_id, corrected_key) DO NOTHING
            """
        );
        Add(command, org, corrections.Select(row => row.Event.Corrects!.Key).ToArray());
        command
            .Bind<Guid[]>([.. corrections.Select(row => group.TargetBatchOf(org, row.Event.Corrects!))])
            .Bind<string[]>([.. corrections.Select(row => row.Event.IdempotencyKey)])
            .Bind<Guid[]>([.. corrections.Select(row => row.Batch.Id)]);
        return await command.ExecuteNonQueryAsync(ct) == corrections.Length;
    }

    private static void Add<T>(NpgsqlCommand command, Guid org, T[] values)
    {
        command.CommandTimeout = CommandTimeoutSeconds;
        command.Bind(org).Bind(values);
    }
}
