namespace Polaris.Billing.Domain;

/// <summary>How a quantity becomes an amount, in major currency units, unrounded.</summary>
public abstract record Price;

/// <summary>A fixed fee a period, whatever the usage.</summary>
public sealed record FlatPrice(decimal Amount) : Price;

/// <summary>Every unit costs the same.</summary>
public sealed record PerUnitPrice(decimal UnitPrice) : Price;

/// <summary>Each unit is charged at the price of the tier it falls in.</summary>
public sealed record GraduatedPrice(IReadOnlyList<Tier> Tiers) : Price;

/// <summary>All units are charged at the price of the tier that the whole quantity reaches.</summary>
public sealed record VolumePrice(IReadOnlyList<Tier> Tiers) : Price;

/// <summary>Every started package of <paramref name="Size"/> units beyond the free ones costs <paramref name="PackageAmount"/>.</summary>
public sealed record PackagePrice(decimal Size, decimal PackageAmount, decimal FreeUnits) : Price;

/// <summary>A span of quantities with one price.</summary>
/// <param name="UpTo">The last quantity in the tier, inclusive; null on the last tier.</param>
/// <param name="UnitPrice">Per unit.</param>
/// <param name="FlatFee">Charged once when the tier is reached (graduated) or is the one that applies (volume).</param>
public sealed record Tier(decimal? UpTo, decimal UnitPrice, decimal FlatFee);

/// <summary>One thing a plan charges for. A flat fee has no meter.</summary>
public sealed record Charge(string Key, string Name, string? Meter, Price Price);

/// <summary>An immutable set of charges. <paramref name="Hash"/> identifies its content.</summary>
public sealed record PlanVersion(Guid Id, string PlanKey, string Currency, string Hash, IReadOnlyList<Charge> Charges);
