namespace Polaris.Billing.Domain;

/// <summary>How a shortened period shortens what is stated for a whole one.</summary>
public enum Proration
{
    None,

    /// <summary>By its seconds, of those of the whole period.</summary>
    Seconds,

    /// <summary>By its days in the subscription's zone, of those of the whole period.</summary>
    Days,
}

/// <summary>What a line is of: a charge, or a step of the invoice as a whole.</summary>
public record LineSource(string Key, string Name, string? Meter);

/// <summary>The price of usage whose dimensions have these values, in the order of the meter's dimensions.</summary>
public sealed record DimensionPrice(IReadOnlyList<string> Values, Price Price);

/// <summary>One thing a plan charges for. A flat fee has no meter.</summary>
/// <param name="Key">Unique in the version.</param>
/// <param name="Name">Stands on invoices.</param>
/// <param name="Meter">Whose quantity is priced; null for a flat fee.</param>
/// <param name="Price">Of everything that has no price by dimension.</param>
/// <param name="DimensionPrices">Empty: the meter's whole quantity is priced at once. Else each combination of values is a quantity of its own.</param>
/// <param name="InAdvance">A flat fee is due with the invoice before its period.</param>
/// <param name="Proration">Of the fee, the minimum and the maximum.</param>
/// <param name="IncludedUnits">Taken off the quantity before it is priced.</param>
/// <param name="Minimum">The charge costs at least this a period.</param>
/// <param name="Maximum">The charge costs at most this a period.</param>
public sealed record Charge(
    string Key, string Name, string? Meter, Price Price, IReadOnlyList<DimensionPrice>? DimensionPrices = null, bool InAdvance = false,
    Proration Proration = Proration.None, decimal IncludedUnits = 0, decimal? Minimum = null, decimal? Maximum = null) : LineSource(Key, Name, Meter)
{
    /// <summary>Prices by values joined with U+001F, as quantities by dimension name them; null when there are none.</summary>
    internal IReadOnlyDictionary<string, Price>? PriceByValues { get; } =
        DimensionPrices is { Count: > 0 } ? DimensionPrices.ToDictionary(one => DimensionValues.Join(one.Values), one => one.Price) : null;
}

/// <summary>Usage worth <paramref name="Amount"/> a period is due in any case; what goes beyond costs <paramref name="OverageFactor"/> times its price.</summary>
public sealed record Commitment(decimal Amount, decimal OverageFactor);

/// <summary>Takes a share (0.1 for 10 %) or an amount off what the discounts before it left. One of the two is set.</summary>
public sealed record Discount(string Key, string Name, decimal? Rate, decimal? Amount) : LineSource(Key, Name, null);

/// <summary>A share of what is due after discounts; 0.19 for 19 %.</summary>
public sealed record TaxRate(string Key, string Name, decimal Rate) : LineSource(Key, Name, null);

/// <summary>What concerns the invoice as a whole, in the order in which it is applied.</summary>
public sealed record PlanTerms(
    Proration Proration, Commitment? Commitment, decimal? Minimum, decimal? Maximum, IReadOnlyList<Discount> Discounts, bool TaxesIncluded, IReadOnlyList<TaxRate> Taxes)
{
    public static readonly PlanTerms None = new(Proration.None, null, null, null, [], false, []);
}

/// <summary>An immutable set of charges and terms. <paramref name="Hash"/> identifies its content.</summary>
public sealed record PlanVersion(Guid Id, string PlanKey, string Currency, string Hash, IReadOnlyList<Charge> Charges, PlanTerms? Terms = null)
{
    public PlanTerms InvoiceTerms => Terms ?? PlanTerms.None;
}
