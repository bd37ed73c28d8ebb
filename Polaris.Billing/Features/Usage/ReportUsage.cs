using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>Only usage whose dimension has one of these values.</summary>
internal sealed record UsageFilter(string Dimension, IReadOnlyList<string> In);

/// <summary>A question about a meter's usage in [From, To).</summary>
/// <param name="Meter">The meter's key.</param>
/// <param name="From">Inclusive, a multiple of 15 minutes.</param>
/// <param name="To">Exclusive, a multiple of 15 minutes.</param>
/// <param name="Window">Width of the points.</param>
/// <param name="TimeZone">IANA; null for UTC.</param>
/// <param name="GroupBy"><see cref="ReportUsage.ByCustomer"/> and dimensions of the meter; empty for one group.</param>
/// <param name="Customers">Only these customers' keys; null for all.</param>
/// <param name="Filters">All of them must hold.</param>
/// <param name="ComparePrevious">Whether to read the period before as well.</param>
/// <param name="Top">Keeps this many groups, those with the largest quantity, and sums the others as one; null for all.</param>
internal sealed record UsageQuestion(
    string Meter,
    Instant From,
    Instant To,
    ReportWindow Window = ReportWindow.Total,
    string? TimeZone = null,
    IReadOnlyList<string>? GroupBy = null,
    IReadOnlyList<string>? Customers = null,
    IReadOnlyList<UsageFilter>? Filters = null,
    bool ComparePrevious = false,
    int? Top = null
);

/// <summary>A window of a report and its usage.</summary>
internal sealed record UsageReportPoint(Instant Start, Instant End, decimal Quantity, long EventCount);

/// <summary>A group of a report.</summary>
/// <param name="Customer">The customer's key; null unless grouped by customer, and for the others.</param>
/// <param name="Dimensions">The values grouped by, in the order asked for; empty for the others.</param>
/// <param name="IsOthers">The sum of the groups that <see cref="UsageQuestion.Top"/> left out.</param>
/// <param name="Total">Of the whole time, not the sum of the points: a maximum is the largest of them, distinct values count once.</param>
/// <param name="Points">A point for each window, including those without usage.</param>
/// <param name="Previous">Of the period before; null unless asked for.</param>
internal sealed record UsageGroup(
    string? Customer,
    IReadOnlyList<(string Name, string Value)> Dimensions,
    bool IsOthers,
    MeterUsage Total,
    IReadOnlyList<UsageReportPoint> Points,
    MeterUsage? Previous
);

/// <summary>The largest group first, the others last. Without grouping there is one group, also without usage.</summary>
internal sealed record UsageReport(UsageQuestion Asked, DateTimeZone Zone, BillingPeriod? Previous, IReadOnlyList<UsageGroup> Groups);

/// <summary>
/// Reports of a meter's usage by customer and dimension, cut into windows of a time zone, from aggregates in one statement: the cost grows
/// with the number of buckets, not of events. Quantities are those that a bill of the same time and group has.
/// </summary>
internal sealed class ReportUsage(NpgsqlDataSource database, MeterCatalog catalog)
{
    /// <summary>Maximum number of groups × points of a report.</summary>
    public const int MaxPoints = 5_000;

    /// <summary>Maximum number of customers of a question.</summary>
    public const int MaxCustomers = 1_000;

    /// <summary>Maximum number of values of a filter.</summary>
    public const int MaxFilterValues = 100;

    /// <summary>Groups by customer, in place of a dimension's name.</summary>
    public const string ByCustomer = "CUSTOMER";

    private const string Path = "input.";

    /// <exception cref="RefusedException">The org has no such meter, or the question breaks a rule or a limit.</exception>
    public async Task<UsageReport> HandleAsync(Guid org, UsageQuestion asked, CancellationToken ct)
    {
        ReadUsage.CheckBounds(asked.From, asked.To, Path);
        var zone = ZoneOf(asked.TimeZone);
        if (asked.Customers is { Count: 0 or > MaxCustomers })
            throw Refused("customers", "count", $"Name 1 to {MaxCustomers} customers, or none for all.");
        var starts = UsageWindows.Cut(asked.From, asked.To, asked.Window, zone, MaxPoints);
        if (starts.Count > MaxPoints)
            throw TooMany();
        var meter = await catalog.FindAsync(org, asked.Meter, ct) ?? throw new RefusedException(Refusal.NotFound("meter"));
        var groupBy = asked.GroupBy ?? [];
        CheckDimensions(meter, groupBy, asked.Filters ?? []);
        if (asked.Top is { } top)
            CheckTop(meter, groupBy, top, starts.Count);

        var previous = asked.ComparePrevious ? UsageWindows.StartOfPrevious(asked.From, asked.To, zone) : (Instant?)null;
        var read = new UsageReportRows(meter, asked, starts, previous);
        await using var tx = await database.BeginOrgAsync(org, ct);
        await ReadUsage.CheckFilledAsync(tx, org, meter, ct);
        var found = await read.ReadAsync(tx, org, MaxPoints / starts.Count, ct) ?? throw TooMany();
        if (groupBy.Count == 0 && found.Count == 0)
            found.Add(default, new ReportSums());
        return new UsageReport(
            asked,
            zone,
            previous is { } before ? new BillingPeriod(before, asked.From) : null,
            [
                .. found
                    .Select(pair => Group(meter, asked, starts, previous, pair.Key, pair.Value))
                    .OrderBy(group => group.IsOthers)
                    .ThenByDescending(group => group.Total.Quantity)
                    .ThenBy(group => group.Customer, StringComparer.Ordinal)
                    .ThenBy(
                        group => string.Join(DimensionValues.Separator, group.Dimensions.Select(one => one.Value)),
                        StringComparer.Ordinal
                    ),
            ]
        );
    }

