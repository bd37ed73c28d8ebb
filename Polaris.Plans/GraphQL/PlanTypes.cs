using GraphQL;
using GraphQL.DataLoader;
using GraphQL.Federation;
using NodaTime;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Plans.GraphQL;

/// <summary>For how long the amounts of a plan are stated.</summary>
public enum BillingInterval
{
    /// <summary>A month.</summary>
    Month,
}

/// <summary>What can be done with a version of a plan.</summary>
public enum PlanVersionStatus
{
    /// <summary>It is not published yet: nobody can subscribe to it.</summary>
    Draft,

    /// <summary>It never changes, and can be subscribed to.</summary>
    Published,

    /// <summary>It takes no new subscriptions; existing ones keep it.</summary>
    Archived,
}

/// <summary>What the org sells: charges and terms, in versions.</summary>
/// <param name="Id">The plan's id.</param>
/// <param name="Key">The org's own key of the plan.</param>
/// <param name="Name">What people call the plan.</param>
/// <param name="Currency">ISO 4217 code of the plan's currency.</param>
/// <param name="Interval">For how long the amounts of the plan are stated.</param>
/// <param name="Versions">All versions of the plan, oldest first.</param>
/// <param name="Current">
/// The version that new subscriptions get: the latest published one. Null when there is none, and of an archived plan.
/// </param>
/// <param name="CreatedAt">When the plan was created.</param>
/// <param name="ArchivedAt">Since when the plan takes no new subscriptions; null while it is not archived.</param>
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
/// <param name="Id">The version's id.</param>
/// <param name="OrgId">The id of the org whose plan it is.</param>
/// <param name="PlanKey">The plan's key.</param>
/// <param name="Number">The version's number in the plan, from 1.</param>
/// <param name="Status">What can be done with the version.</param>
/// <param name="Hash">SHA-256 of the version's content, by which invoices name it.</param>
/// <param name="Charges">What the version charges for.</param>
/// <param name="Terms">The terms of the invoice as a whole.</param>
/// <param name="PublishedAt">When the version was published; null of a draft.</param>
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

/// <summary>One item that a plan charges for. Everything but a flat fee has a meter.</summary>
/// <param name="Key">The charge's key, unique in the version.</param>
/// <param name="Name">Shown on invoices.</param>
/// <param name="Meter">The key of the meter whose quantity is priced; null for a flat fee.</param>
/// <param name="Price">The price; with <c>dimensionPrices</c>, that of every combination of values that has none of its own.</param>
/// <param name="DimensionPrices">Prices of combinations of the meter's dimension values; empty for none.</param>
/// <param name="Timing">Of a flat fee: whether it is invoiced before its period or after; null of the others.</param>
/// <param name="Proration">Of a flat fee, minimum and maximum: what a shortened period costs; null for as the version's terms say.</param>
/// <param name="IncludedUnits">Units that are taken off the quantity before it is priced; null for none.</param>
/// <param name="Minimum">The charge's amount in a period is at least this; null for no such bound.</param>
/// <param name="Maximum">The charge's amount in a period is at most this; null for no such bound.</param>
/// <param name="Discounts">Taken off the priced amount in order, before <c>minimum</c> and <c>maximum</c>.</param>
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

/// <summary>The price of usage with certain dimension values.</summary>
/// <param name="Values">The values in the order of the meter's dimensions; empty for events without the property.</param>
/// <param name="Price">The price of this usage.</param>
[Name("DimensionPrice")]
public sealed record DimensionPriceType(IReadOnlyList<string> Values, PriceType Price);

