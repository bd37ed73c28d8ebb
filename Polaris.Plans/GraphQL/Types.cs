using GraphQL;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.Persistence;

namespace Polaris.Plans.GraphQL;

[Name("Meter")]
public sealed record MeterType(
    [property: Id] Guid Id, string Key, string Name, string EventType, MeterAggregation Aggregation, string? Property,
    IReadOnlyList<MeterFilterType> Filters, Instant CreatedAt)
{
    internal static MeterType Of(MeterRow row) => new(
        row.Id, row.Key, row.Name, row.EventType, Enum.Parse<MeterAggregation>(row.Aggregation), row.Property,
        [.. CreateMeter.Filters(row).Select(filter => new MeterFilterType(filter.Property, filter.Equals_))], row.CreatedAt);
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

    internal NewMeter ToNewMeter() =>
        new(Key, Name, EventType, Aggregation, Property, [.. (Filters ?? []).Select(filter => new MeterFilter(filter.Property, filter.EqualTo))]);
}

[Name("MeterFilterInput")]
public sealed class MeterFilterInput
{
    public required string Property { get; set; }

    [Name("equals")]
    public required string EqualTo { get; set; }
}

public enum BillingInterval
{
    Month,
}

public enum PlanVersionStatus
{
    Draft,
    Published,
    Archived,
}

[Name("Plan")]
public sealed record PlanType(
    [property: Id] Guid Id, string Key, string Name, string Currency, BillingInterval Interval,
    IReadOnlyList<PlanVersionType> Versions, PlanVersionType? Current, Instant CreatedAt)
{
    internal static PlanType Of(PlanRow row) => new(
        row.Id, row.Key, row.Name, row.Currency, Enum.Parse<BillingInterval>(row.Interval, ignoreCase: true),
        [.. row.Versions.Select(version => PlanVersionType.Of(row, version))],
        ReadPlans.Current(row) is { } current ? PlanVersionType.Of(row, current) : null, row.CreatedAt);
}

[Name("PlanVersion")]
public sealed record PlanVersionType(
    [property: Id] Guid Id, string PlanKey, int Number, PlanVersionStatus Status, string Hash, IReadOnlyList<ChargeType> Charges, Instant? PublishedAt)
{
    internal static PlanVersionType Of(PlanRow plan, PlanVersionRow row) => new(
        row.Id, plan.Key, row.Number, Enum.Parse<PlanVersionStatus>(row.Status, ignoreCase: true), row.Hash,
        [.. PlanContent.Deserialize(row.Charges).Select(charge => new ChargeType(charge.Key, charge.Name, charge.Meter, PriceType.Of(charge.Price)))], row.PublishedAt);
}

[Name("Charge")]
public sealed record ChargeType(string Key, string Name, string? Meter, PriceType Price);

[Name("Price")]
public sealed record PriceType(
    PriceModel Model, decimal? Amount, decimal? UnitPrice, IReadOnlyList<TierType>? Tiers, decimal? PackageSize, decimal? PackagePrice, decimal? FreeUnits)
{
    internal static PriceType Of(Price price) => new(
        price.Model, price.Amount, price.UnitPrice, price.Tiers is null ? null : [.. price.Tiers.Select(tier => new TierType(tier.UpTo, tier.UnitPrice, tier.FlatFee))],
        price.PackageSize, price.PackagePrice, price.FreeUnits);
}

[Name("Tier")]
public sealed record TierType(decimal? UpTo, decimal UnitPrice, decimal FlatFee);

[Name("CreatePlanInput")]
public sealed class CreatePlanInput
{
    public required string Key { get; set; }
    public required string Name { get; set; }
    public required string Currency { get; set; }
    public required BillingInterval Interval { get; set; }
    public required IReadOnlyList<ChargeInput> Charges { get; set; }
    public bool? Publish { get; set; }
}

[Name("ChargeInput")]
public sealed class ChargeInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public string? Meter { get; set; }
    public required PriceInput Price { get; set; }

    internal Charge ToCharge() => new(Key, Name ?? Key, Meter, Price.ToPrice());
}

[Name("PriceInput")]
public sealed class PriceInput
{
    public required PriceModel Model { get; set; }
    public decimal? Amount { get; set; }
    public decimal? UnitPrice { get; set; }
    public IReadOnlyList<TierInput>? Tiers { get; set; }
    public decimal? PackageSize { get; set; }
    public decimal? PackagePrice { get; set; }
    public decimal? FreeUnits { get; set; }

    internal Price ToPrice() => new(
        Model, Amount, UnitPrice, Tiers is null ? null : [.. Tiers.Select(tier => new Tier(tier.UpTo, tier.UnitPrice, tier.FlatFee ?? 0))], PackageSize, PackagePrice, FreeUnits);
}

[Name("TierInput")]
public sealed class TierInput
{
    public decimal? UpTo { get; set; }
    public required decimal UnitPrice { get; set; }
    public decimal? FlatFee { get; set; }
}
