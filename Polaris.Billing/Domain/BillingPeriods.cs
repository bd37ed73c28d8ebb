using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>A half-open span <c>[Start, End)</c> that one invoice covers.</summary>
public readonly record struct BillingPeriod(Instant Start, Instant End)
{
    public bool IsEmpty => Start == End;

    public bool Contains(Instant instant) => instant >= Start && instant < End;
}

/// <summary>
/// Cuts a subscription's life into monthly periods: each boundary is midnight of the anchor day in the subscription's zone, on the month's
/// last day where the month is shorter. Periods tile: each starts where the last one ended. The first is shorter when the subscription
/// starts between two boundaries, the last when it ends between two.
/// </summary>
/// <param name="Start">When the subscription starts; a multiple of 15 minutes, so that buckets never straddle a period.</param>
/// <param name="End">When it ends, exclusive; null while it runs.</param>
/// <param name="AnchorDay">Day of the month, 1 to 31.</param>
/// <param name="Zone">IANA zone whose midnights are meant.</param>
public sealed record PeriodCalendar(Instant Start, Instant? End, int AnchorDay, DateTimeZone Zone)
{
    /// <summary>The period that begins at <paramref name="start"/>, which must be <see cref="Start"/> or the end of an earlier period; null when the subscription has ended by then.</summary>
    public BillingPeriod? StartingAt(Instant start)
    {
        if (End is { } end && start >= end) return null;
        var boundary = BoundaryAfter(start);
        return new BillingPeriod(start, End is { } last && last < boundary ? last : boundary);
    }

    /// <summary>The period that holds <paramref name="instant"/>; null before the start and after the end.</summary>
    public BillingPeriod? Containing(Instant instant)
    {
        if (instant < Start || (End is { } end && instant >= end)) return null;
        var floor = BoundaryAtOrBefore(instant);
        return StartingAt(floor < Start ? Start : floor);
    }

    /// <summary>The period between the boundaries around <paramref name="instant"/>, whenever the subscription starts or ends.</summary>
    public BillingPeriod WholeContaining(Instant instant) => new(BoundaryAtOrBefore(instant), BoundaryAfter(instant));

    private Instant BoundaryAfter(Instant instant)
    {
        var date = instant.InZone(Zone).Date;
        var month = new YearMonth(date.Year, date.Month);
        var boundary = BoundaryIn(month);
        return boundary > instant ? boundary : BoundaryIn(month.PlusMonths(1));
    }

    private Instant BoundaryAtOrBefore(Instant instant)
    {
        var date = instant.InZone(Zone).Date;
        var month = new YearMonth(date.Year, date.Month);
        var boundary = BoundaryIn(month);
        return boundary <= instant ? boundary : BoundaryIn(month.PlusMonths(-1));
    }

    // AtStartOfDay and not midnight: some zones skip midnight when clocks go forward.
    private Instant BoundaryIn(YearMonth month) =>
        Zone.AtStartOfDay(month.OnDayOfMonth(Math.Min(AnchorDay, CalendarSystem.Iso.GetDaysInMonth(month.Year, month.Month)))).ToInstant();
}

/// <summary>The 15-minute buckets in which usage is summed up.</summary>
public static class Buckets
{
    public const long SizeMicroseconds = 15L * 60 * 1_000_000;
    public static readonly Duration Size = Duration.FromMinutes(15);

    /// <summary>The start of the bucket that holds a time, both in microseconds since the Unix epoch.</summary>
    public static long StartOf(long timestampMicroseconds)
    {
        var rest = timestampMicroseconds % SizeMicroseconds;
        return timestampMicroseconds - (rest < 0 ? rest + SizeMicroseconds : rest);
    }

    public static bool IsAligned(Instant instant) => instant.ToUnixTimeTicks() % Size.BclCompatibleTicks == 0;

    public static Instant FromMicroseconds(long microseconds) => Instant.FromUnixTimeTicks(checked(microseconds * 10));
}
