using System.Text.Json.Serialization;

namespace Polaris.Plans.Domain;

/// <summary>How a quantity becomes an amount; docs/pricing.md tells each with a worked example. Stored as a number: only append.</summary>
public enum PriceModel
{
    Flat,
    PerUnit,
    Graduated,
    Volume,
    Package,
    StairStep,
    Percentage,
    GraduatedPercentage,
}

/// <summary>When a flat fee is due: with the invoice of its own period, or with the one before. Stored as a number: only append.</summary>
public enum BillingTiming
{
    Arrears,
    Advance,
}

/// <summary>Whether a started package is charged. Stored as a number: only append.</summary>
public enum PackageRounding
{
    Up,
    Down,
}

/// <summary>How a shortened period shortens what is stated for a whole one. Stored as a number: only append.</summary>
public enum Proration
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>By its seconds, of those of the whole period.</summary>
    Seconds,

    /// <summary>By its days in the subscription's zone, of those of the whole period.</summary>
    Days,
}

/// <summary>Whether prices hold their tax already. Stored as a number: only append.</summary>
public enum TaxMode
{
    Exclusive,
    Inclusive,
}

/// <summary>A span of quantities with one price.</summary>
/// <param name="UpTo">The last quantity in the tier, inclusive; null on the last tier.</param>
/// <param name="UnitPrice">Per unit; graduated and volume.</param>
/// <param name="FlatFee">Charged once when the tier is reached; the whole price of a stair step.</param>
/// <param name="Percent">Of the quantity, which is an amount of money; graduated percentage.</param>
public sealed record Tier(decimal? UpTo, decimal? UnitPrice, decimal? FlatFee, decimal? Percent = null);

/// <summary>A price model with its figures, in major currency units. Only the figures of its model are set.</summary>
public sealed record Price(
    PriceModel Model, decimal? Amount = null, decimal? UnitPrice = null, IReadOnlyList<Tier>? Tiers = null,
    decimal? PackageSize = null, decimal? PackagePrice = null, decimal? FreeUnits = null, PackageRounding? PackageRounding = null,
    decimal? Percent = null, decimal? FeePerEvent = null, decimal? FreeAmount = null, int? FreeEvents = null);

/// <summary>The price of usage whose dimensions have these values, in the order of the meter's dimensions. The empty value is an event without the property.</summary>
public sealed record DimensionPrice(IReadOnlyList<string> Values, Price Price);

/// <summary>One thing a plan charges for. A flat fee has no meter, everything else has one.</summary>
/// <param name="Key">Unique in the version.</param>
/// <param name="Name">Stands on invoices.</param>
/// <param name="Meter">Whose quantity is priced; null for a flat fee.</param>
/// <param name="Price">The price; of a meter with dimensions the one of every combination of values without a price of its own.</param>
/// <param name="DimensionPrices">Prices of combinations of values; null for none.</param>
/// <param name="Timing">Of a flat fee; null: in arrears.</param>
/// <param name="Proration">Of a flat fee, minimum and maximum; null: the version's.</param>
/// <param name="IncludedUnits">Taken off the quantity before it is priced.</param>
/// <param name="Minimum">The charge costs at least this a period.</param>
/// <param name="Maximum">The charge costs at most this a period.</param>
public sealed record Charge(
    string Key, string Name, string? Meter, Price Price, IReadOnlyList<DimensionPrice>? DimensionPrices = null, BillingTiming? Timing = null,
    Proration? Proration = null, decimal? IncludedUnits = null, decimal? Minimum = null, decimal? Maximum = null);

/// <summary>Usage worth <paramref name="Amount"/> a period is due in any case; what goes beyond costs <paramref name="OverageFactor"/> times its price.</summary>
public sealed record Commitment(decimal Amount, decimal OverageFactor);

/// <summary>Takes a percentage or an amount off what the discounts before it left. One of the two is set.</summary>
public sealed record Discount(string Key, string Name, decimal? Percent, decimal? Amount);

public sealed record TaxRate(string Key, string Name, decimal Percent);

/// <summary>What concerns the invoice as a whole, in the order in which it is applied: commitment, minimum, maximum, discounts, taxes.</summary>
public sealed record PlanTerms(
    Proration Proration = Proration.None, Commitment? Commitment = null, decimal? Minimum = null, decimal? Maximum = null,
    IReadOnlyList<Discount>? Discounts = null, TaxMode TaxMode = TaxMode.Exclusive, IReadOnlyList<TaxRate>? Taxes = null)
{
    public static readonly PlanTerms None = new();

    /// <summary>Whether they say nothing at all.</summary>
    [JsonIgnore]
    public bool IsNone => this is { Proration: Proration.None, Commitment: null, Minimum: null, Maximum: null, TaxMode: TaxMode.Exclusive, Discounts: null or [], Taxes: null or [] };
}
