using GraphQL;
using NodaTime;
using Polaris.Ingestion.Features.Events;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Ingestion.GraphQL;

/// <param name="Corrects">The earlier event that this one voids or replaces.</param>
/// <param name="CorrectedBy">The key of the later event that voids or replaces this one, which is then no longer counted.</param>
[Name("UsageEvent")]
public sealed record UsageEventType(
    string IdempotencyKey,
    string Type,
    string Customer,
    Instant Timestamp,
    string Properties,
    Instant ReceivedAt,
    [property: Id] Guid BatchId,
    CorrectionType? Corrects,
    string? CorrectedBy
)
{
    internal static UsageEventType Of(FoundEvent found) =>
        new(
            found.IdempotencyKey,
            found.Type,
            found.Customer,
            found.Timestamp,
            found.Properties,
            found.ReceivedAt,
            found.BatchId,
            found.Corrects is { } correction ? new CorrectionType(correction.IdempotencyKey, correction.Replaces) : null,
            found.CorrectedBy
        );
}

/// <param name="Replaces">Whether the later event is counted in its place; otherwise it is a void, which is not counted.</param>
[Name("EventCorrection")]
public sealed record CorrectionType(string IdempotencyKey, bool Replaces);

[Name("Query")]
internal sealed class Query
{
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<UsageEventType>> RecentEvents(
        [FromServices] FindEvents events,
        CancellationToken ct,
        int limit = 50
    ) => (await events.RecentAsync(limit, ct)).Select(UsageEventType.Of);

    [RequireScope(Scopes.Read)]
    public static async Task<UsageEventType?> Event([FromServices] FindEvents events, string idempotencyKey, CancellationToken ct) =>
        await events.ByKeyAsync(idempotencyKey, ct) is { } found ? UsageEventType.Of(found) : null;
}
