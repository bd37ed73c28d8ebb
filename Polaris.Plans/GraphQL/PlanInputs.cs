using GraphQL;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Plans;

namespace Polaris.Plans.GraphQL;

/// <summary>A plan to create, with its first version.</summary>
[Name("CreatePlanInput")]
public sealed class CreatePlanInput
{
    /// <summary>The org's own key of the plan, unique in the org.</summary>
    public required string Key { get; set; }

    /// <summary>What people call the plan.</summary>
    public required string Name { get; set; }

    /// <summary>ISO 4217 code of the plan's currency, which all of its versions have.</summary>
    public required string Currency { get; set; }

    /// <summary>For how long the amounts of the plan are stated.</summary>
    public required BillingInterval Interval { get; set; }

    /// <summary>What the first version charges for, 1 to 100 of them.</summary>
    public required IReadOnlyList<ChargeInput> Charges { get; set; }

    /// <summary>The terms of the invoice as a whole. Default: none.</summary>
    public PlanTermsInput? Terms { get; set; }

    /// <summary>Whether the first version is published at once. Default: false.</summary>
    public bool? Publish { get; set; }

    internal NewPlan ToNewPlan() =>
        new(
            Key,
            Name,
            Currency,
            Interval.ToString(),
            [.. Charges.Select(charge => charge.ToCharge())],
            Terms?.ToTerms() ?? PlanTerms.None,
            Publish ?? false
        );
}

/// <summary>One item that a plan charges for. Everything but a flat fee has a meter.</summary>
[Name("ChargeInput")]
public sealed class ChargeInput
{
    /// <summary>The charge's key, unique in the version.</summary>
    public required string Key { get; set; }

    /// <summary>Shown on invoices. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>The key of the meter whose quantity is priced; none for a flat fee.</summary>
    public string? Meter { get; set; }

    /// <summary>The price. With <c>dimensionPrices</c>, that of every combination of values that has none of its own.</summary>
    public required PriceInput Price { get; set; }

    /// <summary>Prices of combinations of the meter's dimension values, at most 200.</summary>
    public IReadOnlyList<DimensionPriceInput>? DimensionPrices { get; set; }

    /// <summary>Of a flat fee: whether it is invoiced before its period or after. Default: ARREARS.</summary>
    public BillingTiming? Timing { get; set; }

    /// <summary>Of a flat fee, minimum and maximum: what a shortened period costs. Default: as the version's terms say.</summary>
    public Proration? Proration { get; set; }

    /// <summary>Units that are taken off the quantity before it is priced.</summary>
    public decimal? IncludedUnits { get; set; }

    /// <summary>The charge's amount in a period is at least this.</summary>
    public decimal? Minimum { get; set; }

    /// <summary>The charge's amount in a period is at most this.</summary>
    public decimal? Maximum { get; set; }

    /// <summary>Off the priced amount, before <c>minimum</c> and <c>maximum</c>; each is applied to what the earlier ones left.</summary>
    public IReadOnlyList<DiscountInput>? Discounts { get; set; }

    internal Charge ToCharge() =>
        new(
            Key,
            Name ?? Key,
            Meter,
            Price.ToPrice(),
            DimensionPrices is null
                ? null
                : [.. DimensionPrices.Select(dimension => new DimensionPrice(dimension.Values, dimension.Price.ToPrice()))],
            Timing,
            Proration,
            IncludedUnits,
            Minimum,
            Maximum,
            DiscountInput.ToDiscounts(Discounts)
        );
}

/// <summary>The price of usage with these dimension values.</summary>
[Name("DimensionPriceInput")]
public sealed class DimensionPriceInput
{
    /// <summary>In the order of the meter's dimensions; empty for events without the property.</summary>
    public required IReadOnlyList<string> Values { get; set; }

    /// <summary>The price of this usage.</summary>
    public required PriceInput Price { get; set; }
}

/// <summary>A price: a model and the figures of this model, in major units of the currency. docs/pricing.md has examples of each.</summary>
[Name("PriceInput")]
public sealed class PriceInput
{
    /// <summary>How a quantity becomes an amount.</summary>
    public required PriceModel Model { get; set; }

    /// <summary>FLAT: the fee of a period.</summary>
    public decimal? Amount { get; set; }

    /// <summary>PER_UNIT: the price of a unit.</summary>
    public decimal? UnitPrice { get; set; }

    /// <summary>GRADUATED, VOLUME, STAIR_STEP and GRADUATED_PERCENTAGE: the tiers in ascending order, at most 100.</summary>
    public IReadOnlyList<TierInput>? Tiers { get; set; }

    /// <summary>PACKAGE: the units of a package.</summary>
    public decimal? PackageSize { get; set; }

    /// <summary>PACKAGE: the price of a package.</summary>
    public decimal? PackagePrice { get; set; }

    /// <summary>PACKAGE: units that are taken off the quantity first. Default: 0.</summary>
    public decimal? FreeUnits { get; set; }

    /// <summary>PACKAGE: whether a package that is only begun is charged. Default: UP.</summary>
    public PackageRounding? PackageRounding { get; set; }

    /// <summary>PERCENTAGE: percentage of the quantity, which is an amount of money: 2.9 for 2.9 %.</summary>
    public decimal? Percent { get; set; }

