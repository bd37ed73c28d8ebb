namespace Polaris.Plans.Domain;

internal static partial class PlanValidation
{
    /// <summary>A figure of a price or tier, and whether the model requires or allows it.</summary>
    private readonly record struct Field(string Name, decimal? Value, bool Required, bool Allowed, bool IsPercent = false);

    private static Violation? Price(string path, Price price)
    {
        var model = price.Model;
        var (isFlat, isPackage, isPercentage) = (model == PriceModel.Flat, model == PriceModel.Package, model == PriceModel.Percentage);
        Field[] fields =
        [
            new("amount", price.Amount, isFlat, isFlat),
            new("unitPrice", price.UnitPrice, model == PriceModel.PerUnit, model == PriceModel.PerUnit),
            new("packageSize", price.PackageSize, isPackage, isPackage),
            new("packagePrice", price.PackagePrice, isPackage, isPackage),
            new("freeUnits", price.FreeUnits, false, isPackage),
            new("percent", price.Percent, isPercentage, isPercentage, IsPercent: true),
            new("feePerEvent", price.FeePerEvent, false, isPercentage),
            new("freeAmount", price.FreeAmount, false, isPercentage),
            new("freeEvents", price.FreeEvents, false, isPercentage),
        ];
        if (Fields(path, $"a {model} price", fields) is { } bad)
            return bad;
        if (price.PackageRounding is not null && !isPackage)
            return new Violation($"{path}.packageRounding", "not_of_this_model", $"'packageRounding' must not be set on a {model} price.");
        if (price.PackageSize is 0)
            return new Violation($"{path}.packageSize", "out_of_range", "'packageSize' must be above 0.");
        if (price.FlatFeeAtZero is not null && model is not (PriceModel.Graduated or PriceModel.Volume or PriceModel.StairStep))
            return new Violation($"{path}.flatFeeAtZero", "not_of_this_model", $"'flatFeeAtZero' must not be set on a {model} price.");
        var tiered = model is PriceModel.Graduated or PriceModel.Volume or PriceModel.StairStep or PriceModel.GraduatedPercentage;
        if (!tiered)
            return price.Tiers is null
                ? null
                : new Violation($"{path}.tiers", "not_of_this_model", $"'tiers' must not be set on a {model} price.");
        return price.Tiers is null
            ? new Violation($"{path}.tiers", "missing_field", $"'tiers' is required on a {model} price.")
            : Tiers($"{path}.tiers", model, price.Tiers);
    }

    private static Violation? Tiers(string path, PriceModel model, IReadOnlyList<Tier> tiers)
    {
        if (tiers.Count is 0 or > MaxTiers)
            return new Violation(path, "count", $"A price must have 1 to {MaxTiers} tiers, not {tiers.Count}.");
        var below = 0m;
        for (var i = 0; i < tiers.Count; i++)
        {
            var (tier, at, last) = (tiers[i], $"{path}[{i}]", i == tiers.Count - 1);
            var (byUnit, byPercent) = (model is PriceModel.Graduated or PriceModel.Volume, model == PriceModel.GraduatedPercentage);
            Field[] fields =
            [
                new("unitPrice", tier.UnitPrice, byUnit, byUnit),
                new("flatFee", tier.FlatFee, model == PriceModel.StairStep, true),
                new("percent", tier.Percent, byPercent, byPercent, IsPercent: true),
                new("packageSize", tier.PackageSize, false, byUnit),
            ];
            if (Fields(at, $"a tier of a {model} price", fields) is { } bad)
                return bad;
            if (tier.PackageSize is 0)
                return new Violation($"{at}.packageSize", "out_of_range", "'packageSize' must be above 0.");
            if (last && tier.UpTo is not null)
                return new Violation(
                    $"{at}.upTo",
                    "missing_infinity",
                    "'upTo' must not be set on the last tier, so that every quantity has a price."
                );
            if (last)
                return null;
            if (tier.UpTo is not { } end)
                return new Violation(
                    $"{at}.upTo",
                    "unreachable_tier",
                    "'upTo' is required on every tier but the last; the tiers after this one could never be reached."
                );
            if (Figure($"{at}.upTo", end) is { } wrong)
                return wrong;
            if (end <= below)
                return new Violation($"{at}.upTo", "overlap", $"'upTo' must be above {below}, where the previous tier ends.");
            below = end;
        }

        return null;
    }

    private static Violation? Fields(string path, string what, Field[] fields)
    {
        foreach (var field in fields)
        {
            var at = $"{path}.{field.Name}";
            if (field.Value is null && field.Required)
                return new Violation(at, "missing_field", $"'{field.Name}' is required on {what}.");
            if (field.Value is not null && !field.Allowed)
                return new Violation(at, "not_of_this_model", $"'{field.Name}' must not be set on {what}.");
            if (field.Value is { } figure && (field.IsPercent ? Percentage(at, figure, MaxPercent) : Figure(at, figure)) is { } bad)
                return bad;
        }

        return null;
    }
}
