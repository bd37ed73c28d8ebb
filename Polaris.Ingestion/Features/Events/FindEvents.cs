using System.Text;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Ingestion.Features.Events;

/// <summary>A stored event as its org sees it. <paramref name="Properties"/> is a JSON object.</summary>
/// <param name="Corrects">The earlier event that this one voids or replaces.</param>
/// <param name="CorrectedBy">The key of the later event that voids or replaces this one, which is then no longer counted.</param>
internal sealed record FoundEvent(
    Guid OrgId,
    string IdempotencyKey,
    string Type,
    string Customer,
    Instant Timestamp,
    string Properties,
    Instant ReceivedAt,
    Guid BatchId,
    bool Published,
    FoundCorrection? Corrects = null,
    string? CorrectedBy = null
);

/// <param name="Replaces">False for a void.</param>
internal sealed record FoundCorrection(string IdempotencyKey, bool Replaces);

/// <summary>Looks up stored events: one by its key, or the latest ones of an org or of several.</summary>
internal sealed class FindEvents(NpgsqlDataSource database, TenantScope tenant)
{
    public const int MaxRecent = 500;

    public async Task<FoundEvent?> ByKeyAsync(string idempotencyKey, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            """
            SELECT b.org_id, b.payload, NOT EXISTS (SELECT 1 FROM outbox o WHERE o.org_id = b.org_id AND o.batch_id = b.batch_id)
            FROM event_keys e JOIN usage_batches b ON b.org_id = e.org_id AND b.batch_id = e.batch_id
            WHERE e.org_id = $1 AND e.idempotency_key = $2
            """
        );
        command.Bind(org).Bind(idempotencyKey.Replace("\0", "", StringComparison.Ordinal));
        return (await ReadAsync(tx, [org], command, ct, only: idempotencyKey)).FirstOrDefault();
    }

    /// <summary>The most recently received events, newest first.</summary>
    public async Task<IReadOnlyList<FoundEvent>> RecentAsync(int limit, CancellationToken ct)
    {
        Check(limit);
        var org = tenant.RequireOrg();
        await using var tx = await database.BeginOrgAsync(org, ct);
        return (await RecentAsync(tx, [org], limit, ct))[org];
    }

    /// <summary>The same of several orgs, in the scope of several orgs.</summary>
    public async Task<IReadOnlyDictionary<Guid, IReadOnlyList<FoundEvent>>> RecentOfOrgsAsync(
        IReadOnlyList<Guid> orgs,
        int limit,
        CancellationToken ct
    )
    {
        Check(limit);
        if (orgs.Count == 0)
            return new Dictionary<Guid, IReadOnlyList<FoundEvent>>();
        await using var tx = await database.BeginOrgsAsync(tenant, ct);
        return await RecentAsync(tx, orgs, limit, ct);
    }

    private static void Check(int limit)
    {
        if (limit is < 1 or > MaxRecent)
            throw new RefusedException(Refusal.Invalid("limit", "out_of_range", $"'limit' must be 1 to {MaxRecent}, not {limit}."));
    }

    private static async Task<IReadOnlyDictionary<Guid, IReadOnlyList<FoundEvent>>> RecentAsync(
        ScopedTransaction tx,
        IReadOnlyList<Guid> orgs,
        int limit,
        CancellationToken ct
    )
    {
        // A batch has at least one event, so this many batches are always enough. Each org is a branch of its own, which ends after them.
        await using var command = tx.Command(
            string.Join(
                "\nUNION ALL\n",
                orgs.Select(
                    (_, i) =>
                        $"""
                            SELECT b.org_id, b.payload,
                              NOT EXISTS (SELECT 1 FROM outbox o WHERE o.org_id = b.org_id AND o.batch_id = b.batch_id)
                            FROM (SELECT org_id, batch_id, payload, sum(event_count) OVER (ORDER BY batch_id DESC) - event_count AS newer
                                  FROM (SELECT * FROM usage_batches WHERE org_id = ${i + 2} ORDER BY batch_id DESC LIMIT $1) newest) b
                            WHERE b.newer < $1
                            """
                )
            )
        );
        command.Bind(limit);
        foreach (var org in orgs)
            command.Bind(org);
        var found = (await ReadAsync(tx, [.. orgs], command, ct)).ToLookup(match => match.OrgId);
        return orgs.ToDictionary(
            org => org,
            org =>
                (IReadOnlyList<FoundEvent>)
                    [.. found[org].OrderByDescending(match => match.ReceivedAt).ThenByDescending(match => match.Timestamp).Take(limit)]
        );
    }

    private static async Task<List<FoundEvent>> ReadAsync(
        ScopedTransaction tx,
        Guid[] orgs,
        NpgsqlCommand command,
        CancellationToken ct,
        string? only = null
    )
    {
        var found = new List<FoundEvent>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
            {
                var org = reader.GetGuid(0);
                var batch = UsageBatch.Parser.ParseFrom(reader.GetFieldValue<byte[]>(1));
                var published = reader.GetBoolean(2);
                found.AddRange(
                    batch
                        .Events.Where(usageEvent => only is null || usageEvent.IdempotencyKey == only)
                        .Select(usageEvent => new FoundEvent(
                            org,
                            usageEvent.IdempotencyKey,
                            usageEvent.Type,
                            usageEvent.Customer,
                            At(usageEvent.TimestampUs),
                            usageEvent.Properties.IsEmpty ? "{}" : Encoding.UTF8.GetString(usageEvent.Properties.Span),
                            At(batch.ReceivedAtUs),
                            new Guid(batch.BatchId.Span, bigEndian: true),
                            published,
                            usageEvent.Corrects is { } correction
                                ? new FoundCorrection(correction.IdempotencyKey, correction.Replaces)
                                : null
                        ))
                );
            }
        }

        var corrected = await EventCorrections.OfBatchesAsync(tx, orgs, found.Select(match => match.BatchId), ct);
        return corrected.Count == 0
            ? found
            : found.ConvertAll(match =>
                corrected.TryGetValue((match.OrgId, match.IdempotencyKey), out var by) ? match with { CorrectedBy = by.Key } : match
            );
    }

    private static Instant At(long microseconds) => Instant.FromUnixTimeTicks(microseconds * 10);
}
