using GraphQL;
using Polaris.Plans.Domain;
using Polaris.Plans.Features.Plans;

namespace Polaris.Plans.GraphQL;

[Name("CreatePlanInput")]
public sealed class CreatePlanInput
{
    public required string Key { get; set; }
    public required string Name { get; set; }
    public required string Currency { get; set; }
    public required BillingInterval Interval { get; set; }
    public required IReadOnlyList<ChargeInput> Charges { get; set; }
    public PlanTermsInput? Terms { get; set; }
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

[Name("ChargeInput")]
public sealed class ChargeInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public string? Meter { get; set; }

    /// <summary>With <c>dimensionPrices</c>, the price of every combination of values that has none of its own.</summary>
    public required PriceInput Price { get; set; }
    public IReadOnlyList<DimensionPriceInput>? DimensionPrices { get; set; }
    public BillingTiming? Timing { get; set; }
    public Proration? Proration { get; set; }
    public decimal? IncludedUnits { get; set; }
    public decimal? Minimum { get; set; }
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

[Name("DimensionPriceInput")]
public sealed class DimensionPriceInput
{
    /// <summary>In the order of the meter's dimensions; empty for events without the property.</summary>
    public required IReadOnlyList<string> Values { get; set; }
    public required PriceInput Price { get; set; }
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
    public PackageRounding? PackageRounding { get; set; }

    /// <summary>Percentage of the quantity, which is an amount of money: 2.9 for 2.9 %.</summary>
    public decimal? Percent { get; set; }
    public decimal? FeePerEvent { get; set; }
    public decimal? FreeAmount { get; set; }
    public long? FreeEvents { get; set; }

    /// <summary>The first tier's flat fee is due at a quantity of 0 too; GRADUATED, VOLUME and STAIR_STEP.</summary>
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

[Name("TierInput")]
public sealed class TierInput
{
    public decimal? UpTo { get; set; }
    public decimal? UnitPrice { get; set; }
    public decimal? FlatFee { get; set; }
    public decimal? Percent { get; set; }

    /// <summary>GRADUATED and VOLUME: <c>unitPrice</c> is the price of each started package of this size within the tier.</summary>
    public decimal? PackageSize { get; set; }

    internal Tier ToTier(PriceModel model) =>
        new(UpTo, UnitPrice, model == PriceModel.StairStep ? FlatFee : FlatFee ?? 0, Percent, PackageSize);
}

[Name("PlanTermsInput")]
public sealed class PlanTermsInput
{
    public Proration? Proration { get; set; }
    public CommitmentInput? Commitment { get; set; }
    public decimal? Minimum { get; set; }
    public decimal? Maximum { get; set; }

    /// <summary>In order: each is applied to what the earlier ones left.</summary>
    public IReadOnlyList<DiscountInput>? Discounts { get; set; }
    public TaxMode? TaxMode { get; set; }
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

[Name("CommitmentInput")]
public sealed class CommitmentInput
{
    public required decimal Amount { get; set; }

    /// <summary>Factor on the price of usage beyond the commitment; 1 by default.</summary>
    public decimal? OverageFactor { get; set; }
}

[Name("DiscountInput")]
public sealed class DiscountInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public decimal? Percent { get; set; }
    public decimal? Amount { get; set; }

    internal static IReadOnlyList<Discount>? ToDiscounts(IReadOnlyList<DiscountInput>? inputs) =>
        inputs is null ? null : [.. inputs.Select(input => new Discount(input.Key, input.Name ?? input.Key, input.Percent, input.Amount))];
}

[Name("TaxRateInput")]
public sealed class TaxRateInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public required decimal Percent { get; set; }
}
