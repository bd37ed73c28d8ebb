using GraphQL;
using NodaTime;
using Polaris.Notifications.Persistence;

namespace Polaris.Notifications.GraphQL;

/// <summary>Whether mail goes to an address.</summary>
[Name("NotificationAddressStatus")]
public enum AddressStatus
{
    /// <summary>Mail goes there.</summary>
    Active,

    /// <summary>Its server has refused it for good: nothing more is sent there until it is updated.</summary>
    Bounced,

    /// <summary>Somebody has followed the link in a mail: nothing more is sent there until it is updated.</summary>
    Unsubscribed,

    /// <summary>It was archived.</summary>
    Archived,
}

/// <summary>An e-mail address of the org's own that gets events as mails.</summary>
/// <param name="Id">The id of this entry.</param>
/// <param name="Email">The e-mail address.</param>
/// <param name="Description">Whose it is or what for; may be empty.</param>
/// <param name="EventTypes">The event types that it gets.</param>
/// <param name="Status">Whether mail goes there.</param>
/// <param name="Reason">What its server said, of a bounced one.</param>
/// <param name="CreatedAt">When it was created.</param>
[Name("NotificationAddress")]
public sealed record AddressType(
    [property: Id] Guid Id,
    string Email,
    string Description,
    IReadOnlyList<string> EventTypes,
    AddressStatus Status,
    string? Reason,
    Instant CreatedAt
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

/// <summary>What the org has decided about its mail.</summary>
/// <param name="InvoicesToCustomers">Whether customers get their final invoices, at their own address.</param>
[Name("NotificationSettings")]
public sealed record SettingsType(bool InvoicesToCustomers);

/// <summary>An address to create.</summary>
[Name("CreateNotificationAddressInput")]
public sealed class CreateAddressInput
{
    /// <summary>The e-mail address.</summary>
    public required string Email { get; set; }

    /// <summary>Whose it is or what for.</summary>
    public string? Description { get; set; }

    /// <summary>The event types that it gets; at least one.</summary>
    public required string[] EventTypes { get; set; }
}

/// <summary>Changes of an address. What is not given stays as it is. Mail goes there again after a bounce or an unsubscription.</summary>
[Name("UpdateNotificationAddressInput")]
public sealed class UpdateAddressInput
{
    /// <summary>The id of the entry to change.</summary>
    [Id]
    public required Guid Id { get; set; }

    /// <summary>Whose it is or what for.</summary>
    public string? Description { get; set; }

    /// <summary>The event types that it gets, in place of the former ones; at least one.</summary>
    public string[]? EventTypes { get; set; }
}
