using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using NodaTime;
using NodaTime.Text;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Messaging;

namespace Polaris.Notifications.Features.Events;

/// <summary>An event to tell about.</summary>
/// <param name="Body">What a webhook is sent, JSON.</param>
/// <param name="TraceLinks">Its causes, where no span is current.</param>
/// <param name="MailTo">Of a mail to one person, with a token in its body: nobody else gets it.</param>
internal sealed record HappenedEvent(
    Guid Org,
    Guid Id,
    string Kind,
    Instant OccurredAt,
    string Body,
    string? MailTo = null,
    string? TraceLinks = null
);

/// <summary>
/// The body of an event's webhook: type, version, id, timestamp, org, and under <c>data</c> the fields of docs/events.md.
/// </summary>
internal static class EventBody
{
    /// <summary>Raised when a body changes in a way that a receiver could stumble over. New fields are no such change.</summary>
    public const int Version = 1;

    /// <summary>A text without a value is empty, a time without one is absent.</summary>
    private static readonly JsonFormatter Data = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <summary>Null for a kind that this version does not know.</summary>
    public static HappenedEvent? Of(BillingEvent billingEvent)
    {
        if (!EventNames.All.TryGetValue(billingEvent.EventCase, out var kind))
            return null;
        var field = BillingEvent.Descriptor.FindFieldByNumber((int)billingEvent.EventCase);
        var data = JsonNode.Parse(Data.Format((IMessage)field.Accessor.GetValue(billingEvent)))!.AsObject();
        var at = billingEvent.OccurredAt is { } stamp ? Instant.FromDateTimeOffset(stamp.ToDateTimeOffset()) : default;
        var (org, id) = (Guid.Parse(billingEvent.OrgId), Guid.Parse(billingEvent.EventId));
        return new HappenedEvent(org, id, kind, at, Write(org, id, kind, at, data));
    }

    public static string Write(Guid org, Guid id, string kind, Instant at, JsonObject data) =>
        new JsonObject
        {
            ["type"] = kind,
            ["version"] = Version,
            ["id"] = id.ToString(),
            ["timestamp"] = InstantPattern.ExtendedIso.Format(at),
            ["org"] = org.ToString(),
            ["data"] = data,
        }.ToJsonString(JsonSerializerOptions.Web);
}
