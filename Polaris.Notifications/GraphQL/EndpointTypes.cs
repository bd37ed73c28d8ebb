using System.ComponentModel;
using GraphQL;
using NodaTime;
using Polaris.Notifications.Features.Endpoints;
using Polaris.Notifications.Persistence;

namespace Polaris.Notifications.GraphQL;

[Name("WebhookEndpointStatus")]
[Description("Whether events are sent to an endpoint.")]
public enum EndpointStatus
{
    [Description("Events are sent to it.")]
    Enabled,

    [Description("Nothing is sent to it; see the reason. What waits goes on when it is enabled again.")]
    Disabled,

    [Description("It has ended for good; its deliveries can still be seen.")]
    Archived,
}

[Name("WebhookEndpoint")]
[Description("A URL that the org's events are posted to, signed as Standard Webhooks says.")]
public sealed record EndpointType(
    [property: Id, Description("Its id.")] Guid Id,
    [property: Description("Where events are posted to.")] string Url,
    [property: Description("For people; may be empty.")] string Description,
    [property: Description("The event types that it gets; empty for all, also those to come.")] IReadOnlyList<string> EventTypes,
    [property: Description("Whether an event is sent only once those before it were delivered, or were given up.")] bool InOrder,
    [property: Description("Whether events are sent to it.")] EndpointStatus Status,
    [property: Description("Of a disabled one: by_user, gone (it answered 410) or failing (for days, without one success).")]
        string? DisabledReason,
    [property: Description("When it was disabled.")] Instant? DisabledAt,
    [property: Description("Until when the secret before the last rotation signs as well.")] Instant? PreviousSecretUntil,
    [property: Description("When it was created.")] Instant CreatedAt
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

[Name("WebhookEndpointWithSecret")]
[Description("An endpoint and its new secret.")]
public sealed record EndpointWithSecretType(
    [property: Description("The endpoint.")] EndpointType Endpoint,
    [property: Description("whsec_ and base64: verifies its webhooks. It is shown only now.")] string Secret
)
{
    internal static EndpointWithSecretType Of(EndpointWithSecret made) => new(EndpointType.Of(made.Endpoint), made.Secret);
}

[Name("CreateWebhookEndpointInput")]
[Description("An endpoint to create.")]
public sealed class CreateEndpointInput
{
    [Description("An https:// URL at a public address.")]
    public required string Url { get; set; }

    [Description("For people.")]
    public string? Description { get; set; }

    [Description("The event types that it gets; none for all, also those to come.")]
    public string[]? EventTypes { get; set; }

    [Description("Whether an event is sent only once those before it were delivered, or were given up. Default: false.")]
    public bool? InOrder { get; set; }
}

[Name("UpdateWebhookEndpointInput")]
[Description("Changes of an endpoint. What is not given stays as it is.")]
public sealed class UpdateEndpointInput
{
    [Id]
    [Description("The endpoint.")]
    public required Guid Id { get; set; }

    [Description("An https:// URL at a public address.")]
    public string? Url { get; set; }

    [Description("For people.")]
    public string? Description { get; set; }

    [Description("The event types that it gets, in place of the former ones; an empty list for all.")]
    public string[]? EventTypes { get; set; }

    [Description("Whether an event is sent only once those before it were delivered, or were given up.")]
    public bool? InOrder { get; set; }
}