/// <summary>A price: a model and the figures of this model, in major units of the currency; the others are null.</summary>
/// <param name="Model">How a quantity becomes an amount.</param>
/// <param name="Amount">FLAT: the fee of a period.</param>
/// <param name="UnitPrice">PER_UNIT: the price of a unit.</param>
/// <param name="Tiers">GRADUATED, VOLUME, STAIR_STEP and GRADUATED_PERCENTAGE: the tiers in ascending order.</param>
/// <param name="PackageSize">PACKAGE: the units of a package.</param>
/// <param name="PackagePrice">PACKAGE: the price of a package.</param>
/// <param name="FreeUnits">PACKAGE: units that are taken off the quantity first.</param>
/// <param name="PackageRounding">PACKAGE: whether a package that is only begun is charged.</param>
/// <param name="Percent">PERCENTAGE: percentage of the quantity, which is an amount of money: 2.9 for 2.9 %.</param>
/// <param name="FeePerEvent">PERCENTAGE: a fee for each event that the meter counted.</param>
/// <param name="FreeAmount">PERCENTAGE: taken off the amount first.</param>
/// <param name="FreeEvents">PERCENTAGE: events without a fee.</param>
/// <param name="FlatFeeAtZero">GRADUATED, VOLUME and STAIR_STEP: whether the first tier's flat fee is due at a quantity of 0 too.</param>
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

/// <summary>A range of quantities with one price. It begins where the tier before ends.</summary>
/// <param name="UpTo">The last quantity in the tier, inclusive; null of the last tier.</param>
/// <param name="UnitPrice">The price of a unit; 0 if the model has none.</param>
/// <param name="FlatFee">Charged once when the tier is reached; of STAIR_STEP, the whole price.</param>
/// <param name="Percent">GRADUATED_PERCENTAGE: percentage of the part of the amount that is in the tier; else null.</param>
/// <param name="PackageSize">
/// GRADUATED and VOLUME: <c>unitPrice</c> is that of each started package of this size within the tier; null for single units.
/// </param>
[Name("Tier")]
public sealed record TierType(decimal? UpTo, decimal UnitPrice, decimal FlatFee, decimal? Percent, decimal? PackageSize)
{
    internal static TierType Of(Tier tier) => new(tier.UpTo, tier.UnitPrice ?? 0, tier.FlatFee ?? 0, tier.Percent, tier.PackageSize);
}

/// <summary>The terms of the invoice as a whole, in the order of application: commitment, minimum, maximum, discounts, taxes.</summary>
/// <param name="Proration">What a shortened period costs, where a charge does not say.</param>
/// <param name="Commitment">An amount that is due in any case; null for none.</param>
/// <param name="Minimum">The charges of a period amount to at least this; null for no such bound.</param>
/// <param name="Maximum">The charges of a period amount to at most this; null for no such bound.</param>
/// <param name="Discounts">Taken off in order: each is applied to what the earlier ones left.</param>
/// <param name="TaxMode">Whether prices include tax.</param>
/// <param name="Taxes">The taxes of the invoice.</param>
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

/// <summary>Usage worth an amount is due in any period; usage beyond it may have another price.</summary>
/// <param name="Amount">The amount of a period.</param>
/// <param name="OverageFactor">Factor on the price of usage beyond the commitment.</param>
[Name("Commitment")]
public sealed record CommitmentType(decimal Amount, decimal OverageFactor);

/// <summary>A discount. Exactly one of <c>percent</c> and <c>amount</c> is set.</summary>
/// <param name="Key">The discount's key, unique where it stands.</param>
/// <param name="Name">Shown on invoices.</param>
/// <param name="Percent">Percentage that it takes off: 10 for 10 %; null when it takes off an amount.</param>
/// <param name="Amount">Amount that it takes off; null when it takes off a percentage.</param>
[Name("Discount")]
public sealed record DiscountType(string Key, string Name, decimal? Percent, decimal? Amount)
{
    internal static IReadOnlyList<DiscountType> Of(IReadOnlyList<Discount>? discounts) =>
        [.. (discounts ?? []).Select(discount => new DiscountType(discount.Key, discount.Name, discount.Percent, discount.Amount))];
}

/// <summary>A tax of the invoice.</summary>
/// <param name="Key">The tax's key, unique in the terms.</param>
/// <param name="Name">Shown on invoices.</param>
/// <param name="Percent">The rate: 19 for 19 %.</param>
[Name("TaxRate")]
public sealed record TaxRateType(string Key, string Name, decimal Percent);
