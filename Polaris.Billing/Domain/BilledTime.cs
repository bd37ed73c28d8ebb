using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>A span that is billed, and the whole period between two boundaries that it is, or is part of.</summary>
public readonly record struct BilledSpan(BillingPeriod Billed, BillingPeriod Whole)
{
    public bool IsWhole => Billed == Whole;
}

/// <summary>What rating must know of a subscription's time.</summary>
/// <param name="This">The invoice's own period.</param>
/// <param name="IsFirst">The subscription begins with it: nobody has billed its fees in advance.</param>
/// <param name="Next">The period after it, whose fees in advance are due now; null when the subscription ends with this one.</param>
/// <param name="PaidUntil">When the subscription ended earlier than its fees in advance were billed for: up to where they were. Else null.</param>
/// <param name="Zone">The subscription's zone, whose days are counted.</param>
public sealed record BilledTime(BilledSpan This, bool IsFirst, BilledSpan? Next, Instant? PaidUntil, DateTimeZone Zone)
{
    /// <summary>A period of which nothing else is known: whole, and neither the first nor followed by another.</summary>
    public static BilledTime Alone(BillingPeriod period) => new(new BilledSpan(period, period), false, null, null, DateTimeZone.Utc);

    /// <summary>A period of a subscription, as its calendar has it.</summary>
    public static BilledTime Of(PeriodCalendar calendar, BillingPeriod period, Instant? paidUntil = null)
    {
        ArgumentNullException.ThrowIfNull(calendar);
        return new BilledTime(
            new BilledSpan(period, calendar.WholeContaining(period.Start)), period.Start == calendar.Start,
            calendar.StartingAt(period.End) is { } next ? new BilledSpan(next, calendar.WholeContaining(next.Start)) : null, paidUntil, calendar.Zone);
    }
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

    // Periods are multiples of 15 minutes, so nothing is lost.
    private static long Seconds(BillingPeriod period) => (period.End - period.Start).BclCompatibleTicks / NodaConstants.TicksPerSecond;

    /// <summary>A day belongs to the span that holds its end, so that spans that tile share no day and leave none out.</summary>
    private static long Days(BillingPeriod period, DateTimeZone zone) => Period.DaysBetween(period.Start.InZone(zone).Date, period.End.InZone(zone).Date);
}
