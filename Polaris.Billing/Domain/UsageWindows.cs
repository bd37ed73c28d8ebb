using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>Width of a usage report's windows, in its time zone.</summary>
public enum ReportWindow
{
    /// <summary>A quarter of an hour.</summary>
    QuarterHour,

    /// <summary>
    /// From one full hour of the zone to the next. An hour that clocks repeat is two windows, one that they skip is none.
    /// </summary>
    Hour,

    /// <summary>23 to 25 hours, where clocks change.</summary>
    Day,

    /// <summary>From Monday to Monday.</summary>
    Week,

    /// <summary>From the first of a month to that of the next.</summary>
    Month,

    /// <summary>The whole time is one window.</summary>
    Total,
}

/// <summary>
/// Cuts a time into windows of a zone's calendar. The windows tile it without gap or overlap; the first and the last may be shorter.
/// </summary>
internal static class UsageWindows
{
    /// <param name="from">Inclusive, a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive, after <paramref name="from"/>.</param>
    /// <param name="window">The width.</param>
    /// <param name="zone">The zone of the calendar.</param>
    /// <param name="atMost">Cutting stops after this many windows and one more.</param>
    /// <returns>
    /// The start of each window, in order of time; each ends where the next one starts, the last at <paramref name="to"/>.
    /// </returns>
    public static List<Instant> Cut(Instant from, Instant to, ReportWindow window, DateTimeZone zone, int atMost)
    {
        var starts = new List<Instant> { from };
        while (starts.Count <= atMost)
        {
            var next = window switch
            {
                ReportWindow.QuarterHour => starts[^1] + Buckets.Size,
                ReportWindow.Hour => NextHour(starts[^1], zone),
                ReportWindow.Day => NextDay(starts[^1], zone, day => day.PlusDays(1)),
                ReportWindow.Week => NextDay(starts[^1], zone, day => day.Next(IsoDayOfWeek.Monday)),
                ReportWindow.Month => NextDay(starts[^1], zone, day => day.With(DateAdjusters.StartOfMonth).PlusMonths(1)),
                ReportWindow.Total => to,
                _ => throw new ArgumentOutOfRangeException(nameof(window)),
            };
            if (next >= to)
                break;
            starts.Add(next);
        }

        return starts;
    }

    /// <summary>
    /// The time of the same length before: as many months before whole months of the zone, as many days before whole days, else exactly as
    /// long.
    /// </summary>
    /// <returns>Its start; it ends at <paramref name="from"/>.</returns>
    public static Instant StartOfPrevious(Instant from, Instant to, DateTimeZone zone)
    {
        var (first, end) = (from.InZone(zone).Date, to.InZone(zone).Date);
        if (LocalDays.StartOf(first, zone) != from || LocalDays.StartOf(end, zone) != to)
            return from - (to - from);
        return LocalDays.StartOf(
            first.Day == 1 && end.Day == 1
                ? first.PlusMonths(-Period.Between(first, end, PeriodUnits.Months).Months)
                : first.PlusDays(-Period.Between(first, end, PeriodUnits.Days).Days),
            zone
        );
    }

    /// <summary>The next full hour of the zone, or the change of its offset when that comes first.</summary>
    private static Instant NextHour(Instant after, DateTimeZone zone)
    {
        var local = after.InZone(zone);
        var next = after + Duration.FromHours(1) - Duration.FromTicks(local.TickOfDay % NodaConstants.TicksPerHour);
        var change = zone.GetZoneInterval(after);
        if (change.HasEnd && change.End < next && zone.GetUtcOffset(change.End) != local.Offset)
            next = change.End;
        return Buckets.AtOrAfter(next);
    }

    /// <summary>The start of the next such day. A day that the zone skips starts with the one after it.</summary>
    private static Instant NextDay(Instant after, DateTimeZone zone, Func<LocalDate, LocalDate> next)
    {
        var day = next(after.InZone(zone).Date);
        while (LocalDays.StartOf(day, zone) <= after)
            day = next(day);
        return LocalDays.StartOf(day, zone);
    }
}
