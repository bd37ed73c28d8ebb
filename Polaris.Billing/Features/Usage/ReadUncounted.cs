using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Counting;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>A span of a meter's events to look through.</summary>
/// <param name="Meter">The meter's key.</param>
/// <param name="From">Inclusive, a multiple of 15 minutes.</param>
/// <param name="To">Exclusive, a multiple of 15 minutes.</param>
/// <param name="Customer">One customer's key; null for all.</param>
internal sealed record UncountedQuestion(string Meter, Instant From, Instant To, string? Customer);

/// <summary>An event of a meter's type that the meter does not count.</summary>
/// <param name="IdempotencyKey">Unique in the org.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="At">Its timestamp.</param>
/// <param name="ReceivedAt">When Polaris took it.</param>
/// <param name="Properties">Canonical JSON; empty when it has none.</param>
/// <param name="Why">The first reason that applies.</param>
internal sealed record UncountedEvent(
    string IdempotencyKey,
    string Customer,
    Instant At,
    Instant ReceivedAt,
    string Properties,
    LeftOut Why
);

/// <param name="Rows">By timestamp and key.</param>
/// <param name="EndCursor">Of the last event, or of the place that was looked through to; null when there is neither.</param>
/// <param name="HasNextPage">Whether events after the cursor were not looked at, or not all shown.</param>
internal sealed record UncountedPage(IReadOnlyList<UncountedEvent> Rows, string? EndCursor, bool HasNextPage);

/// <param name="Counted">Events that the meter counts.</param>
/// <param name="LeftOut">Numbers of events by reason, the largest first.</param>
/// <param name="Through">Everything before is looked through: <c>to</c>, or less when there were too many events.</param>
internal sealed record UncountedSummary(long Counted, IReadOnlyList<(LeftOut Why, long Events)> LeftOut, Instant Through);

