using GraphQL;
using NodaTime;
using Polaris.Notifications.Features.Endpoints;
using Polaris.Notifications.Persistence;

namespace Polaris.Notifications.GraphQL;

/// <summary>Whether events are sent to an endpoint.</summary>
[Name("WebhookEndpointStatus")]
public enum EndpointStatus
{
    /// <summary>Events are sent to it.</summary>
    Enabled,

    /// <summary>Nothing is sent to it; see the reason. What waits goes on when it is enabled again.</summary>
    Disabled,

    /// <summary>It has ended for good; its deliveries can still be seen.</summary>
    Archived,
}

/// <summary>A URL that the org's events are posted to, signed as Standard Webhooks says.</summary>
/// <param name="Id">The endpoint's id.</param>
/// <param name="Url">Where events are posted to.</param>
/// <param name="Description">What the endpoint is for, for people; may be empty.</param>
/// <param name="EventTypes">The event types that it gets; empty for all, also those to come.</param>
/// <param name="InOrder">Whether an event is sent only once those before it were delivered, or were given up.</param>
/// <param name="Status">Whether events are sent to it.</param>
/// <param name="DisabledReason">Of a disabled one: by_user, gone (it answered 410) or failing (for days, without one success).</param>
/// <param name="DisabledAt">When it was disabled.</param>
/// <param name="PreviousSecretUntil">Until when the secret before the last rotation signs as well.</param>
/// <param name="CreatedAt">When it was created.</param>
[Name("WebhookEndpoint")]
public sealed record EndpointType(
    [property: Id] Guid Id,
    string Url,
    string Description,
    IReadOnlyList<string> EventTypes,
    bool InOrder,
    EndpointStatus Status,
    string? DisabledReason,
    Instant? DisabledAt,
    Instant? PreviousSecretUntil,
    Instant CreatedAt
)
{
    internal static EndpointType Of(EndpointRow row) =>
        new(
            row.Id,
            row.Url,
            row.Description,
            row.Kinds,
            row.InOrder,
            row.Status switch
            {
                EndpointStatuses.Enabled => EndpointStatus.Enabled,
                EndpointStatuses.Disabled => EndpointStatus.Disabled,
                _ => EndpointStatus.Archived,
            },
            row.DisabledReason,
            row.DisabledAt,
            row.PreviousUntil,
            row.CreatedAt
        );
}

/// <summary>An endpoint and its new secret.</summary>
/// <param name="Endpoint">The endpoint, to which the secret belongs.</param>
/// <param name="Secret">whsec_ and base64: verifies its webhooks. It is shown only now.</param>
[Name("WebhookEndpointWithSecret")]
public sealed record EndpointWithSecretType(EndpointType Endpoint, string Secret)
{
    internal static EndpointWithSecretType Of(EndpointWithSecret made) => new(EndpointType.Of(made.Endpoint), made.Secret);
}

/// <summary>An endpoint to create.</summary>
[Name("CreateWebhookEndpointInput")]
public sealed class CreateEndpointInput
{
    /// <summary>An https:// URL at a public address.</summary>
    public required string Url { get; set; }

    /// <summary>What the endpoint is for, for people.</summary>
    public string? Description { get; set; }

    /// <summary>The event types that it gets; none for all, also those to come.</summary>
    public string[]? EventTypes { get; set; }

    /// <summary>Whether an event is sent only once those before it were delivered, or were given up. Default: false.</summary>
    public bool? InOrder { get; set; }
}

/// <summary>Changes of an endpoint. What is not given stays as it is.</summary>
[Name("UpdateWebhookEndpointInput")]
public sealed class UpdateEndpointInput
{
    /// <summary>The id of the endpoint to change.</summary>
    [Id]
    public required Guid Id { get; set; }

    /// <summary>An https:// URL at a public address.</summary>
    public string? Url { get; set; }

    /// <summary>What the endpoint is for, for people.</summary>
    public string? Description { get; set; }

    /// <summary>The event types that it gets, in place of the former ones; an empty list for all.</summary>
    public string[]? EventTypes { get; set; }

    /// <summary>Whether an event is sent only once those before it were delivered, or were given up.</summary>
    public bool? InOrder { get; set; }
}
