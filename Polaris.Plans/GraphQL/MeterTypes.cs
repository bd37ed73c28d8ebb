using GraphQL;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Persistence;

namespace Polaris.Plans.GraphQL;

/// <summary>Turns the org's events of a type into a quantity. It never changes once it is created.</summary>
/// <param name="Id">The meter's id.</param>
/// <param name="Key">The org's own key of the meter.</param>
/// <param name="Name">What people call the meter.</param>
/// <param name="EventType">The type of the events that it counts.</param>
/// <param name="Aggregation">How the events of a time become a quantity.</param>
/// <param name="Property">The property of the events that is aggregated; null for COUNT.</param>
/// <param name="Filters">What an event must fulfil to be counted, all of them; empty for no condition.</param>
/// <param name="Dimensions">The properties by which usage is grouped, at most two.</param>
/// <param name="EventFee">The fee of each event that is added up in place of the property; null for none.</param>
/// <param name="CreatedAt">When the meter was created.</param>
/// <param name="ArchivedAt">Since when no new charge can use it; null while it is not archived.</param>
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

/// <summary>A condition on an event: only events that fulfil it are counted.</summary>
/// <param name="Property">The name of the property.</param>
/// <param name="EqualTo">The value that the property must have, as text.</param>
[Name("MeterFilter")]
public sealed record MeterFilterType(string Property, [property: Name("equals")] string EqualTo);

/// <summary>A fee of each event whose property is an amount of money.</summary>
/// <param name="Percent">Percentage of the amount: 2.9 for 2.9 %.</param>
/// <param name="Fixed">Added to the percentage; null for nothing.</param>
/// <param name="Minimum">The fee of an event is at least this; null for no such bound.</param>
/// <param name="Maximum">The fee of an event is at most this; null for no such bound.</param>
[Name("EventFee")]
public sealed record EventFeeType(decimal Percent, decimal? Fixed, decimal? Minimum, decimal? Maximum)
{
    internal static EventFeeType? Of(EventFee? fee) => fee is null ? null : new(fee.Percent, fee.Fixed, fee.Minimum, fee.Maximum);
}

/// <summary>A meter to create. It cannot be changed later.</summary>
[Name("CreateMeterInput")]
public sealed class CreateMeterInput
{
    /// <summary>The org's own key of the meter, unique in the org. The same meter again is returned as it is.</summary>
    public required string Key { get; set; }

    /// <summary>What people call the meter. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>The type of the events that it counts.</summary>
    public required string EventType { get; set; }

    /// <summary>How the events of a time become a quantity.</summary>
    public required MeterAggregation Aggregation { get; set; }

    /// <summary>
    /// The property of the events that is aggregated; needed by all but COUNT. An event without a usable value is not counted.
    /// </summary>
    public string? Property { get; set; }

    /// <summary>What an event must fulfil to be counted, all of them.</summary>
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

/// <summary>A fee of each event whose property is an amount of money. docs/meters.md has the rule and its rounding.</summary>
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

/// <summary>A condition on an event: only events that fulfil it are counted.</summary>
[Name("MeterFilterInput")]
public sealed class MeterFilterInput
{
    /// <summary>The name of the property.</summary>
    public required string Property { get; set; }

    /// <summary>The value that the property must have, as text.</summary>
    [Name("equals")]
    public required string EqualTo { get; set; }
}
