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

/// <summary>What a caller may do.</summary>
[Name("Mutation")]
internal sealed class Mutation
{
    /// <summary>Tries the given dead letters of deliveries again, or all.</summary>
    /// <param name="ids">The ids of the dead letters; null for all.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<DeliveryDeadLetterReplayType> ReplayDeliveryDeadLetters(
        [FromServices] RetryRecordDeadLetters<ConsumeBillingEvents> retry,
        [FromServices] TenantScope tenant,
        [Id] Guid[]? ids,
        CancellationToken ct
    )
    {
        var (replayed, resolved) = await retry.ReplayAsync(tenant.RequireOrg(), ids, ct);
        return new DeliveryDeadLetterReplayType(replayed, resolved);
    }

    /// <summary>Creates an endpoint. Its secret is shown only now.</summary>
    /// <param name="input">The endpoint to create.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<EndpointWithSecretType> CreateWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        CreateEndpointInput input,
        CancellationToken ct
    ) =>
        EndpointWithSecretType.Of(
            await endpoints.CreateAsync(new StatedEndpoint(input.Url, input.Description, input.EventTypes, input.InOrder), ct)
        );

    /// <summary>Changes an endpoint. What waits is sent to the new URL.</summary>
    /// <param name="input">What to change, and how.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<EndpointType> UpdateWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        UpdateEndpointInput input,
        CancellationToken ct
    ) =>
        EndpointType.Of(
            await endpoints.UpdateAsync(input.Id, new StatedEndpoint(input.Url, input.Description, input.EventTypes, input.InOrder), ct)
        );

    /// <summary>Enables an endpoint: what waits is sent at once.</summary>
    /// <param name="id">The endpoint's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<EndpointType> EnableWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Id] Guid id,
        CancellationToken ct
    ) => EndpointType.Of(await endpoints.EnableAsync(id, ct));

    /// <summary>Disables an endpoint. Events that happen meanwhile are not sent to it, unless resendEvents asks for them.</summary>
    /// <param name="id">The endpoint's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<EndpointType> DisableWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Id] Guid id,
        CancellationToken ct
    ) => EndpointType.Of(await endpoints.DisableAsync(id, ct));

    /// <summary>Ends an endpoint for good. Its deliveries can still be seen.</summary>
    /// <param name="id">The endpoint's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<EndpointType> ArchiveWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Id] Guid id,
        CancellationToken ct
    ) => EndpointType.Of(await endpoints.ArchiveAsync(id, ct));

    /// <summary>Gives an endpoint a new secret. Webhooks are signed with both until the overlap is over.</summary>
    /// <param name="id">The endpoint's id.</param>
    /// <param name="overlap">Seconds for which the secret before signs as well: 0 to 604,800, a day by default.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<EndpointWithSecretType> RotateWebhookSecret(
        [FromServices] EditEndpoints endpoints,
        [Id] Guid id,
        int? overlap,
        CancellationToken ct
    ) =>
        EndpointWithSecretType.Of(
            await endpoints.RotateAsync(id, overlap is { } seconds ? TimeSpan.FromSeconds(seconds) : EditEndpoints.DefaultOverlap, ct)
        );

    /// <summary>Sends an event of type 'test' to an endpoint.</summary>
    /// <param name="id">The endpoint's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<DeliveryType> TestWebhookEndpoint(
        [FromServices] EditEndpoints endpoints,
        [Id] Guid id,
        CancellationToken ct
    ) => DeliveryType.Of(new SeenDelivery(await endpoints.TestAsync(id, ct), []));

    /// <summary>Sends a delivery again, with the event's id that it had.</summary>
    /// <param name="id">The delivery's id.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<DeliveryType> ResendDelivery([FromServices] Resend resend, [Id] Guid id, CancellationToken ct) =>
        DeliveryType.Of(new SeenDelivery(await resend.OneAsync(id, ct), []));

    /// <summary>Sends the events of a time to an endpoint again, also those that it was never sent; at most 1,000 in one call.</summary>
    /// <param name="input">Which events, and where to.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<ResentEventsType> ResendEvents([FromServices] Resend resend, ResendEventsInput input, CancellationToken ct)
    {
        var sent = await resend.RangeAsync(input.EndpointId, input.From, input.To, input.UndeliveredOnly ?? true, ct);
        return new ResentEventsType(sent.Count, sent.ContinueFrom);
    }

    /// <summary>Has events of some types mailed to an address of the org's own.</summary>
    /// <param name="input">The address to create.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<AddressType> CreateNotificationAddress(
        [FromServices] EditAddresses addresses,
        CreateAddressInput input,
        CancellationToken ct
    ) => AddressType.Of(await addresses.CreateAsync(input.Email, input.Description, input.EventTypes, ct));

    /// <summary>Changes an address. Mail goes there again after a bounce or an unsubscription.</summary>
    /// <param name="input">What to change, and how.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<AddressType> UpdateNotificationAddress(
        [FromServices] EditAddresses addresses,
        UpdateAddressInput input,
        CancellationToken ct
    ) => AddressType.Of(await addresses.UpdateAsync(input.Id, input.Description, input.EventTypes, ct));

    /// <summary>Ends mail to an address.</summary>
    /// <param name="id">The id of the address's entry.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<AddressType> ArchiveNotificationAddress(
        [FromServices] EditAddresses addresses,
        [Id] Guid id,
        CancellationToken ct
    ) => AddressType.Of(await addresses.ArchiveAsync(id, ct));

    /// <summary>Decides about the org's mail.</summary>
    /// <param name="invoicesToCustomers">Whether customers get their final invoices, at their own address.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<SettingsType> UpdateNotificationSettings(
        [FromServices] EditAddresses addresses,
        bool invoicesToCustomers,
        CancellationToken ct
    ) => new((await addresses.UpdateSettingsAsync(invoicesToCustomers, ct)).InvoicesToCustomers);
}
