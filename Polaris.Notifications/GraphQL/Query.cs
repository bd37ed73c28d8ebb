using GraphQL;
using Polaris.Notifications.Features;
using Polaris.Notifications.Features.Addresses;
using Polaris.Notifications.Features.Audit;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Features.Endpoints;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.GraphQL;

/// <summary>What a caller may ask.</summary>
[Name("Query")]
internal sealed class Query
{
    /// <summary>Billing events of the org that could not become a delivery, oldest first.</summary>
    /// <param name="first">How many at most, 1 to 500.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<DeliveryDeadLetterType>> DeliveryDeadLetters(
        [FromServices] RecordDeadLetters letters,
        [FromServices] TenantScope tenant,
        CancellationToken ct,
        int first = 50
    ) => (await letters.ListAsync(tenant.RequireOrg(), first, ct)).Select(DeliveryDeadLetterType.Of);

    /// <summary>The org's deliveries, newest first, kept for 30 days.</summary>
    /// <param name="endpointId">Only those of this endpoint.</param>
    /// <param name="eventType">Only those of this event type.</param>
    /// <param name="status">Only those with this status.</param>
    /// <param name="channel">Only those delivered this way.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="first">The page size, 1 to 200.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<DeliveryPageType> Deliveries(
        [FromServices] ReadDeliveries deliveries,
        [Id] Guid? endpointId,
        string? eventType,
        DeliveryStatus? status,
        DeliveryChannel? channel,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => DeliveryPageType.Of(await deliveries.PageAsync(Filter(endpointId, eventType, status, channel), first, after, ct));

    /// <summary>A delivery; null when the org has no such one.</summary>
    /// <param name="id">The delivery's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<DeliveryType?> Delivery([FromServices] ReadDeliveries deliveries, [Id] Guid id, CancellationToken ct) =>
        await deliveries.FindAsync(id, ct) is { } seen ? DeliveryType.Of(seen) : null;

    /// <summary>The types of events that endpoints and addresses can ask for.</summary>
    [RequireScope(Scopes.Read)]
    public static IEnumerable<EventTypeType> EventTypes() => StatedKinds.All.Select(name => new EventTypeType(name));

    /// <summary>The org's webhook endpoints, oldest first.</summary>
    /// <param name="archived">Whether to include archived ones.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<EndpointType>> WebhookEndpoints(
        [FromServices] EditEndpoints endpoints,
        CancellationToken ct,
        bool archived = false
    ) => (await endpoints.ListAsync(archived, ct)).Select(EndpointType.Of);

    /// <summary>An endpoint; null when the org has no such one.</summary>
    /// <param name="id">The endpoint's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<EndpointType?> WebhookEndpoint([FromServices] EditEndpoints endpoints, [Id] Guid id, CancellationToken ct) =>
        await endpoints.FindAsync(id, ct) is { } row ? EndpointType.Of(row) : null;

    /// <summary>The org's own e-mail addresses that get events.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<AddressType>> NotificationAddresses(
        [FromServices] EditAddresses addresses,
        CancellationToken ct
    ) => (await addresses.ListAsync(ct)).Select(AddressType.Of);

    /// <summary>What the org has decided about its mail.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<SettingsType> NotificationSettings([FromServices] EditAddresses addresses, CancellationToken ct) =>
        new((await addresses.SettingsAsync(ct)).InvoicesToCustomers);

    /// <summary>What was changed in notifications, newest first: the mutation, its input, when and by whom.</summary>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="subject">Only what was done to this id.</param>
    /// <param name="first">The page size, 1 to 200.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<AuditPageType> NotificationsAuditLog(
        [FromServices] ReadAuditLog log,
        string? after,
        string? subject,
        CancellationToken ct,
        int first = 50
    ) => AuditPageType.Of(await log.PageAsync(first, after, subject, ct));

    internal static DeliveryFilter Filter(Guid? endpointId, string? eventType, DeliveryStatus? status, DeliveryChannel? channel) =>
        new(endpointId, eventType, status?.ToString().ToLowerInvariant(), channel?.ToString().ToLowerInvariant());
}
