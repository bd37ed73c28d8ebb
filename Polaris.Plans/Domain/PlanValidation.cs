using System.Text.RegularExpressions;

namespace Polaris.Plans.Domain;

/// <summary>A rule that the input breaks, and where.</summary>
internal sealed record Violation(string Path, string Code, string Message);

/// <summary>What a meter, plan, charge and terms may look like. Each method returns the first violation, or null.</summary>
internal static partial class PlanValidation
{
    public const int MaxCharges = 100;
    public const int MaxTiers = 100;
    public const int MaxDecimalPlaces = 12;
    public const int MaxFilters = 10;
    public const int MaxDimensions = 2;
    public const int MaxDimensionPrices = 200;

    /// <summary>Usage is grouped by so much of a value; longer ones could not be told apart.</summary>
    public const int MaxDimensionValueLength = 100;

    /// <summary>Between values where usage is grouped; two values that differ only behind it would be the same there.</summary>
    private const char DimensionSeparator = '\u001f';

    public const int MaxDiscounts = 20;
    public const int MaxTaxes = 10;
    public const int MaxTextLength = 255;

    /// <summary>Prices and sizes stay below this, so that quantity times price fits a decimal with its fraction.</summary>
    public const decimal MaxFigure = 1_000_000_000_000m;

    /// <summary>The largest percentage of a price. With its places it keeps a rate within the twelve that an amount has.</summary>
    public const decimal MaxPercent = 1_000m;
    public const int MaxPercentPlaces = 10;
    public const decimal MaxOverageFactor = 1_000m;

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
    /// <param name="meters">Number of dimensions of each of the org's meters, by key.</param>
    public static Violation? Charges(string path, IReadOnlyList<Charge> charges, IReadOnlyDictionary<string, int> meters)
    {
        if (charges.Count is 0 or > MaxCharges) return new Violation(path, "count", $"A plan version has 1 to {MaxCharges} charges, not {charges.Count}.");
        var keys = new HashSet<string>();
        for (var i = 0; i < charges.Count; i++)
        {
            var (charge, at) = (charges[i], $"{path}[{i}]");
            if ((Key($"{at}.key", charge.Key) ?? Text($"{at}.name", charge.Name)) is { } bad) return bad;
            if (!keys.Add(charge.Key)) return new Violation($"{at}.key", "duplicate_key", $"There are two charges '{charge.Key}'.");
            if ((charge.Price.Model == PriceModel.Flat ? FlatCharge(at, charge) : MeteredCharge(at, charge, meters)) is { } refused) return refused;
            if (Price($"{at}.price", charge.Price) is { } wrong) return wrong;
        }

        return null;
    }

    private static Violation? FlatCharge(string at, Charge charge)
    {
        if (charge.Meter is not null) return new Violation($"{at}.meter", "flat_has_no_meter", "A flat fee has no meter.");
        var usageOnly = new (string Name, object? Value)[]
        {
            ("dimensionPrices", charge.DimensionPrices), ("includedUnits", charge.IncludedUnits), ("minimum", charge.Minimum), ("maximum", charge.Maximum),
        };
        return usageOnly.FirstOrDefault(field => field.Value is not null) is { Name: { } name }
            ? new Violation($"{at}.{name}", "not_of_this_model", $"A flat fee has no '{name}'.")
            : null;
    }

    private static Violation? MeteredCharge(string at, Charge charge, IReadOnlyDictionary<string, int> meters)
    {
        if (charge.Meter is null) return new Violation($"{at}.meter", "missing_field", "A charge for usage names its meter.");
        if (!meters.TryGetValue(charge.Meter, out var dimensions)) return new Violation($"{at}.meter", "unknown_meter", $"There is no meter '{charge.Meter}'.");
        if (charge.Timing is not null) return new Violation($"{at}.timing", "not_of_this_model", "Usage is known when its period has ended: only a flat fee has a 'timing'.");
        if (charge.Proration is not null && charge.Minimum is null && charge.Maximum is null)
            return new Violation($"{at}.proration", "not_of_this_model", "Of a charge for usage only 'minimum' and 'maximum' are prorated, and it has neither.");
        if ((Optional($"{at}.includedUnits", charge.IncludedUnits) ?? Optional($"{at}.minimum", charge.Minimum) ?? Optional($"{at}.maximum", charge.Maximum)) is { } bad) return bad;
        if (charge.Minimum > charge.Maximum) return new Violation($"{at}.maximum", "below_minimum", "'maximum' is not below 'minimum'.");
        return charge.DimensionPrices is null ? null : DimensionPrices($"{at}.dimensionPrices", charge, dimensions);
    }

    private static Violation? DimensionPrices(string path, Charge charge, int dimensions)
    {
        var prices = charge.DimensionPrices!;
        if (dimensions == 0) return new Violation(path, "no_dimensions", $"The meter '{charge.Meter}' is not grouped by dimensions.");
        if (charge.IncludedUnits is not null) return new Violation(path, "ambiguous_units", "With prices by dimension it is not clear which units 'includedUnits' takes off: use a tier of price 0.");
        if (prices.Count is 0 or > MaxDimensionPrices) return new Violation(path, "count", $"There are 1 to {MaxDimensionPrices} prices by dimension, not {prices.Count}.");
        var seen = new HashSet<string>();
        for (var i = 0; i < prices.Count; i++)
        {
            var (values, at) = (prices[i].Values, $"{path}[{i}]");
            if (values.Count != dimensions) return new Violation($"{at}.values", "count", $"The meter '{charge.Meter}' has {dimensions} dimensions: give {dimensions} values, not {values.Count}.");
            for (var j = 0; j < values.Count; j++)
            {
                if (Text($"{at}.values[{j}]", values[j], required: false) is { } bad) return bad;
                if (values[j].Contains(DimensionSeparator, StringComparison.Ordinal))
                    return new Violation($"{at}.values[{j}]", "invalid_text", "A dimension's value must not hold the character U+001F.");
                if (values[j].Length > MaxDimensionValueLength)
                    return new Violation($"{at}.values[{j}]", "too_long", $"A dimension's value has at most {MaxDimensionValueLength} characters.");
            }

            if (!seen.Add(string.Join('\0', values))) return new Violation($"{at}.values", "duplicate_values", "These values have a price already.");
            if (prices[i].Price.Model == PriceModel.Flat) return new Violation($"{at}.price.model", "flat_has_no_meter", "A flat fee has no meter, so it cannot be the price of usage.");
            if (Price($"{at}.price", prices[i].Price) is { } wrong) return wrong;
        }

        return null;
    }

    private static Violation? Optional(string path, decimal? value) => value is { } figure ? Figure(path, figure) : null;

    private static Violation? Figure(string path, decimal value)
    {
        if (value is < 0 or >= MaxFigure) return new Violation(path, "out_of_range", $"'{Last(path)}' is 0 or more and below {MaxFigure}.");
        return Places(path, value, MaxDecimalPlaces);
    }

    private static Violation? Percentage(string path, decimal value, decimal most)
    {
        if (value < 0 || value > most) return new Violation(path, "out_of_range", $"'{Last(path)}' is 0 to {most}.");
        return Places(path, value, MaxPercentPlaces);
    }

    private static Violation? Places(string path, decimal value, int most) =>
        decimal.Round(value, most) == value ? null : new Violation(path, "too_precise", $"'{Last(path)}' has at most {most} decimal places.");

    private static string Last(string path) => path[(path.LastIndexOf('.') + 1)..];

    [GeneratedRegex("^[a-z0-9_]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex KeyPattern();
}
