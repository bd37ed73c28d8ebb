namespace Polaris.Plans.Domain;

internal static partial class PlanValidation
{
    /// <summary>A figure of a price or tier: whether its model must have it, or may.</summary>
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
        if (Fields(path, $"A {model} price", fields) is { } bad) return bad;
        if (price.PackageRounding is not null && !isPackage) return new Violation($"{path}.packageRounding", "not_of_this_model", $"A {model} price has no 'packageRounding'.");
        if (price.PackageSize is 0) return new Violation($"{path}.packageSize", "out_of_range", "A package holds more than 0 units.");
        var tiered = model is PriceModel.Graduated or PriceModel.Volume or PriceModel.StairStep or PriceModel.GraduatedPercentage;
        if (!tiered) return price.Tiers is null ? null : new Violation($"{path}.tiers", "not_of_this_model", $"A {model} price has no tiers.");
        return price.Tiers is null ? new Violation($"{path}.tiers", "missing_field", $"A {model} price needs tiers.") : Tiers($"{path}.tiers", model, price.Tiers);
    }

    private static Violation? Tiers(string path, PriceModel model, IReadOnlyList<Tier> tiers)
    {
        if (tiers.Count is 0 or > MaxTiers) return new Violation(path, "count", $"A price has 1 to {MaxTiers} tiers, not {tiers.Count}.");
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
            ];
            if (Fields(at, $"A tier of a {model} price", fields) is { } bad) return bad;
            if (last && tier.UpTo is not null) return new Violation($"{at}.upTo", "missing_infinity", "The last tier has no end: leave its 'upTo' out, so that every quantity has a price.");
            if (last) return null;
            if (tier.UpTo is not { } end) return new Violation($"{at}.upTo", "unreachable_tier", "Only the last tier has no end; the tiers after this one could never be reached.");
            if (Figure($"{at}.upTo", end) is { } wrong) return wrong;
            if (end <= below) return new Violation($"{at}.upTo", "overlap", $"Tiers rise: this one must end above {below}.");
            below = end;
        }

        return null;
    }

    private static Violation? Fields(string path, string what, Field[] fields)
    {
        foreach (var field in fields)
        {
            var at = $"{path}.{field.Name}";
            if (field.Value is null && field.Required) return new Violation(at, "missing_field", $"{what} needs '{field.Name}'.");
            if (field.Value is not null && !field.Allowed) return new Violation(at, "not_of_this_model", $"{what} has no '{field.Name}'.");
            if (field.Value is { } figure && (field.IsPercent ? Percentage(at, figure, MaxPercent) : Figure(at, figure)) is { } bad) return bad;
        }

        return null;
    }
}
