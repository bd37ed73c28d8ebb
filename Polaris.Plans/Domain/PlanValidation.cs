using System.Text.RegularExpressions;

namespace Polaris.Plans.Domain;

/// <summary>A violated rule, and the path in the input.</summary>
internal sealed record Violation(string Path, string Code, string Message);

/// <summary>Validates meters, plans, charges and terms. Each method returns the first violation, or null.</summary>
internal static partial class PlanValidation
{
    public const int MaxCharges = 100;
    public const int MaxTiers = 100;
    public const int MaxDecimalPlaces = 12;
    public const int MaxFilters = 10;
    public const int MaxDimensions = 2;
    public const int MaxDimensionPrices = 200;

    public const int MaxDiscounts = 20;
    public const int MaxTaxes = 10;

    /// <summary>Exclusive upper bound of prices and sizes, so that quantity times price fits a decimal with its fraction.</summary>
    public const decimal MaxFigure = 1_000_000_000_000m;

    /// <summary>The largest percentage of a price. With its decimal places, the rate fits the twelve places of an amount.</summary>
    public const decimal MaxPercent = 1_000m;
    public const int MaxPercentPlaces = 10;
    public const decimal MaxOverageFactor = 1_000m;

    public static Violation? Key(string path, string? key) =>
        key is not null && KeyPattern().IsMatch(key)
            ? null
            : new Violation(path, "invalid_key", "A key must have 1 to 64 lower-case letters, digits and underscores.");

    public static Violation? Text(string path, string? text, bool required = true)
    {
        if (string.IsNullOrEmpty(text))
            return required ? new Violation(path, "missing_field", $"'{Last(path)}' must not be empty.") : null;
        if (text.Length > Limits.MaxTextLength)
            return new Violation(path, "too_long", $"'{Last(path)}' must have at most {Limits.MaxTextLength} characters.");
        return text.Contains('\0', StringComparison.Ordinal)
            ? new Violation(path, "invalid_text", $"'{Last(path)}' must not contain the character U+0000.")
            : null;
    }

    public static Violation? Currency(string path, string currency) =>
        Currencies.Exists(currency)
            ? null
            : new Violation(path, "unknown_currency", $"'{Last(path)}' must be an ISO 4217 code such as USD.");

    /// <summary>A meter measures in units of 10^-9, so a fee of an event has no more places.</summary>
    public static Violation? EventFee(string path, EventFee fee)
    {
        if (Percentage($"{path}.percent", fee.Percent, Whole) is { } bad)
            return bad;
        (string Name, decimal? Value)[] figures = [("fixed", fee.Fixed), ("minimum", fee.Minimum), ("maximum", fee.Maximum)];
        foreach (var (name, value) in figures)
        {
            if (Optional($"{path}.{name}", value) is { } wrong)
                return wrong;
            if (Places($"{path}.{name}", value ?? 0, Limits.MaxDecimalPlaces) is { } precise)
                return precise;
        }

        return fee.Minimum > fee.Maximum
            ? new Violation($"{path}.maximum", "below_minimum", "'maximum' must not be below 'minimum'.")
            : null;
    }

    /// <param name="path">The path of the charges in the input.</param>
    /// <param name="charges">The charges to validate.</param>
    /// <param name="meters">The number of dimensions of each of the org's meters, by key.</param>
    public static Violation? Charges(string path, IReadOnlyList<Charge> charges, IReadOnlyDictionary<string, int> meters)
    {
        if (charges.Count is 0 or > MaxCharges)
            return new Violation(path, "count", $"A plan version must have 1 to {MaxCharges} charges, not {charges.Count}.");
        var keys = new HashSet<string>();
        for (var i = 0; i < charges.Count; i++)
        {
            var (charge, at) = (charges[i], $"{path}[{i}]");
            if ((Key($"{at}.key", charge.Key) ?? Text($"{at}.name", charge.Name)) is { } bad)
                return bad;
            if (!keys.Add(charge.Key))
                return new Violation($"{at}.key", "duplicate_key", $"Duplicate charge key '{charge.Key}'.");
            if ((charge.Price.Model == PriceModel.Flat ? FlatCharge(at, charge) : MeteredCharge(at, charge, meters)) is { } refused)
                return refused;
            if ((Price($"{at}.price", charge.Price) ?? Discounts($"{at}.discounts", charge.Discounts ?? [])) is { } wrong)
                return wrong;
        }

        return null;
    }

    private static Violation? FlatCharge(string at, Charge charge)
    {
        if (charge.Meter is not null)
            return new Violation($"{at}.meter", "flat_has_no_meter", "'meter' must not be set on a flat fee.");
        var usageOnly = new (string Name, object? Value)[]
        {
            ("dimensionPrices", charge.DimensionPrices),
            ("includedUnits", charge.IncludedUnits),
            ("minimum", charge.Minimum),
            ("maximum", charge.Maximum),
        };
        return usageOnly.FirstOrDefault(field => field.Value is not null) is { Name: { } name }
            ? new Violation($"{at}.{name}", "not_of_this_model", $"'{name}' must not be set on a flat fee.")
            : null;
    }

