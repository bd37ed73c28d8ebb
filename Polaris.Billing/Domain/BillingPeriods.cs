using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>The half-open span <c>[Start, End)</c> that one invoice covers.</summary>
public readonly record struct BillingPeriod(Instant Start, Instant End)
{
    public bool IsEmpty => Start == End;

    public bool Contains(Instant instant) => instant >= Start && instant < End;
}

/// <summary>How often a subscription is billed.</summary>
public enum BillingInterval
{
    Week,
    Month,
    Quarter,
    Year,
}

/// <summary>The days on which periods begin.</summary>
/// <param name="Interval">The time between two of them.</param>
/// <param name="AnchorDay">
/// Week: day of the week, 1 (Monday) to 7. Else day of the month, 1 to 31; a shorter month has its last day instead.
/// </param>
/// <param name="AnchorMonth">
/// Quarter and year: a month that such a day is in, 1 to 12; quarters count from it, so 2, 5, 8 and 11 mean the same. Else without meaning.
/// </param>
public sealed record BillingCycle(BillingInterval Interval, int AnchorDay, int AnchorMonth = 1)
{
    /// <summary>The calendar's own days: Mondays, the first of the month, of January, April, July and October, or 1 January.</summary>
    public static BillingCycle Calendar(BillingInterval interval) => new(interval, 1);

    /// <summary>The days like that one.</summary>
    public static BillingCycle Anniversary(BillingInterval interval, LocalDate day) =>
        interval == BillingInterval.Week
            ? new BillingCycle(interval, (int)day.DayOfWeek)
            : new BillingCycle(interval, day.Day, interval == BillingInterval.Month ? 1 : day.Month);

    /// <summary>
    /// Such a day close to <paramref name="date"/>: the last one at or before it, or the next one when that is later in the same month.
    /// </summary>
    internal LocalDate Near(LocalDate date)
    {
        if (Interval == BillingInterval.Week)
            return date.PlusDays(-Modulo((int)date.DayOfWeek - AnchorDay, 7));
        var month = (date.Year * 12) + date.Month - 1;
        return DayIn(month - Modulo(month - (AnchorMonth - 1), Months));
    }

    /// <summary>The <paramref name="steps"/>th such day after <paramref name="day"/>, which is one itself.</summary>
    internal LocalDate Plus(LocalDate day, int steps) =>
        Interval == BillingInterval.Week ? day.PlusWeeks(steps) : DayIn((day.Year * 12) + day.Month - 1 + (steps * Months));

    private int Months =>
        Interval switch
        {
            BillingInterval.Month => 1,
            BillingInterval.Quarter => 3,
            BillingInterval.Year => 12,
            _ => throw new InvalidOperationException($"{Interval} is not in months."),
        };

    private LocalDate DayIn(int month)
    {
        var (year, of) = (month / 12, (month % 12) + 1);
        return new LocalDate(year, of, Math.Min(AnchorDay, CalendarSystem.Iso.GetDaysInMonth(year, of)));
    }

    private static int Modulo(int value, int by) => ((value % by) + by) % by;
}

/// <summary>
/// Splits the billed time of a subscription into periods. Each boundary is the start of one of the cycle's days in the subscription's zone.
/// Periods tile without gap or overlap. The first is shorter when billing starts between two boundaries, the last when it ends between two.
/// </summary>
/// <param name="Start">When billing starts: the subscription's start or the end of its trial; a multiple of 15 minutes.</param>
/// <param name="End">Exclusive; null while the subscription has no end. At or before the start there are no periods.</param>
/// <param name="Cycle">The days of the boundaries.</param>
/// <param name="Zone">IANA time zone of the boundaries.</param>
public sealed record PeriodCalendar(Instant Start, Instant? End, BillingCycle Cycle, DateTimeZone Zone)
{
    /// <summary>
    /// The period that begins at <paramref name="start"/>, which must be <see cref="Start"/> or the end of an earlier period; null when the
    /// subscription has ended by then.
    /// </summary>
    public BillingPeriod? StartingAt(Instant start)
    {
        if (End is { } end && start >= end)
            return null;
        var boundary = WholeContaining(start).End;
        return new BillingPeriod(start, End is { } last && last < boundary ? last : boundary);
    }

    /// <summary>The period that contains <paramref name="instant"/>; null before the start and after the end.</summary>
    public BillingPeriod? Containing(Instant instant)
    {
        if (instant < Start || (End is { } end && instant >= end))
            return null;
        var floor = WholeContaining(instant).Start;
        return StartingAt(floor < Start ? Start : floor);
    }

    /// <summary>The period between the boundaries around <paramref name="instant"/>, ignoring the subscription's start and end.</summary>
    public BillingPeriod WholeContaining(Instant instant)
    {
        var day = Cycle.Near(instant.InZone(Zone).Date);
        var start = BoundaryOn(day);
        return start > instant
            ? new BillingPeriod(BoundaryOn(Cycle.Plus(day, -1)), start)
            : new BillingPeriod(start, BoundaryOn(Cycle.Plus(day, 1)));
    }

    private Instant BoundaryOn(LocalDate day) => LocalDays.StartOf(day, Zone);
}
