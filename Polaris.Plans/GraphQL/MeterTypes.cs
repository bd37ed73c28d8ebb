using GraphQL;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Persistence;

namespace Polaris.Plans.GraphQL;

/// <summary>Turns events of a type into a quantity. Archived since <c>archivedAt</c>: no new charge can use it.</summary>
[Name("Meter")]
public sealed record MeterType(
    [property: Id] Guid Id,
    string Key,
    string Name,
    string EventType,
    MeterAggregation Aggregation,
    string? Property,
    IReadOnlyList<MeterFilterType> Filters,
    IReadOnlyList<string> Dimensions,
    EventFeeType? EventFee,
    Instant CreatedAt,
    Instant? ArchivedAt
)
{
    internal static MeterType Of(MeterRow row) =>
        new(
            row.Id,
            row.Key,
            row.Name,
            row.EventType,
            Enum.Parse<MeterAggregation>(row.Aggregation),
            row.Property,
            [.. CreateMeter.Filters(row).Select(filter => new MeterFilterType(filter.Property, filter.Equals_))],
            CreateMeter.Dimensions(row),
            EventFeeType.Of(CreateMeter.EventFee(row)),
            row.CreatedAt,
            row.ArchivedAt
        );
}

[Name("MeterFilter")]
public sealed record MeterFilterType(string Property, [property: Name("equals")] string EqualTo);

[Name("EventFee")]
public sealed record EventFeeType(decimal Percent, decimal? Fixed, decimal? Minimum, decimal? Maximum)
{
    internal static EventFeeType? Of(EventFee? fee) => fee is null ? null : new(fee.Percent, fee.Fixed, fee.Minimum, fee.Maximum);
}

[Name("CreateMeterInput")]
public sealed class CreateMeterInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public required string EventType { get; set; }
    public required MeterAggregation Aggregation { get; set; }
    public string? Property { get; set; }
    public IReadOnlyList<MeterFilterInput>? Filters { get; set; }

    /// <summary>Properties by which usage is grouped, at most two; a charge may have a price for each combination of values.</summary>
    public IReadOnlyList<string>? Dimensions { get; set; }

    /// <summary>SUM only: the meter adds up a fee of each event in place of the property, which is an amount of money.</summary>
    public EventFeeInput? EventFee { get; set; }

    internal NewMeter ToNewMeter() =>
        new(
            Key,
            Name,
            EventType,
            Aggregation,
            Property,
            [.. (Filters ?? []).Select(filter => new MeterFilter(filter.Property, filter.EqualTo))],
            Dimensions ?? [],
            EventFee?.ToEventFee()
        );
}

[Name("EventFeeInput")]
public sealed class EventFeeInput
{
    /// <summary>Percentage of the property's value: 2.9 for 2.9 %.</summary>
    public required decimal Percent { get; set; }

    /// <summary>Added to it.</summary>
    public decimal? Fixed { get; set; }

    /// <summary>The fee of an event is at least this.</summary>
    public decimal? Minimum { get; set; }

    /// <summary>The fee of an event is at most this.</summary>
    public decimal? Maximum { get; set; }

    internal EventFee ToEventFee() => new(Percent, Fixed, Minimum, Maximum);
}

[Name("MeterFilterInput")]
public sealed class MeterFilterInput
{
    public required string Property { get; set; }

    [Name("equals")]
    public required string EqualTo { get; set; }
}
