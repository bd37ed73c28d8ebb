using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Notifications.Domain;
using Polaris.Notifications.Features.Mail;
using Polaris.Notifications.Features.Secrets;
using Polaris.Notifications.Features.Sending;
using Polaris.Notifications.Features.Webhooks;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Notifications.Features.Serving;

/// <summary>
/// One turn of a receiver: takes its row, sends what is due in waves of as many requests as it may have at once, writes each wave's tries
/// down in one transaction, and gives the row back with the time of what is due next.
/// </summary>
internal sealed partial class ServeQueue(
    QueueStore store,
    SendWebhook webhooks,
    SendMail mails,
    SecretBox secrets,
    IOptions<NotificationsOptions> options,
    TimeProvider time,
    ILogger<ServeQueue> log
)
{
    /// <summary>Deliveries that a turn reads.</summary>
    private const int TurnSize = 64;

    /// <summary>No wave begins after this long.</summary>
    private static readonly Duration TurnTime = Duration.FromSeconds(5);

    /// <summary>Mail without a server is looked at again after this.</summary>
    private static readonly Duration UnservedPause = Duration.FromMinutes(1);

    private static readonly Counter<long> Tries = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.notifications.tries",
        "{try}",
        "Tries of deliveries, by channel and outcome."
    );

    private static readonly Histogram<double> Latency = PolarisTelemetry.Meter.CreateHistogram<double>(
        "polaris.notifications.latency",
        "s",
        "From the event's arrival to its first delivery, by channel."
    );

    private readonly RetrySchedule retries = new(
        Duration.FromTimeSpan(options.Value.FirstRetryAfter),
        Duration.FromTimeSpan(options.Value.LongestRetryAfter),
        Duration.FromTimeSpan(options.Value.GiveUpAfter)
    );

    private readonly CircuitBreaker breaker = new(
        options.Value.BreakAfter,
        Duration.FromTimeSpan(options.Value.FirstBreak),
        Duration.FromTimeSpan(options.Value.LongestBreak)
    );

    private volatile bool stopping;

    /// <summary>The process ends: no wave begins any more.</summary>
    public void Stop() => stopping = true;

    public async Task HandleAsync(Guid org, Guid id, CancellationToken ct)
    {
        if (await store.TakeAsync(org, id, LeaseTime, ct) is not { } queue)
            return;
        if (queue.Endpoint is null && (id != org || !mails.IsConfigured))
        {
            // Disabled, archived, or mail without a server: what waits goes on waiting.
            await store.GiveBackAsync(queue, time.GetCurrentInstant() + UnservedPause, ct);
            return;
        }

        using var session = queue.Endpoint is null ? mails.Open() : null;
        var began = time.GetCurrentInstant();
        var due = await store.DueAsync(queue, breaker.IsProbing(queue.Failures) ? 1 : TurnSize, ct);
        var width = queue.Endpoint is { InOrder: false } && !breaker.IsProbing(queue.Failures) ? options.Value.RequestsPerEndpoint : 1;
        foreach (var wave in due.Chunk(width))
        {
            if (stopping || time.GetCurrentInstant() - began > TurnTime)
                break;
            var tries = await Task.WhenAll(wave.Select(delivery => TryAsync(queue, delivery, session, ct)));
            queue = await RecordAsync(queue, tries, ct);
            // In order: whatever is behind one that failed waits for it.
            if (queue.OpenUntil is not null || queue.Closed || (queue.InOrder && tries[^1].Status == Persistence.DeliveryStatuses.Waiting))
                break;
        }

        await store.GiveBackAsync(queue, queue.OpenUntil, ct);
    }

    /// <summary>The last wave's requests may take all of their time, and its transaction some.</summary>
    private Duration LeaseTime => TurnTime + Duration.FromTimeSpan(options.Value.RequestTimeout) * 2 + Duration.FromSeconds(15);

    private async Task<Try> TryAsync(HeldQueue queue, Sendable delivery, SendMail.Session? session, CancellationToken ct)
    {
        var channel = session is null ? "webhook" : "email";
        // Below what caused the event; a mail that nothing recorded has caused begins no trace.
        using var span = delivery.TraceLinks is { } links
            ? TraceLinks.Start($"deliver {channel}", ActivityKind.Producer, TraceLinks.Read(links))
            : null;
        span.SetOrgs(delivery.Org);
        span?.SetTag("polaris.event_id", delivery.EventId.ToString());
        var began = time.GetTimestamp();
        var at = time.GetCurrentInstant();
        var outcome = await SendAsync(queue, delivery, session, at, ct);
        if (outcome.Error is { } error)
            span?.SetStatus(ActivityStatusCode.Error, error);
        Tries.Add(1, new("channel", channel), new("outcome", outcome.Delivered ? "delivered" : "failed"));
        if (outcome.Delivered && delivery.Tries == 0)
            Latency.Record(
                (time.GetCurrentInstant() - delivery.NextAt).TotalSeconds,
                new KeyValuePair<string, object?>("channel", channel)
            );
        var (tries, first, now) = (delivery.Tries + 1, delivery.FirstTryAt ?? at, time.GetCurrentInstant());
        var next =
            outcome.Delivered || outcome.Final ? null : retries.Next(tries, first, now, Random.Shared.NextDouble(), outcome.RetryAfter);
        var status =
            outcome.Delivered ? Persistence.DeliveryStatuses.Delivered
            : next is null ? Persistence.DeliveryStatuses.Failed
            : Persistence.DeliveryStatuses.Waiting;
        return new Try(delivery, outcome, at, (int)time.GetElapsedTime(began).TotalMilliseconds, status, tries, first, next ?? now);
    }

    /// <summary>What cannot even be made fails by itself and keeps nobody else waiting.</summary>
    private async Task<Outcome> SendAsync(HeldQueue queue, Sendable delivery, SendMail.Session? session, Instant at, CancellationToken ct)
    {
        try
        {
            return session is null
                ? await webhooks.HandleAsync(queue.Endpoint!.Url, SecretsOf(queue.Endpoint, at), delivery, ct)
                : await session.HandleAsync(delivery, ct);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            LogNotMade(exception, delivery.Id, delivery.Org);
            return new Outcome("It could not be made at the moment.", OfReceiver: false);
        }
    }

    private List<string> SecretsOf(HeldEndpoint endpoint, Instant now)
    {
        var keys = new List<string> { secrets.Unprotect(endpoint.Secret) };
        if (endpoint.PreviousSecret is { } previous && endpoint.PreviousUntil > now)
            keys.Add(secrets.Unprotect(previous));
        return keys;
    }

    private async Task<HeldQueue> RecordAsync(HeldQueue queue, Try[] tries, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        var failed = tries.Count(one => !one.Outcome.Delivered && one.Outcome.OfReceiver);
        var health = tries.Any(one => one.Outcome.Delivered || !one.Outcome.OfReceiver)
            ? queue with
            {
                Failures = 0,
                FailingSince = null,
                OpenUntil = null,
            }
            : queue with
            {
                Failures = queue.Failures + failed,
                FailingSince = queue.FailingSince ?? now,
                OpenUntil = breaker.OpenUntil(queue.Failures + failed, now),
            };
        var closes =
            queue.Endpoint is null ? null
            : tries.Any(one => one.Outcome.Gone) ? DisabledReasons.Gone
            : now - health.FailingSince > Duration.FromTimeSpan(options.Value.DisableAfter) ? DisabledReasons.Failing
            : null;
        await store.RecordAsync(health, tries, closes, ct);
        return health with { Closed = closes is not null };
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Delivery {DeliveryId} of org {OrgId} could not be made.")]
    private partial void LogNotMade(Exception exception, Guid deliveryId, Guid orgId);
}

/// <summary>Why Polaris disables an endpoint.</summary>
internal static class DisabledReasons
{
    public const string ByUser = "by_user";
    public const string Gone = "gone";
    public const string Failing = "failing";
}
