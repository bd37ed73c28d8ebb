using NodaTime;

namespace Polaris.Notifications.Persistence;

/// <summary>An event that orgs may be told about, once, however often it is received.</summary>
public sealed class EventRow
{
    public Guid OrgId { get; set; }

    /// <summary>The event's own id, which is the <c>webhook-id</c> of its deliveries.</summary>
    public Guid Id { get; set; }

    /// <summary>Such as <c>invoice.generated</c>.</summary>
    public string Kind { get; set; } = "";

    public Instant OccurredAt { get; set; }

    /// <summary>The body of its webhook, JSON. Encrypted when <see cref="Secret"/>; empty once a secret was delivered.</summary>
    public string Body { get; set; } = "";

    /// <summary>Its body holds a token: it is encrypted, shown to nobody and no webhook.</summary>
    public bool Secret { get; set; }

    /// <summary>The span that recorded it, as written by <c>TraceLinks</c>.</summary>
    public string? TraceLinks { get; set; }

    public Instant ReceivedAt { get; set; }
}

/// <summary>Where an org has its events sent.</summary>
public sealed class EndpointRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Url { get; set; } = "";
    public string Description { get; set; } = "";

    /// <summary>The kinds of events; empty for all.</summary>
    public string[] Kinds { get; set; } = [];

    /// <summary>Whether an event is sent only when those before it were delivered or have failed.</summary>
    public bool InOrder { get; set; }

    /// <summary>One of <see cref="EndpointStatuses"/>.</summary>
    public string Status { get; set; } = "";

    /// <summary>Why it is disabled: <c>by_user</c>, <c>gone</c> or <c>failing</c>.</summary>
    public string? DisabledReason { get; set; }

    public Instant? DisabledAt { get; set; }

    /// <summary>Encrypted.</summary>
    public string Secret { get; set; } = "";

    /// <summary>The one before, encrypted, which signs as well until <see cref="PreviousUntil"/>.</summary>
    public string? PreviousSecret { get; set; }

    public Instant? PreviousUntil { get; set; }
    public Instant CreatedAt { get; set; }
    public Instant? ArchivedAt { get; set; }
}

public static class EndpointStatuses
{
    public const string Enabled = "enabled";
    public const string Disabled = "disabled";
    public const string Archived = "archived";
}

/// <summary>
/// When a receiver is served next, and how it does: an endpoint (under its id), or the org's mail (under the org's id). A replica that
/// serves it holds it for a bounded time.
/// </summary>
public sealed class QueueRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }

    /// <summary>When it has something to send next; null for nothing.</summary>
    public Instant? DueAt { get; set; }

    /// <summary>When its last turn began: the longest ago is next.</summary>
    public Instant TurnAt { get; set; }

    public Instant HeldUntil { get; set; }

    /// <summary>Failures in a row.</summary>
    public int Failures { get; set; }

    /// <summary>The first of them.</summary>
    public Instant? FailingSince { get; set; }

    /// <summary>Nothing is sent before.</summary>
    public Instant? OpenUntil { get; set; }
}

/// <summary>An e-mail address of an org's own that gets events.</summary>
public sealed class AddressRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Email { get; set; } = "";

    /// <summary>Whose it is or what for, for people.</summary>
    public string Description { get; set; } = "";

    /// <summary>The kinds of events; at least one.</summary>
    public string[] Kinds { get; set; } = [];

    /// <summary>One of <see cref="AddressStatuses"/>.</summary>
    public string Status { get; set; } = "";

    /// <summary>What the mail server said, of a bounced one.</summary>
    public string? Reason { get; set; }

    public Instant CreatedAt { get; set; }
}

public static class AddressStatuses
{
    public const string Active = "active";
    public const string Bounced = "bounced";
    public const string Unsubscribed = "unsubscribed";
    public const string Archived = "archived";
}

/// <summary>What an org has decided about its mail.</summary>
public sealed class MailSettingsRow
{
    public Guid OrgId { get; set; }

    /// <summary>Whether customers get their final invoices, at their own address.</summary>
    public bool InvoicesToCustomers { get; set; }
}

/// <summary>An event for one receiver.</summary>
public sealed class DeliveryRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }

    /// <summary>The endpoint's id, or the org's for mail.</summary>
    public Guid QueueId { get; set; }

    public Guid EventId { get; set; }
    public string Kind { get; set; } = "";

    /// <summary><c>webhook</c> or <c>email</c>.</summary>
    public string Channel { get; set; } = "";

    /// <summary>The address of a mail, <c>customer</c> for the invoice's customer; empty of a webhook.</summary>
    public string Recipient { get; set; } = "";

    /// <summary>One of <see cref="DeliveryStatuses"/>.</summary>
    public string Status { get; set; } = "";

    /// <summary>Tries altogether.</summary>
    public int Attempts { get; set; }

    /// <summary>Tries since it was last asked for, by which waits grow.</summary>
    public int Tries { get; set; }

    /// <summary>The first of these.</summary>
    public Instant? FirstTryAt { get; set; }

    public Instant NextAt { get; set; }
    public Instant CreatedAt { get; set; }
    public Instant? FinishedAt { get; set; }
}

public static class DeliveryStatuses
{
    public const string Waiting = "waiting";
    public const string Delivered = "delivered";
    public const string Failed = "failed";
}

public static class Channels
{
    public const string Webhook = "webhook";
    public const string Email = "email";

    /// <summary>In a recipient's place: the customer that the event is about, at its own address.</summary>
    public const string Customer = "customer";
}

/// <summary>One try of a delivery.</summary>
public sealed class AttemptRow
{
    public Guid OrgId { get; set; }
    public Guid DeliveryId { get; set; }

    /// <summary>From 1.</summary>
    public int Number { get; set; }

    public Instant At { get; set; }
    public int Milliseconds { get; set; }

    /// <summary>HTTP's or SMTP's; null when there was no answer.</summary>
    public int? StatusCode { get; set; }

    /// <summary>Why it failed; null of a success.</summary>
    public string? Error { get; set; }

    /// <summary>The beginning of the answer.</summary>
    public string? Response { get; set; }
}
