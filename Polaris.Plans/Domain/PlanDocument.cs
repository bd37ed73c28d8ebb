using System.Text.Json.Serialization;

namespace Polaris.Plans.Domain;

/// <summary>How a quantity becomes an amount; docs/pricing.md has a worked example of each. Stored as a number: only append.</summary>
public enum PriceModel
{
    /// <summary>A fee of each period, whatever the usage. It has no meter.</summary>
    Flat,

    /// <summary>Every unit costs the same.</summary>
    PerUnit,

    /// <summary>Each unit has the price of the tier that it falls in.</summary>
    Graduated,

    /// <summary>All units have the price of the tier that the whole quantity reaches.</summary>
    Volume,

    /// <summary>Every package of units is charged as a whole.</summary>
    Package,

    /// <summary>The flat fee of the tier that the whole quantity reaches.</summary>
    StairStep,

    /// <summary>A share of the quantity, which is an amount of money, and a fee of each event.</summary>
    Percentage,

    /// <summary>Each part of an amount of money has the rate of the tier that it falls in.</summary>
    GraduatedPercentage,
}

/// <summary>Whether a flat fee is invoiced with its own period or with the one before. Stored as a number: only append.</summary>
public enum BillingTiming
{
    /// <summary>After its period, with the period's usage.</summary>
    Arrears,

    /// <summary>Before its period, with the usage of the period before.</summary>
    Advance,
}

/// <summary>Whether a started package is charged. Stored as a number: only append.</summary>
public enum PackageRounding
{
    /// <summary>Every started package is charged.</summary>
    Up,

    /// <summary>Only full packages are charged.</summary>
    Down,
}

/// <summary>How amounts stated for a whole period apply to a shortened one. Stored as a number: only append.</summary>
public enum Proration
{
    /// <summary>In full.</summary>
    None,

    /// <summary>In proportion to its seconds among those of the whole period.</summary>
    Seconds,

    /// <summary>In proportion to its days, in the subscription's time zone, among those of the whole period.</summary>
    Days,
}

/// <summary>Whether prices include tax. Stored as a number: only append.</summary>
public enum TaxMode
{
    /// <summary>Tax is added to prices.</summary>
    Exclusive,

    /// <summary>Prices include tax; the invoice says how much of it is tax.</summary>
    Inclusive,
}

/// <summary>
/// A fee of each event, measured in place of the property, which is an amount of money. docs/meters.md has the rule and its rounding.
/// </summary>
/// <param name="Percent">Of the amount.</param>
/// <param name="Fixed">Added to it.</param>
/// <param name="Minimum">Of the sum of both.</param>
/// <param name="Maximum">Of the sum of both.</param>
public sealed record EventFee(decimal Percent, decimal? Fixed, decimal? Minimum, decimal? Maximum);

/// <summary>A range of quantities with one price.</summary>
/// <param name="UpTo">The last quantity in the tier, inclusive; null on the last tier.</param>
/// <param name="UnitPrice">Price per unit; graduated and volume.</param>
/// <param name="FlatFee">Charged once when the tier is reached; the whole price of a stair step.</param>
/// <param name="Percent">Percentage of the quantity, which is an amount of money; graduated percentage.</param>
/// <param name="PackageSize">The unit price is that of each started package of this size within the tier; graduated and volume.</param>
public sealed record Tier(decimal? UpTo, decimal? UnitPrice, decimal? FlatFee, decimal? Percent = null, decimal? PackageSize = null);

/// <summary>
/// A price model with its figures, in major currency units. Only the figures of its model are set. With <c>FlatFeeAtZero</c> the first
/// tier's flat fee is due at a quantity of 0 too; graduated, volume and stair step.
/// </summary>
public sealed record Price(
    PriceModel Model,
    decimal? Amount = null,
    decimal? UnitPrice = null,
    IReadOnlyList<Tier>? Tiers = null,
    decimal? PackageSize = null,
    decimal? PackagePrice = null,
    decimal? FreeUnits = null,
    PackageRounding? PackageRounding = null,
    decimal? Percent = null,
    decimal? FeePerEvent = null,
    decimal? FreeAmount = null,
    long? FreeEvents = null,
    bool? FlatFeeAtZero = null
);

/// <summary>
/// The price of usage with these dimension values, in the order of the meter's dimensions. The empty value is an event without the
/// property.
/// </summary>
public sealed record DimensionPrice(IReadOnlyList<string> Values, Price Price);

/// <summary>One item that a plan charges for. Everything but a flat fee has a meter.</summary>
/// <param name="Key">Unique in the version.</param>
/// <param name="Name">Shown on invoices.</param>
/// <param name="Meter">The meter whose quantity is priced; null for a flat fee.</param>
/// <param name="Price">The price; for a meter with dimensions, that of every combination of values without a price of its own.</param>
/// <param name="DimensionPrices">Prices of combinations of dimension values; null for none.</param>
/// <param name="Timing">Only for a flat fee; null means in arrears.</param>
/// <param name="Proration">Only for a flat fee, minimum and maximum; null means that of the version.</param>
/// <param name="IncludedUnits">Subtracted from the quantity before it is priced.</param>
/// <param name="Minimum">Minimum amount of the charge per period.</param>
/// <param name="Maximum">Maximum amount of the charge per period.</param>
/// <param name="Discounts">In order, off the priced amount, before minimum and maximum; null for none.</param>
public sealed record Charge(
    string Key,
    string Name,
    string? Meter,
    Price Price,
    IReadOnlyList<DimensionPrice>? DimensionPrices = null,
    BillingTiming? Timing = null,
    Proration? Proration = null,
    decimal? IncludedUnits = null,
    decimal? Minimum = null,
    decimal? Maximum = null,
    IReadOnlyList<Discount>? Discounts = null
);

/// <summary>
/// Usage worth <paramref name="Amount"/> per period is due in any case; usage beyond it costs <paramref name="OverageFactor"/> times its
/// price.
/// </summary>
public sealed record Commitment(decimal Amount, decimal OverageFactor);

/// <summary>Takes a percentage or an amount off what earlier discounts left. Exactly one of the two is set.</summary>
public sealed record Discount(string Key, string Name, decimal? Percent, decimal? Amount);

public sealed record TaxRate(string Key, string Name, decimal Percent);

/// <summary>Terms of the invoice as a whole, in the order of application: commitment, minimum, maximum, discounts, taxes.</summary>
public sealed record PlanTerms(
    Proration Proration = Proration.None,
    Commitment? Commitment = null,
    decimal? Minimum = null,
    decimal? Maximum = null,
    IReadOnlyList<Discount>? Discounts = null,
    TaxMode TaxMode = TaxMode.Exclusive,
    IReadOnlyList<TaxRate>? Taxes = null
)
{
    public static readonly PlanTerms None = new();

    /// <summary>Whether no term is set.</summary>
    [JsonIgnore]
    public bool IsNone =>
        this
            is {
                Proration: Proration.None,
                Commitment: null,
                Minimum: null,
                Maximum: null,
                TaxMode: TaxMode.Exclusive,
                Discounts: null or [],
                Taxes: null or []
            };
}
