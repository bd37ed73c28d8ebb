using System.Text.Json;
using GraphQL;
using GraphQL.Federation;
using NodaTime;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Relay;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Ingestion.GraphQL;

/// <summary>A usage event as it is stored.</summary>
/// <param name="IdempotencyKey">Unique in the org for ever.</param>
/// <param name="Type">What meters select it by.</param>
/// <param name="CustomerKey">The org's own key of the customer, which need not exist yet.</param>
/// <param name="Timestamp">When it happened.</param>
/// <param name="Properties">Its properties, an object.</param>
/// <param name="PropertiesText">The same as text, for clients whose JSON numbers have fewer digits.</param>
/// <param name="ReceivedAt">When it was stored.</param>
/// <param name="BatchId">The batch that it is counted with.</param>
/// <param name="Corrects">The earlier event that this one voids or replaces.</param>
/// <param name="CorrectedBy">The key of the later event that voids or replaces this one, which is then no longer counted.</param>
[Name("UsageEvent")]
public sealed record UsageEventType(
    string IdempotencyKey,
    string Type,
    string CustomerKey,
    Instant Timestamp,
    JsonElement Properties,
    string PropertiesText,
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
            JsonElement.Parse(found.Properties),
            found.Properties,
            found.ReceivedAt,
            found.BatchId,
            found.Corrects is { } correction ? new CorrectionType(correction.IdempotencyKey, correction.Replaces) : null,
            found.CorrectedBy
        )
        {
            OrgId = found.OrgId,
        };

    internal Guid OrgId { get; init; }

    /// <summary>The customer, when the org has created it.</summary>
    public CustomerReference? Customer() => new(OrgId, CustomerKey);
}

/// <summary>A customer, whom Billing knows by org and key.</summary>
/// <param name="OrgId">The org that bills it.</param>
/// <param name="Key">The org's own key of the customer.</param>
[Name("Customer"), Key("orgId key")]
public sealed record CustomerReference([property: Id] Guid OrgId, string Key)
{
    /// <summary>Ingestion has nothing more to say of it, and so nothing to look up.</summary>
    [FederationResolver]
    public static CustomerReference Resolve([Id] Guid orgId, string key) => new(orgId, key);
}

/// <summary>What a later event does to an earlier one.</summary>
/// <param name="Replaces">Whether the later event is counted in its place; otherwise it is a void, which is not counted.</param>
/// <param name="IdempotencyKey">The key of the earlier event.</param>
[Name("EventCorrection")]
public sealed record CorrectionType(string IdempotencyKey, bool Replaces);

/// <summary>What a caller may ask.</summary>
[Name("Query")]
internal sealed class Query
{
    /// <summary>The events of the org that were received last, newest first.</summary>
    /// <param name="limit">How many, 1 to 500.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<UsageEventType>> RecentEvents(
        [FromServices] FindEvents events,
        CancellationToken ct,
        int limit = 50
    ) => (await events.RecentAsync(limit, ct)).Select(UsageEventType.Of);

    /// <summary>One event of the org by its key; null when there is none.</summary>
    /// <param name="idempotencyKey">The event's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<UsageEventType?> Event([FromServices] FindEvents events, string idempotencyKey, CancellationToken ct) =>
        await events.ByKeyAsync(idempotencyKey, ct) is { } found ? UsageEventType.Of(found) : null;

    /// <summary>Batches of events that are stored and wait for the broker, of all orgs.</summary>
    [RequireScope(Scopes.PlatformRead)]
    public static async Task<UsageOutboxType> UsageOutbox([FromServices] ReadOutbox outbox, CancellationToken ct) =>
        UsageOutboxType.Of(await outbox.WaitingAsync(ct));
}

/// <summary>What waits for the broker. The events are stored and get counted without it too, some 15 seconds later.</summary>
/// <param name="Batches">The number of batches, counted up to 10,000.</param>
/// <param name="OldestReceivedAt">When the oldest of them was received; null when none waits.</param>
[Name("UsageOutbox")]
public sealed record UsageOutboxType(int Batches, Instant? OldestReceivedAt)
{
    internal static UsageOutboxType Of(WaitingBatches waiting) => new(waiting.Count, waiting.OldestReceivedAt);
}