    private static UsageGroup Group(
        MeterDefinition meter,
        UsageQuestion asked,
        List<Instant> starts,
        Instant? previous,
        ReportKey key,
        ReportSums sums
    )
    {
        var level = sums.Opening;
        MeterUsage? before = null;
        if (previous is { } began)
        {
            before = ReadUsage.ToUsage(sums.Before, meter, new BillingPeriod(began, asked.From), level);
            level += sums.Before.Total;
        }

        var (opening, whole) = (level, default(UsageSums));
        var points = new List<UsageReportPoint>(starts.Count);
        for (var i = 0; i < starts.Count; i++)
        {
            var window = new BillingPeriod(starts[i], i + 1 < starts.Count ? starts[i + 1] : asked.To);
            var part = sums.Windows.GetValueOrDefault(i);
            var usage = ReadUsage.ToUsage(part, meter, window, level);
            points.Add(new UsageReportPoint(window.Start, window.End, usage.Quantity, usage.EventCount));
            level += part.Total;
            whole = whole.Plus(part);
        }

        var groupBy = asked.GroupBy ?? [];
        var names = groupBy.Where(name => name != ByCustomer).ToArray();
        return new UsageGroup(
            groupBy.Contains(ByCustomer) && !key.IsOthers ? key.Customer : null,
            key.IsOthers ? [] : [.. names.Select((name, i) => (name, i == 0 ? key.First : key.Second))],
            key.IsOthers,
            ReadUsage.ToUsage(whole with { Uniques = sums.Uniques }, meter, new BillingPeriod(asked.From, asked.To), opening),
            points,
            before
        );
    }

    private static void CheckDimensions(MeterDefinition meter, IReadOnlyList<string> groupBy, IReadOnlyList<UsageFilter> filters)
    {
        var known = meter.Dimensions ?? [];
        for (var i = 0; i < groupBy.Count; i++)
        {
            if (groupBy[i] != ByCustomer && !known.Contains(groupBy[i]))
                throw UnknownDimension($"groupBy[{i}]", meter, groupBy[i]);
            if (groupBy.Take(i).Contains(groupBy[i]))
                throw Refused($"groupBy[{i}]", "duplicate", $"'{groupBy[i]}' is named twice.");
        }

        for (var i = 0; i < filters.Count; i++)
        {
            var filter = filters[i];
            if (!known.Contains(filter.Dimension))
                throw UnknownDimension($"filters[{i}].dimension", meter, filter.Dimension);
            if (filters.Take(i).Any(other => other.Dimension == filter.Dimension))
                throw Refused(
                    $"filters[{i}].dimension",
                    "duplicate",
                    $"'{filter.Dimension}' is filtered twice: name all its values in one."
                );
            if (filter.In.Count is 0 or > MaxFilterValues)
                throw Refused($"filters[{i}].in", "count", $"A filter has 1 to {MaxFilterValues} values.");
        }
    }

    /// <summary>The others' quantity is the sum of theirs, which only sums and counts have.</summary>
    private static void CheckTop(MeterDefinition meter, IReadOnlyList<string> groupBy, int top, int points)
    {
        if (top < 1)
            throw Refused("top", "out_of_range", "'top' must be at least 1.");
        if (groupBy.Count == 0)
            throw Refused("top", "not_grouped", "'top' needs 'groupBy'.");
        if (meter.Aggregation is not (MeterAggregation.Count or MeterAggregation.Sum))
            throw Refused(
                "top",
                "not_summable",
                $"'top' sums the other groups as one, and quantities of the meter '{meter.Key}' cannot be summed: "
                    + "only those of count and sum can. Ask without 'top'."
            );
        if (((long)top + 1) * points > MaxPoints)
            throw TooMany();
    }

    private static DateTimeZone ZoneOf(string? name) =>
        DateTimeZoneProviders.Tzdb.GetZoneOrNull(name ?? "UTC")
        ?? throw Refused("timeZone", "unknown_time_zone", $"'{name}' is not an IANA time zone.");

    private static RefusedException UnknownDimension(string field, MeterDefinition meter, string name) =>
        Refused(
            field,
            "unknown_dimension",
            $"The meter '{meter.Key}' has no dimension '{name}'. It has: {string.Join(", ", (meter.Dimensions ?? []).Append(ByCustomer))}."
        );

    private static RefusedException TooMany() =>
        Refused(
            "window",
            "too_many_points",
            $"A report has at most {MaxPoints} groups × points: ask for a shorter time, a wider window, fewer groups, or the 'top' ones."
        );

    private static RefusedException Refused(string field, string code, string message) => new(Refusal.Invalid(Path + field, code, message));
}
