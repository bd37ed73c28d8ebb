using System.ComponentModel;
using GraphQL;
using Polaris.Notifications.Features.Addresses;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Features.Endpoints;
using Polaris.Notifications.Features.Events;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.GraphQL;

[Name("Mutation")]
internal sealed class Mutation
{
    [RequireScope(Scopes.Admin)]
    [Description("Tries the given dead letters of deliveries again, or all.")]
    public static async Task<DeliveryDeadLetterReplayType> ReplayDeliveryDeadLetters(
        [FromServices] RetryRecordDeadLetters<ConsumeBillingEvents> retry,
        [FromServices] TenantScope tenant,
        [Description("Which; null for all."), Id] Guid[]? ids,
        CancellationToken ct
    )
    {
        var (replayed, resolved) = await retry.ReplayAsync(tenant.RequireOrg(), ids, ct);
        return new DeliveryDeadLetterReplayType(replayed, resolved);
    }

    [RequireScope(Scopes.Admin)]
    [Description("Creates an endpoint. Its secret is shown only now.")]
    public static async Task<EndpointWithSecretType> CreateWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("The endpoint.")] CreateEndpointInput input,
        CancellationToken ct
    ) =>
        EndpointWithSecretType.Of(
            await endpoints.CreateAsync(new StatedEndpoint(input.Url, input.Description, input.EventTypes, input.InOrder), ct)
        );

    [RequireScope(Scopes.Admin)]
    [Description("Changes an endpoint. What waits is sent to the new URL.")]
    public static async Task<EndpointType> UpdateWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("The changes.")] UpdateEndpointInput input,
        CancellationToken ct
    ) =>
        EndpointType.Of(
            await endpoints.UpdateAsync(input.Id, new StatedEndpoint(input.Url, input.Description, input.EventTypes, input.InOrder), ct)
        );

    [RequireScope(Scopes.Admin)]
    [Description("Enables an endpoint: what waits is sent at once.")]
    public static async Task<EndpointType> EnableWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("The endpoint."), Id] Guid id,
        CancellationToken ct
    ) => EndpointType.Of(await endpoints.EnableAsync(id, ct));

    [RequireScope(Scopes.Admin)]
    [Description("Disables an endpoint. Events that happen meanwhile are not sent to it, unless resendEvents asks for them.")]
    public static async Task<EndpointType> DisableWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("The endpoint."), Id] Guid id,
        CancellationToken ct
    ) => EndpointType.Of(await endpoints.DisableAsync(id, ct));

    [RequireScope(Scopes.Admin)]
    [Description("Ends an endpoint for good. Its deliveries can still be seen.")]
    public static async Task<EndpointType> ArchiveWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("The endpoint."), Id] Guid id,
        CancellationToken ct
    ) => EndpointType.Of(await endpoints.ArchiveAsync(id, ct));

    [RequireScope(Scopes.Admin)]
    [Description("Gives an endpoint a new secret. Webhooks are signed with both until the overlap is over.")]
    public static async Task<EndpointWithSecretType> RotateWebhookSecret(
        [FromServices] EditEndpoints endpoints,
        [Description("The endpoint."), Id] Guid id,
        [Description("Seconds for which the secret before signs as well: 0 to 604,800, a day by default.")] int? overlap,
        CancellationToken ct
    ) =>
        EndpointWithSecretType.Of(
            await endpoints.RotateAsync(id, overlap is { } seconds ? TimeSpan.FromSeconds(seconds) : EditEndpoints.DefaultOverlap, ct)
        );

    [RequireScope(Scopes.Admin)]
    [Description("Sends an event of type 'test' to an endpoint.")]
    public static async Task<DeliveryType> TestWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Description("The endpoint."), Id] Guid id,
        CancellationToken ct
    ) => DeliveryType.Of(new SeenDelivery(await endpoints.TestAsync(id, ct), []));

    [RequireScope(Scopes.Admin)]
    [Description("Sends a delivery again, with the event's id that it had.")]
    public static async Task<DeliveryType> ResendDelivery(
        [FromServices] Resend resend,
        [Description("The delivery."), Id] Guid id,
        CancellationToken ct
    ) => DeliveryType.Of(new SeenDelivery(await resend.OneAsync(id, ct), []));

    [RequireScope(Scopes.Admin)]
    [Description("Sends the events of a time to an endpoint again, also those that it was never sent; at most 1,000 in one call.")]
    public static async Task<ResentEventsType> ResendEvents(
        [FromServices] Resend resend,
        [Description("Which events, and where to.")] ResendEventsInput input,
        CancellationToken ct
    )
    {
        var sent = await resend.RangeAsync(input.EndpointId, input.From, input.To, input.UndeliveredOnly ?? true, ct);
        return new ResentEventsType(sent.Count, sent.ContinueFrom);
    }

    [RequireScope(Scopes.Admin)]
    [Description("Has events of some types mailed to an address of the org's own.")]
    public static async Task<AddressType> CreateNotificationAddress(
        [FromServices] EditAddresses addresses,
        [Description("The address.")] CreateAddressInput input,
        CancellationToken ct
    ) => AddressType.Of(await addresses.CreateAsync(input.Email, input.Description, input.EventTypes, ct));

    [RequireScope(Scopes.Admin)]
    [Description("Changes an address. Mail goes there again after a bounce or an unsubscription.")]
    public static async Task<AddressType> UpdateNotificationAddress(
        [FromServices] EditAddresses addresses,
        [Description("The changes.")] UpdateAddressInput input,
        CancellationToken ct
    ) => AddressType.Of(await addresses.UpdateAsync(input.Id, input.Description, input.EventTypes, ct));

    [RequireScope(Scopes.Admin)]
    [Description("Ends mail to an address.")]
    public static async Task<AddressType> ArchiveNotificationAddress(
        [FromServices] EditAddresses addresses,
        [Description("The address."), Id] Guid id,
        CancellationToken ct
    ) => AddressType.Of(await addresses.ArchiveAsync(id, ct));

    [RequireScope(Scopes.Admin)]
    [Description("Decides about the org's mail.")]
    public static async Task<SettingsType> UpdateNotificationSettings(
        [FromServices] EditAddresses addresses,
        [Description("Whether customers get their final invoices, at their own address.")] bool invoicesToCustomers,
        CancellationToken ct
    ) => new((await addresses.UpdateSettingsAsync(invoicesToCustomers, ct)).InvoicesToCustomers);
}
