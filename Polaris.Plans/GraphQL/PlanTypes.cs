using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Plans.GraphQL;

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

/// <summary>
/// A plan with its versions. Archived since <c>archivedAt</c>: it takes no new subscriptions, and so has no current version.
/// </summary>
[Name("Plan")]
public sealed record PlanType(
    [property: Id] Guid Id,
    string Key,
    string Name,
    string Currency,
    BillingInterval Interval,
    IReadOnlyList<PlanVersionType> Versions,
    PlanVersionType? Current,
    Instant CreatedAt,
    Instant? ArchivedAt
)
{
    internal static PlanType Of(PlanRow row) =>
        new(
            row.Id,
            row.Key,
            row.Name,
            row.Currency,
            Enum.Parse<BillingInterval>(row.Interval, ignoreCase: true),
            [.. row.Versions.Select(version => PlanVersionType.Of(row, version))],
            ReadPlans.Current(row) is { } current ? PlanVersionType.Of(row, current) : null,
            row.CreatedAt,
            row.ArchivedAt
        );
}

/// <summary>A version of a plan, which never changes once it is published.</summary>
[Name("PlanVersion"), Key("orgId id")]
public sealed record PlanVersionType(
    [property: Id] Guid Id,
    [property: Id] Guid OrgId,
    string PlanKey,
    int Number,
    PlanVersionStatus Status,
    string Hash,
    IReadOnlyList<ChargeType> Charges,
    PlanTermsType Terms,
    Instant? PublishedAt
)
{
    [FederationResolver]
    public static IDataLoaderResult<PlanVersionType?> Resolve(IResolveFieldContext context, [Id] Guid orgId, [Id] Guid id) =>
        context.LoadInOrgs<ReadPlansOfOrgs, (Guid Org, Guid Id), (PlanRow Plan, PlanVersionRow Version), PlanVersionType>(
            "planVersion",
            (orgId, id),
            key => key.Org,
            (read, keys, ct) => read.VersionsAsync(keys, ct),
            found => Of(found.Plan, found.Version)
        );

    internal static PlanVersionType Of(PlanRow plan, PlanVersionRow row) =>
        new(
            row.Id,
            row.OrgId,
            plan.Key,
            row.Number,
            Enum.Parse<PlanVersionStatus>(row.Status, ignoreCase: true),
            row.Hash,
            [.. PlanContent.Deserialize(row.Charges).Select(ChargeType.Of)],
            PlanTermsType.Of(PlanContent.DeserializeTerms(row.Terms)),
            row.PublishedAt
        );
}

[Name("Charge")]
public sealed record ChargeType(
    string Key,
    string Name,
    string? Meter,
    PriceType Price,
    IReadOnlyList<DimensionPriceType> DimensionPrices,
    BillingTiming? Timing,
    Proration? Proration,
    decimal? IncludedUnits,
    decimal? Minimum,
    decimal? Maximum,
    IReadOnlyList<DiscountType> Discounts
)
{
    internal static ChargeType Of(Charge charge) =>
        new(
            charge.Key,
            charge.Name,
            charge.Meter,
            PriceType.Of(charge.Price),
            [
                .. (charge.DimensionPrices ?? []).Select(dimension => new DimensionPriceType(
                    dimension.Values,
                    PriceType.Of(dimension.Price)
                )),
            ],
            charge.Timing ?? (charge.Meter is null ? BillingTiming.Arrears : null),
            charge.Proration,
            charge.IncludedUnits,
            charge.Minimum,
            charge.Maximum,
            DiscountType.Of(charge.Discounts)
        );
}

[Name("DimensionPrice")]
public sealed record DimensionPriceType(IReadOnlyList<string> Values, PriceType Price);

[Name("Price")]
public sealed record PriceType(
    PriceModel Model,
    decimal? Amount,
    decimal? UnitPrice,
    IReadOnlyList<TierType>? Tiers,
    decimal? PackageSize,
    decimal? PackagePrice,
    decimal? FreeUnits,
    PackageRounding? PackageRounding,
    decimal? Percent,
    decimal? FeePerEvent,
    decimal? FreeAmount,
    long? FreeEvents,
    bool? FlatFeeAtZero
)
{
    internal static PriceType Of(Price price) =>
        new(
            price.Model,
            price.Amount,
            price.UnitPrice,
            price.Tiers is null ? null : [.. price.Tiers.Select(TierType.Of)],
            price.PackageSize,
            price.PackagePrice,
            price.FreeUnits,
            price.Model == PriceModel.Package ? price.PackageRounding ?? Domain.PackageRounding.Up : null,
            price.Percent,
            price.FeePerEvent,
            price.FreeAmount,
            price.FreeEvents,
            price.Model is PriceModel.Graduated or PriceModel.Volume or PriceModel.StairStep ? price.FlatFeeAtZero ?? false : null
        );
}

/// <summary>A tier; the unit price is 0 if the model has none.</summary>
[Name("Tier")]
public sealed record TierType(decimal? UpTo, decimal UnitPrice, decimal FlatFee, decimal? Percent, decimal? PackageSize)
{
    internal static TierType Of(Tier tier) => new(tier.UpTo, tier.UnitPrice ?? 0, tier.FlatFee ?? 0, tier.Percent, tier.PackageSize);
}

[Name("PlanTerms")]
public sealed record PlanTermsType(
    Proration Proration,
    CommitmentType? Commitment,
    decimal? Minimum,
    decimal? Maximum,
    IReadOnlyList<DiscountType> Discounts,
    TaxMode TaxMode,
    IReadOnlyList<TaxRateType> Taxes
)
{
    internal static PlanTermsType Of(PlanTerms terms) =>
        new(
            terms.Proration,
            terms.Commitment is { } commitment ? new CommitmentType(commitment.Amount, commitment.OverageFactor) : null,
            terms.Minimum,
            terms.Maximum,
            DiscountType.Of(terms.Discounts),
            terms.TaxMode,
            [.. (terms.Taxes ?? []).Select(tax => new TaxRateType(tax.Key, tax.Name, tax.Percent))]
        );
}

[Name("Commitment")]
public sealed record CommitmentType(decimal Amount, decimal OverageFactor);

[Name("Discount")]
public sealed record DiscountType(string Key, string Name, decimal? Percent, decimal? Amount)
{
    internal static IReadOnlyList<DiscountType> Of(IReadOnlyList<Discount>? discounts) =>
        [.. (discounts ?? []).Select(discount => new DiscountType(discount.Key, discount.Name, discount.Percent, discount.Amount))];
}

[Name("TaxRate")]
public sealed record TaxRateType(string Key, string Name, decimal Percent);
