using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>A billed span and the whole period between two boundaries that contains it.</summary>
public readonly record struct BilledSpan(BillingPeriod Billed, BillingPeriod Whole)
{
    public bool IsWhole => Billed == Whole;
}

/// <summary>A share of a period, in whole seconds or days.</summary>
internal readonly record struct TimeShare(long Part, long Whole, Proration Unit)
{
    public static readonly TimeShare All = new(1, 1, Proration.None);

    public bool IsAll => Part == Whole;

    /// <summary>For example "16 of 30 days".</summary>
    public override string ToString() =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{Part} of {Whole} {(Unit == Proration.Days ? "days" : "seconds")}"
        );

    public decimal Of(decimal amount) => IsAll ? amount : Exact.Divide(amount, Part, Whole);

    /// <param name="billed">The part.</param>
    /// <param name="whole">The period that contains it.</param>
    /// <param name="proration">The unit of time.</param>
    /// <param name="zone">The time zone in which days are counted.</param>
    public static TimeShare Between(BillingPeriod billed, BillingPeriod whole, Proration proration, DateTimeZone zone) =>
        proration switch
        {
            Proration.None => All,
            Proration.Seconds => new TimeShare(Seconds(billed), Seconds(whole), proration),
            Proration.Days => new TimeShare(Days(billed, zone), Days(whole, zone), proration),
            _ => throw new ArgumentOutOfRangeException(nameof(proration)),
        };

    /// <summary>
    /// A fee without proration is due once a period, however short. Versions that share the period split it by days, or by seconds when the
    /// period is within one day.
    /// </summary>
    public static TimeShare OfCut(BillingPeriod part, BillingPeriod period, DateTimeZone zone) =>
        Between(part, period, Days(period, zone) > 0 ? Proration.Days : Proration.Seconds, zone);

    /// <summary>
    /// The share of a period that a part of it has because of a plan change: in days, or in seconds when those are the unit or the period
    /// is within one day.
    /// </summary>
    public static TimeShare OfPart(BillingPeriod part, BillingPeriod period, Proration proration, DateTimeZone zone) =>
        proration == Proration.Seconds ? Between(part, period, proration, zone) : OfCut(part, period, zone);

    /// <summary>The share of a whole period's amount that is due for a part of a period, or for a period that no change cuts.</summary>
    /// <param name="part">The part, or the period itself.</param>
    /// <param name="cut">The period, when a change makes the part shorter. Else null.</param>
    /// <param name="whole">The whole period between two boundaries.</param>
    /// <param name="proration">The unit of time.</param>
    /// <param name="zone">The time zone in which days are counted.</param>
    public static TimeShare OfAmount(BillingPeriod part, BillingPeriod? cut, BillingPeriod whole, Proration proration, DateTimeZone zone) =>
        proration == Proration.None && cut is { } period ? OfCut(part, period, zone) : Between(part, whole, proration, zone);

    // Periods are multiples of 15 minutes, so whole seconds are exact.
    private static long Seconds(BillingPeriod period) => (period.End - period.Start).BclCompatibleTicks / NodaConstants.TicksPerSecond;

    /// <summary>Counts a day where it ends, so that adjacent spans neither share nor miss a day.</summary>
    private static long Days(BillingPeriod period, DateTimeZone zone) =>
        Period.DaysBetween(period.Start.InZone(zone).Date, period.End.InZone(zone).Date);
}
