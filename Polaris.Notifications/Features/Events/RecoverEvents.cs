using System.Diagnostics.Metrics;
using Google.Protobuf.WellKnownTypes;
using Polaris.Billing.V1;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;
using BillingClient = Polaris.Billing.V1.Billing.BillingClient;

namespace Polaris.Notifications.Features.Events;

/// <summary>
/// Billing keeps each event in its outbox until it is confirmed here. This reads what was published a while ago and is not confirmed yet,
/// stores what has not come through Kafka, and confirms it all: so what a broker forgot before it was read is found again, and the outbox
/// empties.
/// </summary>
internal sealed class RecoverEvents(
    BillingClient billing,
    ConsumeBillingEvents consume,
    StoreEvent store,
    RecordDeadLetters letters,
    Microsoft.Extensions.Options.IOptions<NotificationsOptions> options,
    TimeProvider time
) : PeriodicJob
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);

    private static readonly Counter<long> Recovered = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.notifications.recovered_events",
        "{event}",
        "Events that did not come through Kafka."
    );

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var before = Timestamp.FromDateTimeOffset(time.GetUtcNow() - options.Value.MissAfter);
        var page = await billing.GetUnconfirmedEventsAsync(
            new GetUnconfirmedEventsRequest { PublishedBefore = before },
            cancellationToken: ct
        );
        if (page.Events.Count == 0)
            return PollEvery;
        if (!await TryTogetherAsync(page.Events, ct))
            foreach (var one in page.Events)
                await StoreAsync(one, ct);
        var confirmed = new ConfirmEventsRequest();
        confirmed.Events.AddRange(page.Events.Select(one => new StoredEventId { OrgId = one.OrgId, EventId = one.EventId }));

        await billing.ConfirmEventsAsync(confirmed, cancellationToken: ct);
        return Immediately;
    }

    /// <summary>Nearly all of them have come through Kafka already, so they are stored in a transaction for each org.</summary>
    private async Task<bool> TryTogetherAsync(IEnumerable<UnconfirmedEvent> page, CancellationToken ct)
    {
        try
        {
            Recovered.Add(await store.HandleAllAsync([.. page.Select(Read).OfType<HappenedEvent>()], ct));
            return true;
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
        {
            // Which one it was is found by storing each by itself.
            return false;
        }
    }

    private static HappenedEvent? Read(UnconfirmedEvent one) =>
        EventBody.Of(UnreadableRecordException.Parse(Polaris.Billing.Events.V1.BillingEvent.Parser, one.Message.ToByteArray()))
            is { } happened
            ? happened with
            {
                TraceLinks = one.TraceLinks.Length == 0 ? null : one.TraceLinks,
            }
            : null;

    private async Task StoreAsync(UnconfirmedEvent one, CancellationToken ct)
    {
        var payload = one.Message.ToByteArray();
        try
        {
            if (Read(one) is { } happened && await store.HandleAsync(happened, ct))
                Recovered.Add(1);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && Fault.Of(exception) != FaultKind.Infrastructure)
        {
            // As when it comes through Kafka: it waits among the dead letters, as the same letter.
            await letters.SetAsideAsync(consume.OrgOf(payload), consume.Topic, payload, exception, ct);
        }
    }
}
