using System.ComponentModel;
using GraphQL;
using NodaTime;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Messaging;

namespace Polaris.Notifications.GraphQL;

[Name("DeliveryStatus")]
[Description("What became of a delivery.")]
public enum DeliveryStatus
{
    [Description("It is to be sent, for the first time or again.")]
    Waiting,

    [Description("The receiver has accepted it.")]
    Delivered,

    [Description("It was given up, after a day of tries or because no further one would help.")]
    Failed,
}

[Name("DeliveryChannel")]
[Description("How something is delivered.")]
public enum DeliveryChannel
{
    [Description("Posted to an endpoint.")]
    Webhook,

    [Description("Sent as a mail.")]
    Email,
}

[Name("DeliveryAttempt")]
[Description("One try of a delivery.")]
public sealed record AttemptType(
    [property: Description("Counted from 1.")] int Number,
    [property: Description("When it began.")] Instant At,
    [property: Description("How long it took.")] int Milliseconds,
    [property: Description("HTTP's or SMTP's; null when there was no answer.")] int? StatusCode,
    [property: Description("Why it failed; null of a success.")] string? Error,
    [property: Description("The beginning of the answer.")] string? Response
)
{
    internal static AttemptType Of(AttemptRow row) => new(row.Number, row.At, row.Milliseconds, row.StatusCode, row.Error, row.Response);
}

[Name("Delivery")]
[Description("An event for one receiver.")]
public sealed record DeliveryType(
    [property: Id, Description("Its id.")] Guid Id,
    [property: Id, Description("The event's id, which is the webhook-id of each of its tries.")] Guid EventId,
    [property: Description("The event's type, such as invoice.generated.")] string EventType,
    [property: Description("How it is delivered.")] DeliveryChannel Channel,
    [property: Id, Description("The endpoint; null of a mail.")] Guid? EndpointId,
    [property: Description("The address of a mail, or 'customer' for the customer's own; null of a webhook.")] string? Recipient,
    [property: Description("What became of it.")] DeliveryStatus Status,
    [property: Description("How often it was tried.")] int AttemptCount,
    [property: Description("The latest tries, newest first; at most 50.")] IReadOnlyList<AttemptType> Attempts,
    [property: Description("When it is tried next; null when it is not.")] Instant? NextAttemptAt,
    [property: Description("When the event was received.")] Instant CreatedAt,
    [property: Description("When it was delivered or given up.")] Instant? FinishedAt
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

[Name("DeliveryPage")]
[Description("A page of deliveries, newest first.")]
public sealed record DeliveryPageType(
    [property: Description("The deliveries.")] IReadOnlyList<DeliveryType> Nodes,
    [property: Description("The cursor of the next page.")] string? EndCursor,
    [property: Description("Whether there are more.")] bool HasNextPage
)
{
    internal static DeliveryPageType Of(DeliveryPage page) => new([.. page.Rows.Select(DeliveryType.Of)], page.EndCursor, page.HasNextPage);
}

[Name("ResendEventsInput")]
[Description("A range of events to send to an endpoint again.")]
public sealed class ResendEventsInput
{
    [Id]
    [Description("The endpoint.")]
    public required Guid EndpointId { get; set; }

    [Description("When the first was received.")]
    public required Instant From { get; set; }

    [Description("Exclusive.")]
    public required Instant To { get; set; }

    [Description("Whether only what was not delivered there is sent. Default: true.")]
    public bool? UndeliveredOnly { get; set; }
}

[Name("ResentEvents")]
[Description("What is sent again.")]
public sealed record ResentEventsType(
    [property: Description("How many events.")] int Count,
    [property: Description("Where the next call has to begin, when there were more than 1,000; else null.")] Instant? ContinueFrom
);

[Name("EventType")]
[Description("A type of event that endpoints and addresses can ask for. docs/events.md has the fields of each.")]
public sealed record EventTypeType([property: Description("Its name, such as invoice.generated.")] string Name);

[Name("DeliveryDeadLetter")]
[Description("A billing event that could not be handled.")]
public sealed record DeliveryDeadLetterType(
    [property: Id, Description("Its id.")] Guid Id,
    [property: Description("Why.")] string Reason,
    [property: Description("Where it was read.")] string Source,
    [property: Description("Its size.")] int Bytes,
    [property: Description("When it was read.")] Instant SeenAt,
    [property: Description("How often it was tried.")] int Attempts,
    [property: Description("When it is tried next; null when it waits for another version or a person.")] Instant? RetryAt
)
{
    internal static DeliveryDeadLetterType Of(RecordDeadLetter letter) =>
        new(letter.Id, letter.Reason, letter.Source, letter.Bytes, letter.SeenAt, letter.Attempts, letter.RetryAt);
}

[Name("DeliveryDeadLetterReplay")]
[Description("What became of dead letters that were tried again.")]
public sealed record DeliveryDeadLetterReplayType(
    [property: Description("How many were tried.")] int Replayed,
    [property: Description("How many are handled now.")] int Resolved
);
