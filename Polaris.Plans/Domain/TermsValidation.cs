namespace Polaris.Plans.Domain;

internal static partial class PlanValidation
{
    private const decimal Whole = 100m;

    public static Violation? Terms(string path, PlanTerms terms)
    {
        if ((Optional($"{path}.minimum", terms.Minimum) ?? Optional($"{path}.maximum", terms.Maximum)) is { } bad)
            return bad;
        if (terms.Minimum > terms.Maximum)
            return new Violation($"{path}.maximum", "below_minimum", "'maximum' must not be below 'minimum'.");
        if (terms.Commitment is { } commitment)
        {
            if (
                (
                    Figure($"{path}.commitment.amount", commitment.Amount)
                    ?? Figure($"{path}.commitment.overageFactor", commitment.OverageFactor)
                ) is
                { } wrong
            )
                return wrong;
            if (commitment.OverageFactor > MaxOverageFactor)
                return new Violation(
                    $"{path}.commitment.overageFactor",
                    "out_of_range",
                    $"'overageFactor' must be 0 to {MaxOverageFactor}."
                );
        }

        return Discounts($"{path}.discounts", terms.Discounts ?? []) ?? Taxes($"{path}.taxes", terms.Taxes ?? []);
    }

    private static Violation? Discounts(string path, IReadOnlyList<Discount> discounts)
    {
        if (discounts.Count > MaxDiscounts)
            return new Violation(path, "count", $"'discounts' must have at most {MaxDiscounts} entries.");
        var keys = new HashSet<string>();
        for (var i = 0; i < discounts.Count; i++)
        {
            var (discount, at) = (discounts[i], $"{path}[{i}]");
            if ((Key($"{at}.key", discount.Key) ?? Text($"{at}.name", discount.Name)) is { } bad)
                return bad;
            if (!keys.Add(discount.Key))
                return new Violation($"{at}.key", "duplicate_key", $"Duplicate discount key '{discount.Key}'.");
            if (discount is { Percent: null, Amount: null })
                return new Violation($"{at}.percent", "missing_field", "A discount must have either 'percent' or 'amount'.");
            if (discount is { Percent: not null, Amount: not null })
                return new Violation($"{at}.amount", "one_of_two", "A discount must not have both 'percent' and 'amount'.");
            if (discount.Percent is { } percent && Percentage($"{at}.percent", percent, Whole) is { } wrong)
                return wrong;
            if (Optional($"{at}.amount", discount.Amount) is { } refused)
                return refused;
        }

        return null;
    }

    private static Violation? Taxes(string path, IReadOnlyList<TaxRate> taxes)
    {
        if (taxes.Count > MaxTaxes)
            return new Violation(path, "count", $"'taxes' must have at most {MaxTaxes} entries.");
        var keys = new HashSet<string>();
        for (var i = 0; i < taxes.Count; i++)
        {
            var (tax, at) = (taxes[i], $"{path}[{i}]");
            if ((Key($"{at}.key", tax.Key) ?? Text($"{at}.name", tax.Name) ?? Percentage($"{at}.percent", tax.Percent, Whole)) is { } bad)
                return bad;
            if (!keys.Add(tax.Key))
                return new Violation($"{at}.key", "duplicate_key", $"Duplicate tax key '{tax.Key}'.");
        }

        return null;
    }
}
