using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>Months, days and shares of time in the subscription's zone.</summary>
internal sealed class Boundaries(string zone, int anchorDay)
{
    private readonly DateTimeZone zone = DateTimeZoneProviders.Tzdb[zone];

    /// <summary>The whole period between two boundaries that contains the instant.</summary>
    public BillingPeriod Whole(Instant instant)
    {
        var date = instant.InZone(zone).Date;
        var (year, month) = (date.Year, date.Month);
        if (BoundaryOf(year, month) > instant)
            (year, month) = month == 1 ? (year - 1, 12) : (year, month - 1);
        var (nextYear, nextMonth) = month == 12 ? (year + 1, 1) : (year, month + 1);
        return new BillingPeriod(BoundaryOf(year, month), BoundaryOf(nextYear, nextMonth));
    }

    /// <summary>The period that begins at this time, up to a boundary or the end.</summary>
    public BillingPeriod PeriodFrom(Instant start, Instant? end)
    {
        var boundary = Whole(start).End;
        return new BillingPeriod(start, end < boundary ? end.Value : boundary);
    }

    /// <summary>The number of days that end within the span: its midnights t with start &lt; t ≤ end.</summary>
    public long Days(BillingPeriod span)
    {
        var days = 0L;
        for (var date = span.Start.InZone(zone).Date; Midnight(date) <= span.End; date = date.PlusDays(1))
        {
            if (Midnight(date) > span.Start)
                days++;
        }

        return days;
    }

    public static long Seconds(BillingPeriod span) => span.End.ToUnixTimeSeconds() - span.Start.ToUnixTimeSeconds();

    /// <summary>For what is an amount a period.</summary>
    public Fraction AmountShare(BillingPeriod span, BillingPeriod period, BillingPeriod whole, Proration proration) =>
        proration switch
        {
            Proration.Days => new Fraction(Days(span), Days(whole)),
            Proration.Seconds => new Fraction(Seconds(span), Seconds(whole)),
            _ => PartShare(span, period, proration),
        };

    /// <summary>For everything else that a change divides.</summary>
    public Fraction PartShare(BillingPeriod span, BillingPeriod period, Proration proration) =>
        span == period ? Fraction.One
        : proration == Proration.Seconds || Days(period) == 0 ? new Fraction(Seconds(span), Seconds(period))
        : new Fraction(Days(span), Days(period));

    /// <summary>How much of a segment's time is in a run, for the division of its line.</summary>
    public Fraction TimeShare(BillingPeriod span, BillingPeriod segment, Proration proration) =>
        proration == Proration.Seconds || Days(segment) == 0
            ? new Fraction(Seconds(span), Seconds(segment))
            : new Fraction(Days(span), Days(segment));

    private Instant BoundaryOf(int year, int month) =>
        Midnight(new LocalDate(year, month, Math.Min(anchorDay, CalendarSystem.Iso.GetDaysInMonth(year, month))));

    // The first moment of the date. Where clocks skip midnight, a date begins later; where they repeat it, the first one counts.
    private Instant Midnight(LocalDate date)
    {
        var map = zone.MapLocal(date.AtMidnight());
        return map.Count == 0 ? map.EarlyInterval.End : map.First().ToInstant();
    }
}
