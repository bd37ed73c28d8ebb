using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;

namespace Polaris.Billing.GraphQL;

/// <summary>Which usage to report, and how to group it.</summary>
[Name("UsageReportInput")]
public sealed class UsageReportInput
{
    /// <summary>The meter's key.</summary>
    public required string Meter { get; set; }

    /// <summary>Inclusive; a multiple of 15 minutes.</summary>
    public required Instant From { get; set; }

    /// <summary>Exclusive; a multiple of 15 minutes.</summary>
    public required Instant To { get; set; }

    /// <summary>IANA; the windows are cut in it. Default: UTC.</summary>
    public string? TimeZone { get; set; }

    /// <summary>Width of the points. Default: TOTAL.</summary>
    public ReportWindow? Window { get; set; }

    /// <summary>CUSTOMER and dimensions of the meter. Default: one group.</summary>
    public string[]? GroupBy { get; set; }

    /// <summary>Only these customers, at most 1,000.</summary>
    public string[]? Customers { get; set; }

    /// <summary>Only usage for which all of them hold.</summary>
    public UsageFilterInput[]? Filters { get; set; }

    /// <summary>
    /// Also reads the period before: as many months before whole months, as many days before whole days, else exactly as long.
    /// </summary>
    public bool? ComparePrevious { get; set; }

    /// <summary>
    /// Keeps this many groups, those with the largest quantity, and sums the others as one. For meters that count or sum.
    /// </summary>
    public int? Top { get; set; }

    internal UsageQuestion ToQuestion() =>
        new(
            Meter,
            From,
            To,
            Window ?? ReportWindow.Total,
            TimeZone,
            GroupBy,
            Customers,
            Filters?.Select(filter => new UsageFilter(filter.Dimension, filter.In)).ToArray(),
            ComparePrevious ?? false,
            Top
        );
}

/// <summary>Only usage whose dimension has one of these values; an empty text is that of events without it.</summary>
[Name("UsageFilterInput")]
public sealed class UsageFilterInput
{
    /// <summary>The name of a dimension of the meter.</summary>
    public required string Dimension { get; set; }

    /// <summary>The values, one of which the dimension must have.</summary>
    public required string[] In { get; set; }
}

/// <summary>
/// A meter's usage by groups, that with the largest quantity first. Without grouping there is one group, also without usage.
/// </summary>
/// <param name="Meter">The meter's key.</param>
/// <param name="From">The beginning of the time, inclusive.</param>
/// <param name="To">The end of the time, exclusive.</param>
/// <param name="TimeZone">IANA name of the zone in which the windows are cut.</param>
/// <param name="Window">The width of the points.</param>
/// <param name="PreviousFrom">The beginning of the period before, which ends at <c>from</c>; null unless asked for.</param>
/// <param name="Groups">The groups, that with the largest quantity first, the others last.</param>
[Name("UsageReport")]
public sealed record UsageReportType(
    string Meter,
    Instant From,
    Instant To,
    string TimeZone,
    ReportWindow Window,
    Instant? PreviousFrom,
    IReadOnlyList<UsageGroupType> Groups
)
{
    internal static UsageReportType Of(UsageReport report) =>
        new(
            report.Asked.Meter,
            report.Asked.From,
            report.Asked.To,
            report.Zone.Id,
            report.Asked.Window,
            report.Previous?.Start,
            [.. report.Groups.Select(UsageGroupType.Of)]
        );
}

/// <summary>
/// A group's usage. Its <c>quantity</c> is that of the whole time, which only for meters that count or sum is the sum of its points.
/// </summary>
/// <param name="Customer">The customer's key; null unless grouped by customer, and for the others.</param>
/// <param name="Others">Whether it is the sum of the groups that <c>top</c> left out.</param>
/// <param name="PreviousQuantity">The quantity of the period before; null unless asked for.</param>
/// <param name="Change">quantity − previousQuantity; null unless asked for.</param>
/// <param name="Dimensions">The dimensions that are grouped by, and their values in this group.</param>
/// <param name="Quantity">The group's quantity in the whole time.</param>
/// <param name="EventCount">The number of events that the meter counted in the whole time.</param>
/// <param name="Points">The group's usage, window by window.</param>
[Name("UsageGroup")]
public sealed record UsageGroupType(
    string? Customer,
    IReadOnlyList<DimensionValueType> Dimensions,
    bool Others,
    decimal Quantity,
    long EventCount,
    decimal? PreviousQuantity,
    decimal? Change,
    IReadOnlyList<UsageReportPointType> Points
)
{
    internal static UsageGroupType Of(UsageGroup group) =>
        new(
            group.Customer,
            [.. group.Dimensions.Select(one => new DimensionValueType(one.Name, one.Value))],
            group.IsOthers,
            group.Total.Quantity,
            group.Total.EventCount,
            group.Previous?.Quantity,
            group.Total.Quantity - group.Previous?.Quantity,
            [.. group.Points.Select(point => new UsageReportPointType(point.Start, point.End, point.Quantity, point.EventCount))]
        );
}

/// <summary>A dimension of the meter and its value; empty for events without it.</summary>
/// <param name="Name">The name of the dimension.</param>
/// <param name="Value">The value; empty for events without the property.</param>
[Name("DimensionValue")]
public sealed record DimensionValueType(string Name, string Value);

/// <summary>The usage of a window.</summary>
/// <param name="Start">The beginning of the window.</param>
/// <param name="End">The end of the window, exclusive.</param>
/// <param name="Quantity">The quantity in the window.</param>
/// <param name="EventCount">The number of events that the meter counted in the window.</param>
[Name("UsageReportPoint")]
public sealed record UsageReportPointType(Instant Start, Instant End, decimal Quantity, long EventCount);
