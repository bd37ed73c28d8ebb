using System.ComponentModel;
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

[Name("Query")]
internal sealed class Query
{
    [RequireScope(Scopes.Admin)]
    [Description("Billing events of the org that could not become a delivery, oldest first.")]
    public static async Task<IEnumerable<DeliveryDeadLetterType>> DeliveryDeadLetters(
        [FromServices] RecordDeadLetters letters,
        [FromServices] TenantScope tenant,
        CancellationToken ct,
        [Description("1 to 500.")] int first = 50
    ) => (await letters.ListAsync(tenant.RequireOrg(), first, ct)).Select(DeliveryDeadLetterType.Of);

    [RequireScope(Scopes.Read)]
    [Description("The org's deliveries, newest first, kept for 30 days.")]
    public static async Task<DeliveryPageType> Deliveries(
        [FromServices] ReadDeliveries deliveries,
        [Description("Only those of this endpoint."), Id] Guid? endpointId,
        [Description("Only those of this event type.")] string? eventType,
        [Description("Only those with this status.")] DeliveryStatus? status,
        [Description("Only those delivered this way.")] DeliveryChannel? channel,
        [Description("The endCursor of the page before.")] string? after,
        CancellationToken ct,
        [Description("1 to 200.")] int first = 50
    ) =>
        DeliveryPageType.Of(
            await deliveries.PageAsync(
                new DeliveryFilter(endpointId, eventType, status?.ToString().ToLowerInvariant(), channel?.ToString().ToLowerInvariant()),
                first,
                after,
                ct
            )
        );

    [RequireScope(Scopes.Read)]
    [Description("A delivery; null when the org has no such one.")]
    public static async Task<DeliveryType?> Delivery(
        [FromServices] ReadDeliveries deliveries,
        [Description("Its id."), Id] Guid id,
        CancellationToken ct
    ) => await deliveries.FindAsync(id, ct) is { } seen ? DeliveryType.Of(seen) : null;

    [RequireScope(Scopes.Read)]
    [Description("The types of events that endpoints and addresses can ask for.")]
    public static IEnumerable<EventTypeType> EventTypes() => StatedKinds.All.Select(name => new EventTypeType(name));

    [RequireScope(Scopes.Read)]
    [Description("The org's webhook endpoints, oldest first.")]
    public static async Task<IEnumerable<EndpointType>> WebhookEndpoints(
        [FromServices] EditEndpoints endpoints,
        CancellationToken ct,
        [Description("Whether to include archived ones.")] bool archived = false
    ) => (await endpoints.ListAsync(archived, ct)).Select(EndpointType.Of);

    [RequireScope(Scopes.Read)]
    [Description("An endpoint; null when the org has no such one.")]
    public static async Task<EndpointType?> WebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("Its id."), Id] Guid id,
        CancellationToken ct
    ) => await endpoints.FindAsync(id, ct) is { } row ? EndpointType.Of(row) : null;

    [RequireScope(Scopes.Read)]
    [Description("The org's own e-mail addresses that get events.")]
    public static async Task<IEnumerable<AddressType>> NotificationAddresses(
        [FromServices] EditAddresses addresses,
        CancellationToken ct
    ) => (await addresses.ListAsync(ct)).Select(AddressType.Of);

    [RequireScope(Scopes.Read)]
    [Description("What the org has decided about its mail.")]
    public static async Task<SettingsType> NotificationSettings([FromServices] EditAddresses addresses, CancellationToken ct) =>
        new((await addresses.SettingsAsync(ct)).InvoicesToCustomers);

    [RequireScope(Scopes.Admin)]
    [Description("What was changed in notifications, newest first: the mutation, its input, when and by whom.")]
    public static async Task<AuditPageType> NotificationsAuditLog(
        [FromServices] ReadAuditLog log,
        [Description("The endCursor of the page before.")] string? after,
        [Description("Only what was done to this id.")] string? subject,
        CancellationToken ct,
        [Description("1 to 200.")] int first = 50
    ) => AuditPageType.Of(await log.PageAsync(first, after, subject, ct));
}
