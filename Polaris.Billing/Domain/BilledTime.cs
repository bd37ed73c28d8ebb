using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>A span that is billed, and the whole period between two boundaries that it is, or is part of.</summary>
public readonly record struct BilledSpan(BillingPeriod Billed, BillingPeriod Whole)
{
    public bool IsWhole => Billed == Whole;
}

/// <summary>What rating must know of a subscription's time.</summary>
/// <param name="This">The invoice's own period, or the part of it in which the plan version held.</param>
/// <param name="IsFirst">The version begins with it: nobody has billed its fees in advance.</param>
/// <param name="Next">The period after it, whose fees in advance are due now; null when the version, or the subscription, ends with this one.</param>
/// <param name="PaidUntil">When the version ends earlier than its fees in advance were billed for: up to where they were. Else null.</param>
/// <param name="Zone">The subscription's zone, whose days are counted.</param>
/// <param name="Cut">The invoice's period, when a change of plans cut <paramref name="This"/> out of it. Else null.</param>
public sealed record BilledTime(BilledSpan This, bool IsFirst, BilledSpan? Next, Instant? PaidUntil, DateTimeZone Zone, BillingPeriod? Cut = null)
{
    /// <summary>A period of which nothing else is known: whole, and neither the first nor followed by another.</summary>
    public static BilledTime Alone(BillingPeriod period) => new(new BilledSpan(period, period), false, null, null, DateTimeZone.Utc);

    /// <summary>A period of a subscription, or the part of it in which one version held.</summary>
    /// <param name="calendar">The subscription's periods.</param>
    /// <param name="plans">When its version changes. What happens within the next period does not matter: its fees in advance are billed for all of it.</param>
    /// <param name="period">The invoice's period.</param>
    /// <param name="span">One of the spans that <paramref name="plans"/> cut it into.</param>
    /// <param name="paidUntil">When the last period's end was moved forward after its fees in advance had been billed: its end as it was then.</param>
    public static BilledTime Of(PeriodCalendar calendar, PlanHistory plans, BillingPeriod period, BillingPeriod span, Instant? paidUntil)
    {
        ArgumentNullException.ThrowIfNull(calendar);
        ArgumentNullException.ThrowIfNull(plans);
        var begins = span.Start == calendar.Start || plans.ChangesAt(span.Start);
        var goesOn = span.End == period.End && !plans.ChangesAt(period.End);
        var paid = PaidEnd(period);
        return new BilledTime(
            new BilledSpan(span, calendar.WholeContaining(period.Start)), begins,
            goesOn && calendar.StartingAt(period.End) is { } next ? new BilledSpan(next with { End = PaidEnd(next) }, calendar.WholeContaining(next.Start)) : null,
            !begins && paid > span.End ? paid : null, calendar.Zone, span == period ? null : period);

        Instant PaidEnd(BillingPeriod one) => paidUntil is { } until && one.End == calendar.End ? until : one.End;
    }

    /// <summary>How much of what is stated for a period is due for this span.</summary>
    internal TimeShare ShareOfThis(Proration proration) => ShareOf(This.Billed, proration);

    /// <summary>How much of a fee in advance goes back; null when nothing does.</summary>
    internal TimeShare? UnusedShare(Proration proration)
    {
        if (PaidUntil is not { } paid || paid <= This.Billed.End) return null;
        if (proration != Proration.None) return ShareOf(new BillingPeriod(This.Billed.End, paid), proration);
        // An early end gives nothing back of what is not prorated; a change of plans what the next version is charged.
        return Cut is { } cut && cut.End > This.Billed.End ? ShareOf(new BillingPeriod(This.Billed.End, cut.End), proration) : null;
    }

    private TimeShare ShareOf(BillingPeriod part, Proration proration) => proration == Proration.None && Cut is { } cut
        ? TimeShare.OfCut(part, cut, Zone)
        : TimeShare.Between(part, This.Whole, proration, Zone);
}

/// <summary>A part of a whole period, as whole numbers of seconds or days.</summary>
internal readonly record struct TimeShare(long Part, long Whole, Proration Unit)
{
    public static readonly TimeShare All = new(1, 1, Proration.None);

    public bool IsAll => Part == Whole;

    /// <summary>"16 of 30 days".</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Part} of {Whole} {(Unit == Proration.Days ? "days" : "seconds")}");

    public decimal Of(decimal amount) => IsAll ? amount : Exact.Divide(amount, Part, Whole);

    /// <param name="billed">The part.</param>
    /// <param name="whole">The period that it is part of.</param>
    /// <param name="proration">How time is counted.</param>
    /// <param name="zone">Whose days.</param>
    public static TimeShare Between(BillingPeriod billed, BillingPeriod whole, Proration proration, DateTimeZone zone) => proration switch
    {
        Proration.None => All,
        Proration.Seconds => new TimeShare(Seconds(billed), Seconds(whole), proration),
        Proration.Days => new TimeShare(Days(billed, zone), Days(whole, zone), proration),
        _ => throw new ArgumentOutOfRangeException(nameof(proration)),
    };

    /// <summary>
    /// What is not prorated is due once for a period, however long; the versions in it share it by their days, or, where the period lies within
    /// a day, by their seconds.
    /// </summary>
    public static TimeShare OfCut(BillingPeriod part, BillingPeriod period, DateTimeZone zone) =>
        Between(part, period, Days(period, zone) > 0 ? Proration.Days : Proration.Seconds, zone);

    // Periods are multiples of 15 minutes, so nothing is lost.
    private static long Seconds(BillingPeriod period) => (period.End - period.Start).BclCompatibleTicks / NodaConstants.TicksPerSecond;

    /// <summary>A day belongs to the span that holds its end, so that spans that tile share no day and leave none out.</summary>
    private static long Days(BillingPeriod period, DateTimeZone zone) => Period.DaysBetween(period.Start.InZone(zone).Date, period.End.InZone(zone).Date);
}