    private static Violation? MeteredCharge(string at, Charge charge, IReadOnlyDictionary<string, int> meters)
    {
        if (charge.Meter is null)
            return new Violation($"{at}.meter", "missing_field", "'meter' is required, except on a flat fee.");
        if (!meters.TryGetValue(charge.Meter, out var dimensions))
            return new Violation($"{at}.meter", "unknown_meter", $"No meter has the key '{charge.Meter}'.");
        if (charge.Timing is not null)
            return new Violation(
                $"{at}.timing",
                "not_of_this_model",
                "'timing' must not be set on a usage charge, since usage is known only when its period has ended."
            );
        if (charge.Proration is not null && charge.Minimum is null && charge.Maximum is null)
            return new Violation(
                $"{at}.proration",
                "not_of_this_model",
                "'proration' applies only to 'minimum' and 'maximum' of a usage charge, and neither is set."
            );
        if (
            (
                Optional($"{at}.includedUnits", charge.IncludedUnits)
                ?? Optional($"{at}.minimum", charge.Minimum)
                ?? Optional($"{at}.maximum", charge.Maximum)
            ) is
            { } bad
        )
            return bad;
        if (charge.Minimum > charge.Maximum)
            return new Violation($"{at}.maximum", "below_minimum", "'maximum' must not be below 'minimum'.");
        return charge.DimensionPrices is null ? null : DimensionPrices($"{at}.dimensionPrices", charge, dimensions);
    }

    private static Violation? DimensionPrices(string path, Charge charge, int dimensions)
    {
        var prices = charge.DimensionPrices!;
        if (dimensions == 0)
            return new Violation(path, "no_dimensions", $"The meter '{charge.Meter}' has no dimensions.");
        if (charge.IncludedUnits is not null)
            return new Violation(
                path,
                "ambiguous_units",
                "'includedUnits' must not be combined with 'dimensionPrices'; use a tier with price 0 instead."
            );
        if (prices.Count is 0 or > MaxDimensionPrices)
            return new Violation(path, "count", $"'dimensionPrices' must have 1 to {MaxDimensionPrices} entries, not {prices.Count}.");
        var seen = new HashSet<string>();
        for (var i = 0; i < prices.Count; i++)
        {
            var (values, at) = (prices[i].Values, $"{path}[{i}]");
            if (values.Count != dimensions)
                return new Violation(
                    $"{at}.values",
                    "count",
                    $"The meter '{charge.Meter}' has {dimensions} dimensions, so 'values' must have {dimensions} entries."
                );
            for (var j = 0; j < values.Count; j++)
            {
                if (Text($"{at}.values[{j}]", values[j], required: false) is { } bad)
                    return bad;
                if (values[j].Contains(DimensionValues.Separator, StringComparison.Ordinal))
                    return new Violation($"{at}.values[{j}]", "invalid_text", "A dimension's value must not contain the character U+001F.");
                if (values[j].Length > DimensionValues.MaxLength)
                    return new Violation(
                        $"{at}.values[{j}]",
                        "too_long",
                        $"A dimension's value must have at most {DimensionValues.MaxLength} characters."
                    );
            }

            if (!seen.Add(string.Join('\0', values)))
                return new Violation($"{at}.values", "duplicate_values", "Duplicate 'values': they already have a price.");
            if (prices[i].Price.Model == PriceModel.Flat)
                return new Violation(
                    $"{at}.price.model",
                    "flat_has_no_meter",
                    "'model' must not be a flat fee, since a flat fee has no meter."
                );
            if (Price($"{at}.price", prices[i].Price) is { } wrong)
                return wrong;
        }

        return null;
    }

    private static Violation? Optional(string path, decimal? value) => value is { } figure ? Figure(path, figure) : null;

    private static Violation? Figure(string path, decimal value)
    {
        if (value is < 0 or >= MaxFigure)
            return new Violation(path, "out_of_range", $"'{Last(path)}' must be 0 or more and below {MaxFigure}.");
        return Places(path, value, MaxDecimalPlaces);
    }

    private static Violation? Percentage(string path, decimal value, decimal most)
    {
        if (value < 0 || value > most)
            return new Violation(path, "out_of_range", $"'{Last(path)}' must be 0 to {most}.");
        return Places(path, value, MaxPercentPlaces);
    }

    private static Violation? Places(string path, decimal value, int most) =>
        ExactDecimal.HasPlaces(value, most)
            ? null
            : new Violation(path, "too_precise", $"'{Last(path)}' must have at most {most} decimal places.");

    private static string Last(string path) => path[(path.LastIndexOf('.') + 1)..];

    [GeneratedRegex("^[a-z0-9_]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex KeyPattern();
}
