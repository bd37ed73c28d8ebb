using GraphQL;
using NodaTime;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Persistence;

namespace Polaris.Plans.GraphQL;

[Name("Meter")]
public sealed record MeterType(
    [property: Id] Guid Id, string Key, string Name, string EventType, MeterAggregation Aggregation, string? Property,
    IReadOnlyList<MeterFilterType> Filters, IReadOnlyList<string> Dimensions, Instant CreatedAt)
{
    internal static MeterType Of(MeterRow row) => new(
        row.Id, row.Key, row.Name, row.EventType, Enum.Parse<MeterAggregation>(row.Aggregation), row.Property,
        [.. CreateMeter.Filters(row).Select(filter => new MeterFilterType(filter.Property, filter.Equals_))], CreateMeter.Dimensions(row), row.CreatedAt);
}

[Name("MeterFilter")]
public sealed record MeterFilterType(string Property, [property: Name("equals")] string EqualTo);

[Name("CreateMeterInput")]
public sealed class CreateMeterInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public required string EventType { get; set; }
    public required MeterAggregation Aggregation { get; set; }
    public string? Property { get; set; }
    public IReadOnlyList<MeterFilterInput>? Filters { get; set; }

    /// <summary>Properties by which usage is grouped, at most two; a charge may price each of their values.</summary>
    public IReadOnlyList<string>? Dimensions { get; set; }

    internal NewMeter ToNewMeter() =>
        new(Key, Name, EventType, Aggregation, Property, [.. (Filters ?? []).Select(filter => new MeterFilter(filter.Property, filter.EqualTo))], Dimensions ?? []);
}

[Name("MeterFilterInput")]
public sealed class MeterFilterInput
{
    public required string Property { get; set; }

    [Name("equals")]
    public required string EqualTo { get; set; }
}
