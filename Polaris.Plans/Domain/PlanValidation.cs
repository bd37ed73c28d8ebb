using System.Text.RegularExpressions;

namespace Polaris.Plans.Domain;

/// <summary>A rule that the input breaks, and where.</summary>
internal sealed record Violation(string Path, string Code, string Message);

/// <summary>What a meter, plan and charge may look like. Each method returns the first violation, or null.</summary>
internal static partial class PlanValidation
{
    public const int MaxCharges = 100;
    public const int MaxTiers = 100;
    public const int MaxDecimalPlaces = 12;
    public const int MaxFilters = 10;
    public const int MaxTextLength = 255;

    /// <summary>Prices and sizes stay below this, so that quantity times price fits a decimal with its fraction.</summary>
    public const decimal MaxFigure = 1_000_000_000_000m;

    public static Violation? Key(string path, string? key) => key is not null && KeyPattern().IsMatch(key)
        ? null
        : new Violation(path, "invalid_key", "A key has 1 to 64 lower-case letters, digits and underscores.");

    public static Violation? Text(string path, string? text, bool required = true)
    {
        if (string.IsNullOrEmpty(text)) return required ? new Violation(path, "missing_field", $"'{Last(path)}' must not be empty.") : null;
        if (text.Length > MaxTextLength) return new Violation(path, "too_long", $"'{Last(path)}' has at most {MaxTextLength} characters.");
        return text.Contains('\0', StringComparison.Ordinal) ? new Violation(path, "invalid_text", $"'{Last(path)}' must not hold the character U+0000.") : null;
    }

    public static Violation? Currency(string path, string currency) => Currencies.Exists(currency)
        ? null
        : new Violation(path, "unknown_currency", $"'{currency}' is not an ISO 4217 currency such as USD.");

    /// <param name="path">Where the charges stand in the input.</param>
    /// <param name="charges">What to check.</param>
    /// <param name="meters">Keys of the org's meters.</param>
    public static Violation? Charges(string path, IReadOnlyList<Charge> charges, IReadOnlySet<string> meters)
    {
        if (charges.Count is 0 or > MaxCharges) return new Violation(path, "count", $"A plan version has 1 to {MaxCharges} charges, not {charges.Count}.");
        var keys = new HashSet<string>();
        for (var i = 0; i < charges.Count; i++)
        {
            var (charge, at) = (charges[i], $"{path}[{i}]");
            if ((Key($"{at}.key", charge.Key) ?? Text($"{at}.name", charge.Name)) is { } bad) return bad;
            if (!keys.Add(charge.Key)) return new Violation($"{at}.key", "duplicate_key", $"There are two charges '{charge.Key}'.");
            if (charge.Price.Model == PriceModel.Flat && charge.Meter is not null) return new Violation($"{at}.meter", "flat_has_no_meter", "A flat fee has no meter.");
            if (charge.Price.Model != PriceModel.Flat && charge.Meter is null) return new Violation($"{at}.meter", "missing_field", "A charge for usage names its meter.");
            if (charge.Meter is not null && !meters.Contains(charge.Meter)) return new Violation($"{at}.meter", "unknown_meter", $"There is no meter '{charge.Meter}'.");
            if (Price($"{at}.price", charge.Price) is { } wrong) return wrong;
        }

        return null;
    }

    private static Violation? Price(string path, Price price)
    {
        var figures = new (string Name, decimal? Value, bool Required, bool Allowed)[]
        {
            ("amount", price.Amount, price.Model == PriceModel.Flat, price.Model == PriceModel.Flat),
            ("unitPrice", price.UnitPrice, price.Model == PriceModel.PerUnit, price.Model == PriceModel.PerUnit),
            ("packageSize", price.PackageSize, price.Model == PriceModel.Package, price.Model == PriceModel.Package),
            ("packagePrice", price.PackagePrice, price.Model == PriceModel.Package, price.Model == PriceModel.Package),
            ("freeUnits", price.FreeUnits, false, price.Model == PriceModel.Package),
        };
        foreach (var (name, value, required, allowed) in figures)
        {
            if (value is null && required) return new Violation($"{path}.{name}", "missing_field", $"A {price.Model} price needs '{name}'.");
            if (value is not null && !allowed) return new Violation($"{path}.{name}", "not_of_this_model", $"A {price.Model} price has no '{name}'.");
            if (value is { } figure && Figure($"{path}.{name}", figure) is { } bad) return bad;
        }

        if (price.PackageSize is 0) return new Violation($"{path}.packageSize", "out_of_range", "A package holds more than 0 units.");
        var tiered = price.Model is PriceModel.Graduated or PriceModel.Volume;
        if (!tiered) return price.Tiers is null ? null : new Violation($"{path}.tiers", "not_of_this_model", $"A {price.Model} price has no tiers.");
        return price.Tiers is null ? new Violation($"{path}.tiers", "missing_field", $"A {price.Model} price needs tiers.") : Tiers($"{path}.tiers", price.Tiers);
    }

    private static Violation? Tiers(string path, IReadOnlyList<Tier> tiers)
    {
        if (tiers.Count is 0 or > MaxTiers) return new Violation(path, "count", $"A price has 1 to {MaxTiers} tiers, not {tiers.Count}.");
        var below = 0m;
        for (var i = 0; i < tiers.Count; i++)
        {
            var (tier, at, last) = (tiers[i], $"{path}[{i}]", i == tiers.Count - 1);
            if ((Figure($"{at}.unitPrice", tier.UnitPrice) ?? Figure($"{at}.flatFee", tier.FlatFee)) is { } bad) return bad;
            if (last && tier.UpTo is not null) return new Violation($"{at}.upTo", "missing_infinity", "The last tier has no end: leave its 'upTo' out, so that every quantity has a price.");
            if (last) return null;
            if (tier.UpTo is not { } end) return new Violation($"{at}.upTo", "unreachable_tier", "Only the last tier has no end; the tiers after this one could never be reached.");
            if (Figure($"{at}.upTo", end) is { } wrong) return wrong;
            if (end <= below) return new Violation($"{at}.upTo", "overlap", $"Tiers rise: this one must end above {below}.");
            below = end;
        }

        return null;
    }

    private static Violation? Figure(string path, decimal value)
    {
        if (value is < 0 or >= MaxFigure) return new Violation(path, "out_of_range", $"'{Last(path)}' is 0 or more and below {MaxFigure}.");
        return decimal.Round(value, MaxDecimalPlaces) == value ? null : new Violation(path, "too_precise", $"'{Last(path)}' has at most {MaxDecimalPlaces} decimal places.");
    }

    private static string Last(string path) => path[(path.LastIndexOf('.') + 1)..];

    [GeneratedRegex("^[a-z0-9_]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex KeyPattern();
}
