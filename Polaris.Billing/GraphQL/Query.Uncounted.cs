using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>
    /// Events of a meter's type in a time that the meter does not count, with why, ordered by timestamp and key. Raw events are read for
    /// it, at most 100,000 an answer: a page may end early, and <c>hasNextPage</c> tells.
    /// </summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Start of the span of event times, included.</param>
    /// <param name="to">End of the span, not included.</param>
    /// <param name="customer">Only events of the customer with this key.</param>
    /// <param name="after">An <c>endCursor</c>: the page begins behind it.</param>
    /// <param name="first">At most so many events.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<UncountedEventPageType> UncountedEvents(
        [FromServices] ReadUncounted uncounted,
        string meter,
        Instant from,
        Instant to,
        string? customer,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => UncountedEventPageType.Of(await uncounted.PageAsync(new UncountedQuestion(meter, from, to, customer), first, after, ct));

    /// <summary>
    /// How many events of a meter's type in a time the meter counts, and does not count, by reason. Raw events are read for it, at most
    /// 100,000 an answer: then it ends at <c>through</c>.
    /// </summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Start of the span of event times, included.</param>
    /// <param name="to">End of the span, not included.</param>
    /// <param name="customer">Only events of the customer with this key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<UncountedSummaryType> UncountedSummary(
        [FromServices] ReadUncounted uncounted,
        string meter,
        Instant from,
        Instant to,
        string? customer,
        CancellationToken ct
    ) => UncountedSummaryType.Of(await uncounted.SumAsync(new UncountedQuestion(meter, from, to, customer), ct));
}

/// <summary>An event that its meter does not count.</summary>
/// <param name="IdempotencyKey">The event's key, unique in the organization.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="Timestamp">When it happened, as it says.</param>
/// <param name="ReceivedAt">When Polaris took it.</param>
/// <param name="Properties">JSON; empty when it has none.</param>
/// <param name="Reason">Why it is not counted: the first reason that applies.</param>
/// <param name="Property">The property that the reason is about.</param>
[Name("UncountedEvent")]
public sealed record UncountedEventType(
    string IdempotencyKey,
    string Customer,
    Instant Timestamp,
    Instant ReceivedAt,
    string Properties,
    LeftOutReason Reason,
    string? Property
);

/// <summary>A page of events that a meter does not count. It may have fewer than asked for although others follow.</summary>
/// <param name="Nodes">The events, by timestamp and key.</param>
/// <param name="EndCursor">From where the next page goes on.</param>
/// <param name="HasNextPage">Whether there are more, or the rest was not looked through.</param>
[Name("UncountedEventPage")]
public sealed record UncountedEventPageType(IReadOnlyList<UncountedEventType> Nodes, string? EndCursor, bool HasNextPage)
{
    internal static UncountedEventPageType Of(UncountedPage page) =>
        new(
            [
                .. page.Rows.Select(row => new UncountedEventType(
                    row.IdempotencyKey,
                    row.Customer,
                    row.At,
                    row.ReceivedAt,
                    row.Properties,
                    row.Why.Reason,
                    row.Why.Property
                )),
            ],
            page.EndCursor,
            page.HasNextPage
        );
}

/// <summary>Numbers of events of a meter's type in a time, counted and not.</summary>
/// <param name="CountedEvents">Events that the meter counts.</param>
/// <param name="Reasons">Events that it does not count, by reason, the most first.</param>
/// <param name="Through">What is before was looked through: <c>to</c>, or less when there were too many events.</param>
[Name("UncountedSummary")]
public sealed record UncountedSummaryType(long CountedEvents, IReadOnlyList<UncountedReasonType> Reasons, Instant Through)
{
    internal static UncountedSummaryType Of(UncountedSummary summary) =>
        new(
            summary.Counted,
            [.. summary.LeftOut.Select(of => new UncountedReasonType(of.Why.Reason, of.Why.Property, of.Events))],
            summary.Through
        );
}

/// <summary>How many events a meter does not count for a reason.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Property">The property that the reason is about.</param>
/// <param name="Events">How many.</param>
[Name("UncountedReason")]
public sealed record UncountedReasonType(LeftOutReason Reason, string? Property, long Events);