/// <summary>
/// What a meter does not count, and why: its events are read from Ingestion, span by span, each as long as the buckets say that it has few
/// enough events. An answer looks through a bounded number of events; the next one goes on where it ended.
/// </summary>
internal sealed class ReadUncounted(
    NpgsqlDataSource database,
    TenantScope tenant,
    MeterCatalog catalog,
    Ingestion.V1.Ingestion.IngestionClient ingestion
)
{
    /// <summary>Events after which an answer ends, at the end of a bucket: those of the org, which its buckets count.</summary>
    public const int MaxEvents = 100_000;

    /// <summary>Events of a span that is read at once.</summary>
    private const int EventsOfSpan = 10_000;

    /// <summary>Buckets that are summed at once to find the end of a span.</summary>
    private const int BucketsOfSpan = 3_000;

    /// <summary>Shorter than the gateway's for a service.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private static readonly Comparer<(EventPlace Place, UncountedEvent Event)> ByPlace = Comparer<(
        EventPlace Place,
        UncountedEvent Event
    )>.Create((one, other) => one.Place.CompareTo(other.Place));

    /// <param name="question">What is looked through.</param>
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">Cursor of the previous page; null for the first page.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="RefusedException">There is no such meter, the bounds are wrong, or Ingestion is unavailable.</exception>
    public async Task<UncountedPage> PageAsync(UncountedQuestion question, int first, string? after, CancellationToken ct)
    {
        Paging.Check(first);
        var place = EventPlace.Parse(after, emptyKey: true);
        var meter = await FindAsync(question, ct);
        var start = place is { } known ? Instant.Max(question.From, known.Bucket) : question.From;
        var found = new SortedSet<(EventPlace Place, UncountedEvent Event)>(ByPlace);
        var through = await WalkAsync(
            question,
            meter,
            start,
            (one, received) =>
            {
                var at = EventPlace.Of(one);
                if ((place is { } last && at.CompareTo(last) <= 0) || WhyNot(meter, one) is not { } why)
                    return;
                if (found.Count > first && at.CompareTo(found.Max.Place) > 0)
                    return;
                found.Add((at, ToEvent(one, received, why)));
                if (found.Count > first + 1)
                    found.Remove(found.Max);
            },
            () => found.Count > first,
            ct
        );
        var page = found.Take(first).ToArray();
        var more = found.Count > first || through < question.To;
        var end =
            found.Count <= first && through < question.To ? EventPlace.Before(through)
            : page.Length > 0 ? page[^1].Place
            : (EventPlace?)null;
        return new UncountedPage([.. page.Select(pair => pair.Event)], end?.ToString(), more);
    }

    /// <summary>Counts by reason what a page lists.</summary>
    /// <inheritdoc cref="PageAsync"/>
    public async Task<UncountedSummary> SumAsync(UncountedQuestion question, CancellationToken ct)
    {
        var meter = await FindAsync(question, ct);
        var (counted, reasons) = (0L, new Dictionary<LeftOut, long>());
        var through = await WalkAsync(
            question,
            meter,
            question.From,
            (one, _) =>
            {
                if (WhyNot(meter, one) is { } why)
                    reasons[why] = reasons.GetValueOrDefault(why) + 1;
                else
                    counted++;
            },
            () => false,
            ct
        );
        return new UncountedSummary(
            counted,
            [
                .. reasons
                    .OrderByDescending(of => of.Value)
                    .ThenBy(of => of.Key.Reason)
                    .ThenBy(of => of.Key.Property, StringComparer.Ordinal)
                    .Select(of => (of.Key, of.Value)),
            ],
            through
        );
    }

    private async Task<MeterDefinition> FindAsync(UncountedQuestion question, CancellationToken ct)
    {
        ReadUsage.CheckBounds(question.From, question.To);
        return await catalog.FindAsync(tenant.RequireOrg(), question.Meter, ct) ?? throw new RefusedException(Refusal.NotFound("meter"));
    }

    /// <summary>A void is no usage: it is neither counted nor left out.</summary>
    private static bool IsUsage(UsageEvent one) => one.Corrects is not { Replaces: false };

    private static LeftOut? WhyNot(MeterDefinition meter, UsageEvent one) =>
        meter.WhyNot(one.Properties.Span) ?? (one.CorrectedBy.Length > 0 ? new LeftOut(LeftOutReason.TakenBack, null) : null);

    private static UncountedEvent ToEvent(UsageEvent one, Instant received, LeftOut why) =>
        new(
            one.IdempotencyKey,
            one.Customer,
            Buckets.FromMicroseconds(one.TimestampUs),
            received,
            Encoding.UTF8.GetString(one.Properties.Span),
            why
        );

    /// <summary>
    /// Shows every event of the meter's type, span by span, until there is enough; returns the time that everything before was shown of.
    /// </summary>
    private async Task<Instant> WalkAsync(
        UncountedQuestion question,
        MeterDefinition meter,
        Instant start,
        Action<UsageEvent, Instant> show,
        Func<bool> isEnough,
        CancellationToken ct
    )
    {
        var (began, events) = (TimeProvider.System.GetUtcNow(), 0L);
        while (start < question.To && events < MaxEvents && !isEnough())
        {
            var (end, some) = await ReachAsync(start, question.To, ct);
            await ReadAsync(question, meter, new BillingPeriod(start, end), show, (began + Deadline).UtcDateTime, ct);
            (start, events) = (end, events + some);
        }

        return start;
    }

    /// <summary>The end of the buckets from <paramref name="start"/> on that are read at once, at least one, and their events.</summary>
    private async Task<(Instant End, long Events)> ReachAsync(Instant start, Instant to, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(tenant.RequireOrg(), ct);
        await using var command = tx.Command(
            """
            SELECT bucket_start, sum(event_count)::bigint FROM usage_buckets
            WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3 GROUP BY bucket_start ORDER BY bucket_start LIMIT $4
            """
        );
        command.Bind(tenant.RequireOrg()).Bind(start).Bind(to).Bind(BucketsOfSpan);
        var (events, buckets, last) = (0L, 0, start);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            (events, buckets, last) = (events + reader.GetInt64(1), buckets + 1, reader.GetFieldValue<Instant>(0));
            if (events >= EventsOfSpan || buckets == BucketsOfSpan)
                return (last + Buckets.Size, events);
        }

        return (to, events);
    }

    private async Task ReadAsync(
        UncountedQuestion question,
        MeterDefinition meter,
        BillingPeriod span,
        Action<UsageEvent, Instant> show,
        DateTime deadline,
        CancellationToken ct
    )
    {
        var request = new StreamEventsRequest
        {
            OrgId = tenant.RequireOrg().ToString(),
            Customer = question.Customer ?? "",
            From = Timestamp.FromDateTime(span.Start.ToDateTimeUtc()),
            To = Timestamp.FromDateTime(span.End.ToDateTimeUtc()),
            Types_ = { meter.EventType },
        };
        try
        {
            using var call = ingestion.StreamEvents(request, deadline: deadline, cancellationToken: ct);
            await foreach (var batch in call.ResponseStream.ReadAllAsync(ct))
            {
                var received = EventPlace.ReceivedAt(batch.BatchId.Span);
                foreach (var one in batch.Events.Where(IsUsage))
                    show(one, received);
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            throw new RefusedException(
                new Refusal(RefusalKind.Unavailable, "ingestion_unavailable", "Raw events cannot be read at the moment. Try again.")
            );
        }
    }
}
