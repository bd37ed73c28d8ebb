namespace Polaris.Billing.Domain;

/// <summary>How the amount of a whole period is reduced for a shorter one.</summary>
public enum Proration
{
    /// <summary>In full.</summary>
    None,

    /// <summary>By seconds, as a share of the whole period's.</summary>
    Seconds,

    /// <summary>By days in the subscription's zone, as a share of the whole period's.</summary>
    Days,
}

/// <summary>What a line bills: a charge, or an invoice-level step.</summary>
public record LineSource(string Key, string Name, string? Meter);

/// <summary>The price of usage with these dimension values, in the order of the meter's dimensions.</summary>
public sealed record DimensionPrice(IReadOnlyList<string> Values, Price Price);

/// <summary>One charge of a plan. A flat fee has no meter.</summary>
/// <param name="Key">Unique in the version.</param>
/// <param name="Name">Shown on invoices.</param>
/// <param name="Meter">The priced meter; null for a flat fee.</param>
/// <param name="Price">The price of all usage without a price by dimension.</param>
/// <param name="DimensionPrices">
/// Empty: the meter's total is priced as one quantity. Else each combination of dimension values is priced separately.
/// </param>
/// <param name="InAdvance">The flat fee is due with the invoice before its period.</param>
/// <param name="Proration">Applies to the fee, the minimum and the maximum.</param>
/// <param name="IncludedUnits">Subtracted from the quantity before pricing.</param>
/// <param name="Minimum">The charge costs at least this much a period.</param>
/// <param name="Maximum">The charge costs at most this much a period.</param>
/// <param name="Discounts">Taken off the priced amount, before the minimum and the maximum.</param>
public sealed record Charge(
    string Key,
    string Name,
    string? Meter,
    Price Price,
    IReadOnlyList<DimensionPrice>? DimensionPrices = null,
    bool InAdvance = false,
    Proration Proration = Proration.None,
    decimal IncludedUnits = 0,
    decimal? Minimum = null,
    decimal? Maximum = null,
    IReadOnlyList<Discount>? Discounts = null
) : LineSource(Key, Name, Meter)
{
    /// <summary>Prices by dimension values joined with U+001F, as in the usage; null when there are none.</summary>
    internal IReadOnlyDictionary<string, Price>? PriceByValues { get; } =
        DimensionPrices is { Count: > 0 }
            ? DimensionPrices.ToDictionary(price => DimensionValues.Join(price.Values), price => price.Price)
            : null;
}

/// <summary>
/// Usage worth <paramref name="Amount"/> a period is due in any case; usage beyond it costs <paramref name="OverageFactor"/> times its
/// price.
/// </summary>
public sealed record Commitment(decimal Amount, decimal OverageFactor);

/// <summary>Takes a rate (0.1 for 10 %) or an amount off what the previous discounts left. Exactly one of the two is set.</summary>
public sealed record Discount(string Key, string Name, decimal? Rate, decimal? Amount) : LineSource(Key, Name, null);

/// <summary>A tax on the amount after discounts; 0.19 for 19 %.</summary>
public sealed record TaxRate(string Key, string Name, decimal Rate) : LineSource(Key, Name, null);

/// <summary>Invoice-level terms, in the order in which they are applied.</summary>
public sealed record PlanTerms(
    Proration Proration,
    Commitment? Commitment,
    decimal? Minimum,
    decimal? Maximum,
    IReadOnlyList<Discount> Discounts,
    bool TaxesIncluded,
    IReadOnlyList<TaxRate> Taxes
)
{
    public static readonly PlanTerms None = new(Proration.None, null, null, null, [], false, []);
}

/// <summary>An immutable set of charges and terms. <paramref name="Hash"/> identifies its content.</summary>
public sealed record PlanVersion(
    Guid Id,
    string PlanKey,
    string Currency,
    string Hash,
    IReadOnlyList<Charge> Charges,
    PlanTerms? Terms = null
)
{
    /// <summary>Stands for a pause: the version without charges and terms.</summary>
    public static readonly Guid PausedId = Guid.Empty;

    public PlanTerms InvoiceTerms => Terms ?? PlanTerms.None;

    /// <summary>Keys of the meters whose usage these versions bill: no other usage need be read for them.</summary>
    public static HashSet<string> MetersOf(IEnumerable<PlanVersion> versions) =>
        [.. versions.SelectMany(version => version.Charges).Select(charge => charge.Meter).OfType<string>()];

    public static PlanVersion Paused(string currency) => new(PausedId, "", currency, "paused", []);
}
