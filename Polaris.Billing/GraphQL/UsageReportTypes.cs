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
    public required string Dimension { get; set; }
    public required string[] In { get; set; }
}

/// <summary>The groups, that with the largest quantity first, the others last. Without grouping there is one, also without usage.</summary>
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
/// <param name="Customer">Null unless grouped by customer, and for the others.</param>
/// <param name="Others">The sum of the groups that <c>top</c> left out.</param>
/// <param name="PreviousQuantity">Of the period before; null unless asked for.</param>
/// <param name="Change">quantity − previousQuantity.</param>
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
[Name("DimensionValue")]
public sealed record DimensionValueType(string Name, string Value);

/// <summary>The usage of a window.</summary>
[Name("UsageReportPoint")]
public sealed record UsageReportPointType(Instant Start, Instant End, decimal Quantity, long EventCount);
