using System.Diagnostics;
using Google.Protobuf;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Notifications.Features.Events;

/// <summary>
/// Consumes <c>polaris.billing.v1</c>, at least once: the offset is committed after the event and its deliveries. An offset needs no
/// transaction of its own: an event that comes again is dropped, and one that never came is found by <see cref="RecoverEvents"/>.
/// </summary>
internal sealed class ConsumeBillingEvents(StoreEvent store, RecordDeadLetters letters) : RecordHandler<HappenedEvent>(letters)
{
    public override string Topic => Topics.Billing;

    /// <summary>Kinds that this version does not know are ignored.</summary>
    protected override HappenedEvent? Read(byte[] payload)
    {
        var billingEvent = UnreadableRecordException.Parse(BillingEvent.Parser, payload);
        Activity.Current.SetOrgs(Guid.Parse(billingEvent.OrgId));
        return EventBody.Of(billingEvent) is { } happened ? happened with { TraceLinks = TraceLinks.Write([TraceLinks.Current]) } : null;
    }

    protected override Task StoreAsync(IReadOnlyList<HappenedEvent> read, CancellationToken ct) => store.HandleAllAsync(read, ct);

    public override Guid OrgOf(byte[] payload)
    {
        try
        {
            return Guid.TryParse(BillingEvent.Parser.ParseFrom(payload).OrgId, out var org) ? org : Guid.Empty;
        }
        catch (InvalidProtocolBufferException)
        {
            return Guid.Empty;
        }
    }
}