    /// <summary>PERCENTAGE: a fee for each event that the meter counted. Default: 0.</summary>
    public decimal? FeePerEvent { get; set; }

    /// <summary>PERCENTAGE: taken off the amount first. Default: 0.</summary>
    public decimal? FreeAmount { get; set; }

    /// <summary>PERCENTAGE: events without a fee. Default: 0.</summary>
    public long? FreeEvents { get; set; }

    /// <summary>
    /// GRADUATED, VOLUME and STAIR_STEP: whether the first tier's flat fee is due at a quantity of 0 too. Default: false.
    /// </summary>
    public bool? FlatFeeAtZero { get; set; }

    internal Price ToPrice() =>
        new(
            Model,
            Amount,
            UnitPrice,
            Tiers is null ? null : [.. Tiers.Select(tier => tier.ToTier(Model))],
            PackageSize,
            PackagePrice,
            FreeUnits,
            PackageRounding,
            Percent,
            FeePerEvent,
            FreeAmount,
            FreeEvents,
            FlatFeeAtZero
        );
}

/// <summary>A range of quantities with one price. It begins where the tier before ends.</summary>
[Name("TierInput")]
public sealed class TierInput
{
    /// <summary>The last quantity in the tier, inclusive; none for the last tier.</summary>
    public decimal? UpTo { get; set; }

    /// <summary>GRADUATED and VOLUME: the price of a unit.</summary>
    public decimal? UnitPrice { get; set; }

    /// <summary>Charged once when the tier is reached; of STAIR_STEP, the whole price.</summary>
    public decimal? FlatFee { get; set; }

    /// <summary>GRADUATED_PERCENTAGE: percentage of the part of the amount that is in the tier.</summary>
    public decimal? Percent { get; set; }

    /// <summary>GRADUATED and VOLUME: <c>unitPrice</c> is the price of each started package of this size within the tier.</summary>
    public decimal? PackageSize { get; set; }

    internal Tier ToTier(PriceModel model) =>
        new(UpTo, UnitPrice, model == PriceModel.StairStep ? FlatFee : FlatFee ?? 0, Percent, PackageSize);
}

/// <summary>The terms of the invoice as a whole, in the order of application: commitment, minimum, maximum, discounts, taxes.</summary>
[Name("PlanTermsInput")]
public sealed class PlanTermsInput
{
    /// <summary>What a shortened period costs, where a charge does not say. Default: NONE.</summary>
    public Proration? Proration { get; set; }

    /// <summary>An amount that is due in any case.</summary>
    public CommitmentInput? Commitment { get; set; }

    /// <summary>The charges of a period amount to at least this.</summary>
    public decimal? Minimum { get; set; }

    /// <summary>The charges of a period amount to at most this.</summary>
    public decimal? Maximum { get; set; }

    /// <summary>Taken off in order: each is applied to what the earlier ones left.</summary>
    public IReadOnlyList<DiscountInput>? Discounts { get; set; }

    /// <summary>Whether prices include tax. Default: EXCLUSIVE.</summary>
    public TaxMode? TaxMode { get; set; }

    /// <summary>The taxes of the invoice.</summary>
    public IReadOnlyList<TaxRateInput>? Taxes { get; set; }

    internal PlanTerms ToTerms() =>
        new(
            Proration ?? Domain.Proration.None,
            Commitment is null ? null : new Commitment(Commitment.Amount, Commitment.OverageFactor ?? 1),
            Minimum,
            Maximum,
            DiscountInput.ToDiscounts(Discounts),
            TaxMode ?? Domain.TaxMode.Exclusive,
            Taxes is null ? null : [.. Taxes.Select(tax => new TaxRate(tax.Key, tax.Name ?? tax.Key, tax.Percent))]
        );
}

/// <summary>Usage worth an amount is due in any period; usage beyond it may have another price.</summary>
[Name("CommitmentInput")]
public sealed class CommitmentInput
{
    /// <summary>The amount of a period.</summary>
    public required decimal Amount { get; set; }

    /// <summary>Factor on the price of usage beyond the commitment; 1 by default.</summary>
    public decimal? OverageFactor { get; set; }
}

/// <summary>A discount. Exactly one of percent and amount is set.</summary>
[Name("DiscountInput")]
public sealed class DiscountInput
{
    /// <summary>The discount's key, unique where it stands.</summary>
    public required string Key { get; set; }

    /// <summary>Shown on invoices. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>Percentage that it takes off: 10 for 10 %.</summary>
    public decimal? Percent { get; set; }

    /// <summary>Amount that it takes off.</summary>
    public decimal? Amount { get; set; }

    internal static IReadOnlyList<Discount>? ToDiscounts(IReadOnlyList<DiscountInput>? inputs) =>
        inputs is null ? null : [.. inputs.Select(input => new Discount(input.Key, input.Name ?? input.Key, input.Percent, input.Amount))];
}

/// <summary>A tax of the invoice.</summary>
[Name("TaxRateInput")]
public sealed class TaxRateInput
{
    /// <summary>The tax's key, unique in the terms.</summary>
    public required string Key { get; set; }

    /// <summary>Shown on invoices. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>The rate: 19 for 19 %.</summary>
    public required decimal Percent { get; set; }
}
