using GraphQL;
using NodaTime;
using Polaris.Ingestion.Features.Events;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Ingestion.GraphQL;

[Name("UsageEvent")]
public sealed record UsageEventType(
    string IdempotencyKey, string Type, string Customer, Instant Timestamp, string Properties, Instant ReceivedAt, [property: Id] Guid BatchId)
{
    internal static UsageEventType Of(FoundEvent found) =>
        new(found.IdempotencyKey, found.Type, found.Customer, found.Timestamp, found.Properties, found.ReceivedAt, found.BatchId);
}

[Name("Query")]
internal sealed class Query
{
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<UsageEventType>> RecentEvents([FromServices] FindEvents events, CancellationToken ct, int limit = 50) =>
        (await events.RecentAsync(limit, ct)).Select(UsageEventType.Of);

    [RequireScope(Scopes.Read)]
    public static async Task<UsageEventType?> Event([FromServices] FindEvents events, string idempotencyKey, CancellationToken ct) =>
        await events.ByKeyAsync(idempotencyKey, ct) is { } found ? UsageEventType.Of(found) : null;
}
