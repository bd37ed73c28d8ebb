using System.ComponentModel;
using GraphQL;
using NodaTime;
using Polaris.Notifications.Persistence;

namespace Polaris.Notifications.GraphQL;

[Name("NotificationAddressStatus")]
[Description("Whether mail goes to an address.")]
public enum AddressStatus
{
    [Description("Mail goes there.")]
    Active,

    [Description("Its server has refused it for good: nothing more is sent there until it is updated.")]
    Bounced,

    [Description("Somebody has followed the link in a mail: nothing more is sent there until it is updated.")]
    Unsubscribed,

    [Description("It was archived.")]
    Archived,
}

[Name("NotificationAddress")]
[Description("An e-mail address of the org's own that gets events as mails.")]
public sealed record AddressType(
    [property: Id, Description("Its id.")] Guid Id,
    [property: Description("The address.")] string Email,
    [property: Description("Whose it is or what for; may be empty.")] string Description,
    [property: Description("The event types that it gets.")] IReadOnlyList<string> EventTypes,
    [property: Description("Whether mail goes there.")] AddressStatus Status,
    [property: Description("What its server said, of a bounced one.")] string? Reason,
    [property: Description("When it was created.")] Instant CreatedAt
)
{
    internal static AddressType Of(AddressRow row) =>
        new(
            row.Id,
            row.Email,
            row.Description,
            row.Kinds,
            row.Status switch
            {
                AddressStatuses.Active => AddressStatus.Active,
                AddressStatuses.Bounced => AddressStatus.Bounced,
                AddressStatuses.Unsubscribed => AddressStatus.Unsubscribed,
                _ => AddressStatus.Archived,
            },
            row.Reason,
            row.CreatedAt
        );
}

[Name("NotificationSettings")]
[Description("What the org has decided about its mail.")]
public sealed record SettingsType(
    [property: Description("Whether customers get their final invoices, at their own address.")] bool InvoicesToCustomers
);

[Name("CreateNotificationAddressInput")]
[Description("An address to create.")]
public sealed class CreateAddressInput
{
    [Description("The address.")]
    public required string Email { get; set; }

    [Description("Whose it is or what for.")]
    public string? Description { get; set; }

    [Description("The event types that it gets; at least one.")]
    public required string[] EventTypes { get; set; }
}

[Name("UpdateNotificationAddressInput")]
[Description("Changes of an address. What is not given stays as it is. Mail goes there again after a bounce or an unsubscription.")]
public sealed class UpdateAddressInput
{
    [Id]
    [Description("The address.")]
    public required Guid Id { get; set; }

    [Description("Whose it is or what for.")]
    public string? Description { get; set; }

    [Description("The event types that it gets, in place of the former ones; at least one.")]
    public string[]? EventTypes { get; set; }
}
