using System.Numerics;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;

namespace Polaris.Tests.Billing;

/// <summary>An event as a report sees it; values are whole numbers.</summary>
internal sealed record ReportedEvent(string Customer, Instant At, long Value, string Region, string Tier)
{
    public string Of(string name) =>
        name switch
        {
            ReportUsage.ByCustomer => Customer,
            "region" => Region,
            _ => Tier,
        };
}

/// <summary>
/// Usage reports as docs/usage.md words them: every event is looked at, every quarter of an hour has a label, and quarters with the same
/// label in a row are a window.
/// </summary>
internal static class NaiveReport
{
    private static readonly Duration Quarter = Duration.FromMinutes(15);

    /// <summary>
    /// A line for each group: who it is, its quantity, that of the period before, and each window's start, quantity and count.
    /// </summary>
    public static IEnumerable<string> Lines(MeterAggregation aggregation, IReadOnlyList<ReportedEvent> events, UsageQuestion asked)
    {
        var zone = DateTimeZoneProviders.Tzdb[asked.TimeZone ?? "UTC"];
        var counted = events
            .Where(one => asked.Customers?.Contains(one.Customer) ?? true)
            .Where(one => (asked.Filters ?? []).All(filter => filter.In.Contains(one.Of(filter.Dimension))))
            .ToArray();
        var before = Before(asked, zone);
        var windows = Windows(asked, zone);
        var groups = counted
            .GroupBy(one => string.Join('/', (asked.GroupBy ?? []).Select(one.Of)))
            .Select(group => (Key: group.Key, Events: group.ToArray()))
            .Where(group =>
                asked.GroupBy is null or { Count: 0 }
                || Within(group.Events, asked.ComparePrevious ? before : asked.From, asked.To).Any()
                || (
                    aggregation == MeterAggregation.WeightedSum
                    && group.Events.Where(one => one.At < (asked.ComparePrevious ? before : asked.From)).Sum(one => one.Value) != 0
                )
            )
            .ToList();
        if (groups.Count == 0 && asked.GroupBy is null or { Count: 0 })
            groups.Add(("", []));
        if (asked.Top is { } top)
        {
            var ranked = groups
                .Where(group => Within(group.Events, asked.From, asked.To).Any())
                .OrderByDescending(group => Quantity(aggregation, group.Events, asked.From, asked.To))
                .ThenBy(group => group.Key, StringComparer.Ordinal)
                .Take(top)
                .ToArray();
            ReportedEvent[] rest = [.. groups.Except(ranked).SelectMany(group => group.Events)];
            groups = [.. ranked];
            if (rest.Length > 0)
                groups.Add(("others", rest));
        }

        return groups.Select(group =>
            $"{group.Key}: {Text(Quantity(aggregation, group.Events, asked.From, asked.To))}"
            + $" before {(asked.ComparePrevious ? Text(Quantity(aggregation, group.Events, before, asked.From)) : "-")} in "
            + string.Join(
                ", ",
                windows.Select(window =>
                    $"{window.Start} {Text(Quantity(aggregation, group.Events, window.Start, window.End))} "
                    + $"{Within(group.Events, window.Start, window.End).Count()}"
                )
            )
        );
    }

    /// <summary>The same lines of a report's answer.</summary>
    public static IEnumerable<string> Lines(UsageReport report) =>
        report.Groups.Select(group =>
            (
                group.IsOthers
                    ? "others"
                    : string.Join(
                        '/',
                        (report.Asked.GroupBy ?? []).Select(name =>
                            name == ReportUsage.ByCustomer ? group.Customer : group.Dimensions.Single(one => one.Name == name).Value
                        )
                    )
            )
            + $": {Text(group.Total.Quantity)} before {(group.Previous is { } previous ? Text(previous.Quantity) : "-")} in "
            + string.Join(", ", group.Points.Select(point => $"{point.Start} {Text(point.Quantity)} {point.EventCount}"))
        );

    private static string Text(decimal value) => RatingEngine.Text(value);

    private static IEnumerable<ReportedEvent> Within(IEnumerable<ReportedEvent> events, Instant from, Instant to) =>
        events.Where(one => one.At >= from && one.At < to);

    private static List<(Instant Start, Instant End)> Windows(UsageQuestion asked, DateTimeZone zone)
    {
        var windows = new List<(Instant Start, Instant End)>();
        object? last = null;
        for (var at = asked.From; at < asked.To; at += Quarter)
        {
            var local = at.InZone(zone);
            object label = asked.Window switch
            {
                ReportWindow.QuarterHour => at,
                ReportWindow.Hour => (local.Date, local.Hour, local.Offset),
                ReportWindow.Day => local.Date,
                ReportWindow.Week => local.Date.PlusDays(1 - (int)local.DayOfWeek),
                ReportWindow.Month => local.Date.ToYearMonth(),
                _ => 0,
            };
            if (!label.Equals(last))
                windows.Add((at, at));
            windows[^1] = (windows[^1].Start, at + Quarter);
            last = label;
        }

        return windows;
    }

    private static Instant Before(UsageQuestion asked, DateTimeZone zone)
    {
        var (from, to) = (asked.From.InZone(zone), asked.To.InZone(zone));
        if (zone.AtStartOfDay(from.Date) != from || zone.AtStartOfDay(to.Date) != to)
            return asked.From - (asked.To - asked.From);
        var (days, months) = (0, 0);
        while (from.Date.PlusDays(days) < to.Date)
            days++;
        while (from.Day == 1 && to.Day == 1 && from.Date.PlusMonths(months) < to.Date)
            months++;
        return (months > 0 ? from.Date.PlusMonths(-months) : from.Date.PlusDays(-days)).AtStartOfDayInZone(zone).ToInstant();
    }

    private static decimal Quantity(MeterAggregation aggregation, IReadOnlyList<ReportedEvent> all, Instant from, Instant to)
    {
        var events = Within(all, from, to).ToArray();
        if (aggregation == MeterAggregation.WeightedSum)
        {
            // Each change counts for the share of the time that it has lasted.
            var area = all.Where(one => one.At < to)
                .Aggregate(BigInteger.Zero, (sum, one) => sum + (one.Value * Ticks(to - Instant.Max(one.At, from))));
            return Naive.Round(new Fraction(area, Ticks(to - from)), 12);
        }

        if (events.Length == 0)
            return 0;
        return aggregation switch
        {
            MeterAggregation.Count => events.Length,
            MeterAggregation.Sum => events.Sum(one => one.Value),
            MeterAggregation.Max => events.Max(one => one.Value),
            MeterAggregation.Min => events.Min(one => one.Value),
            MeterAggregation.Average => Naive.Round(new Fraction(events.Sum(one => one.Value), events.Length), 12),
            MeterAggregation.UniqueCount => events.Select(one => one.Value).Distinct().Count(),
            MeterAggregation.Latest => events.MaxBy(one => one.At)!.Value,
            _ => throw new ArgumentOutOfRangeException(nameof(aggregation)),
        };
    }

    private static BigInteger Ticks(Duration duration) => duration.BclCompatibleTicks;
}
