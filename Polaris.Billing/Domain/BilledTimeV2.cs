using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>The times that version 2 of the engine needs for one invoice or part of it. Do not change it.</summary>
/// <param name="This">The invoice's period, or the part of it with this plan version.</param>
/// <param name="IsFirst">The version starts with this span, so its fees in advance were not billed before.</param>
/// <param name="Next">
/// The following period, whose fees in advance are due now; null when the version or the subscription ends with this span.
/// </param>
/// <param name="PaidUntil">
/// When the version ends before the end of the time its fees in advance were billed for: the end of that time. Else null.
/// </param>
/// <param name="Zone">The subscription's time zone; days are counted in it.</param>
/// <param name="Cut">The invoice's period when a plan change shortened <paramref name="This"/>. Else null.</param>
public sealed record BilledTimeV2(
    BilledSpan This,
    bool IsFirst,
    BilledSpan? Next,
    Instant? PaidUntil,
    DateTimeZone Zone,
    BillingPeriod? Cut = null
)
{
    /// <summary>A whole period that is neither the first nor followed by another.</summary>
    public static BilledTimeV2 Alone(BillingPeriod period) => new(new BilledSpan(period, period), false, null, null, DateTimeZone.Utc);

    /// <summary>A period of a subscription, or the part of it with one plan version.</summary>
    /// <param name="calendar">The subscription's periods.</param>
    /// <param name="plans">
    /// The plan changes. Changes within the next period do not matter: its fees in advance are billed for all of it.
    /// </param>
    /// <param name="period">The invoice's period.</param>
    /// <param name="span">One of the spans into which <paramref name="plans"/> cuts the period.</param>
    /// <param name="paidUntil">
    /// The original end of the last period, when it was shortened after its fees in advance had been billed. Else null.
    /// </param>
    public static BilledTimeV2 Of(PeriodCalendar calendar, PlanHistory plans, BillingPeriod period, BillingPeriod span, Instant? paidUntil)
    {
        ArgumentNullException.ThrowIfNull(calendar);
        ArgumentNullException.ThrowIfNull(plans);
        var begins = span.Start == calendar.Start || plans.ChangesAt(span.Start);
        var goesOn = span.End == period.End && !plans.ChangesAt(period.End);
        var paid = PaidEnd(period);
        return new BilledTimeV2(
            new BilledSpan(span, calendar.WholeContaining(period.Start)),
            begins,
            goesOn && calendar.StartingAt(period.End) is { } next
                ? new BilledSpan(next with { End = PaidEnd(next) }, calendar.WholeContaining(next.Start))
                : null,
            !begins && paid > span.End ? paid : null,
            calendar.Zone,
            span == period ? null : period
        );

        Instant PaidEnd(BillingPeriod one) => paidUntil is { } until && one.End == calendar.End ? until : one.End;
    }

    /// <summary>The share of a period's fee that is due for this span.</summary>
    internal TimeShare ShareOfThis(Proration proration) => ShareOf(This.Billed, proration);

    /// <summary>The share of a fee in advance that is refunded; null when there is none.</summary>
    internal TimeShare? UnusedShare(Proration proration)
    {
        if (PaidUntil is not { } paid || paid <= This.Billed.End)
            return null;
        if (proration != Proration.None)
            return ShareOf(new BillingPeriod(This.Billed.End, paid), proration);
        // Without proration an early end refunds nothing; a plan change refunds what the next version is charged.
        return Cut is { } cut && cut.End > This.Billed.End ? ShareOf(new BillingPeriod(This.Billed.End, cut.End), proration) : null;
    }

    private TimeShare ShareOf(BillingPeriod part, Proration proration) =>
        proration == Proration.None && Cut is { } cut
            ? TimeShare.OfCut(part, cut, Zone)
            : TimeShare.Between(part, This.Whole, proration, Zone);
}
