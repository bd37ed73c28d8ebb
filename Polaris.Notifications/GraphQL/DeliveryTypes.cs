using GraphQL;
using NodaTime;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Messaging;

namespace Polaris.Notifications.GraphQL;

/// <summary>What became of a delivery.</summary>
[Name("DeliveryStatus")]
public enum DeliveryStatus
{
    /// <summary>It is to be sent, for the first time or again.</summary>
    Waiting,

    /// <summary>The receiver has accepted it.</summary>
    Delivered,

    /// <summary>It was given up, after a day of tries or because no further one would help.</summary>
    Failed,
}

/// <summary>How something is delivered.</summary>
[Name("DeliveryChannel")]
public enum DeliveryChannel
{
    /// <summary>Posted to an endpoint.</summary>
    Webhook,

    /// <summary>Sent as a mail.</summary>
    Email,
}

/// <summary>One try of a delivery.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="At">When it began.</param>
/// <param name="Milliseconds">How long it took, in milliseconds.</param>
/// <param name="StatusCode">HTTP's or SMTP's; null when there was no answer.</param>
/// <param name="Error">Why it failed; null of a success.</param>
/// <param name="Response">The beginning of the answer.</param>
[Name("DeliveryAttempt")]
public sealed record AttemptType(int Number, Instant At, int Milliseconds, int? StatusCode, string? Error, string? Response)
{
    internal static AttemptType Of(AttemptRow row) => new(row.Number, row.At, row.Milliseconds, row.StatusCode, row.Error, row.Response);
}

/// <summary>An event for one receiver.</summary>
/// <param name="Id">The delivery's id.</param>
/// <param name="EventId">The event's id, which is the webhook-id of each of its tries.</param>
/// <param name="EventType">The event's type, such as invoice.generated.</param>
/// <param name="Channel">How it is delivered.</param>
/// <param name="EndpointId">The id of the endpoint; null of a mail.</param>
/// <param name="Recipient">The address of a mail, or 'customer' for the customer's own; null of a webhook.</param>
/// <param name="Status">What became of it.</param>
/// <param name="AttemptCount">How often it was tried.</param>
/// <param name="Attempts">The latest tries, newest first; at most 50.</param>
/// <param name="NextAttemptAt">When it is tried next; null when it is not.</param>
/// <param name="CreatedAt">When the event was received.</param>
/// <param name="FinishedAt">When it was delivered or given up.</param>
[Name("Delivery")]
public sealed record DeliveryType(
    [property: Id] Guid Id,
    [property: Id] Guid EventId,
    string EventType,
    DeliveryChannel Channel,
    [property: Id] Guid? EndpointId,
    string? Recipient,
    DeliveryStatus Status,
    int AttemptCount,
    IReadOnlyList<AttemptType> Attempts,
    Instant? NextAttemptAt,
    Instant CreatedAt,
    Instant? FinishedAt
)
{
    internal static DeliveryType Of(SeenDelivery seen)
    {
        var row = seen.Row;
        var webhook = row.Channel == Channels.Webhook;
        return new(
            row.Id,
            row.EventId,
            row.Kind,
            webhook ? DeliveryChannel.Webhook : DeliveryChannel.Email,
            webhook ? row.QueueId : null,
            webhook ? null : row.Recipient,
            row.Status switch
            {
                DeliveryStatuses.Waiting => DeliveryStatus.Waiting,
                DeliveryStatuses.Delivered => DeliveryStatus.Delivered,
                _ => DeliveryStatus.Failed,
            },
            row.Attempts,
            [.. seen.Attempts.Select(AttemptType.Of)],
            row.Status == DeliveryStatuses.Waiting ? row.NextAt : null,
            row.CreatedAt,
            row.FinishedAt
        );
    }
}

/// <summary>A page of deliveries, newest first.</summary>
/// <param name="Nodes">The deliveries of the page.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("DeliveryPage")]
public sealed record DeliveryPageType(IReadOnlyList<DeliveryType> Nodes, string? EndCursor, bool HasNextPage)
{
    internal static DeliveryPageType Of(DeliveryPage page) => new([.. page.Rows.Select(DeliveryType.Of)], page.EndCursor, page.HasNextPage);
}

/// <summary>A range of events to send to an endpoint again.</summary>
[Name("ResendEventsInput")]
public sealed class ResendEventsInput
{
    /// <summary>The id of the endpoint that they are sent to.</summary>
    [Id]
    public required Guid EndpointId { get; set; }

    /// <summary>When the first was received.</summary>
    public required Instant From { get; set; }

    /// <summary>When the last was received, exclusive.</summary>
    public required Instant To { get; set; }

    /// <summary>Whether only what was not delivered there is sent. Default: true.</summary>
    public bool? UndeliveredOnly { get; set; }
}

/// <summary>What is sent again.</summary>
/// <param name="Count">How many events.</param>
/// <param name="ContinueFrom">Where the next call has to begin, when there were more than 1,000; else null.</param>
[Name("ResentEvents")]
public sealed record ResentEventsType(int Count, Instant? ContinueFrom);

/// <summary>A type of event that endpoints and addresses can ask for. docs/events.md has the fields of each.</summary>
/// <param name="Name">Its name, such as invoice.generated.</param>
[Name("EventType")]
public sealed record EventTypeType(string Name);

/// <summary>A billing event that could not be handled.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="Reason">Why it could not be handled.</param>
/// <param name="Source">Where it was read.</param>
/// <param name="Bytes">The record's size.</param>
/// <param name="SeenAt">When it was read.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="RetryAt">When it is tried next; null when it waits for another version or a person.</param>
[Name("DeliveryDeadLetter")]
public sealed record DeliveryDeadLetterType(
    [property: Id] Guid Id,
    string Reason,
    string Source,
    int Bytes,
    Instant SeenAt,
    int Attempts,
    Instant? RetryAt
)
{
    internal static DeliveryDeadLetterType Of(RecordDeadLetter letter) =>
        new(letter.Id, letter.Reason, letter.Source, letter.Bytes, letter.SeenAt, letter.Attempts, letter.RetryAt);
}

/// <summary>What became of dead letters that were tried again.</summary>
/// <param name="Replayed">How many were tried.</param>
/// <param name="Resolved">How many are handled now.</param>
[Name("DeliveryDeadLetterReplay")]
public sealed record DeliveryDeadLetterReplayType(int Replayed, int Resolved);
