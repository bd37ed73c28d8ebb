namespace Polaris.Billing.Domain;

/// <summary>The explanation steps of a charge: its fee or priced usage, then its discounts and bounds.</summary>
internal static class ChargeSteps
{
    /// <summary>Prices the meter's total.</summary>
    public static void Add(List<ExplanationStep> steps, Charge charge, MeterUsage usage, TimeShare part)
    {
        if (charge.IncludedUnits > 0 && charge.Meter is not null)
            PriceSteps.AddBeyondIncluded(steps, charge, usage, part);
        else
            PriceSteps.Add(steps, charge.Price, usage, part);
    }

    /// <summary>A flat fee, or the share of it that is due.</summary>
    public static void AddFee(List<ExplanationStep> steps, decimal fee, TimeShare share)
    {
        if (share.IsAll)
            steps.Add(new ExplanationStep("Flat fee", 1, fee, fee));
        else if (share.Part != 0)
            steps.Add(new ExplanationStep($"Flat fee, {share}", share.Part, fee, share.Of(fee), share.Whole));
    }

    /// <summary>
    /// Prices each combination of dimension values as its own quantity, at its own price or else the charge's. Returns the sum.
    /// </summary>
    public static MeterUsage AddByDimension(
        List<ExplanationStep> steps,
        Charge charge,
        IReadOnlyDictionary<string, Price> prices,
        IReadOnlyList<DimensionUsage> usage,
        TimeShare part,
        bool takesShare
    )
    {
        var (count, digest) = (0L, 0UL);
        var (quantities, others) = (new List<decimal>(usage.Count), new List<decimal>());
        foreach (var (values, used) in usage.OrderBy(entry => entry.Values, StringComparer.Ordinal))
        {
            var children = new List<ExplanationStep>(4);
            PriceSteps.Add(children, prices.GetValueOrDefault(values, charge.Price), takesShare ? Take(children, used, part) : used, part);
            var amount = Exact.Sum(children);
            quantities.Add(used.Quantity);
            count += used.EventCount;
            digest = unchecked(digest + used.EventDigest);
            if (steps.Count < RatingEngine.MaxExplainedCombinations)
                steps.Add(new ExplanationStep(DimensionValues.Show(values), used.Quantity, 0, amount, Children: children));
            else
                others.Add(amount);
        }

        if (others.Count > 0)
        {
            var rest = Exact.Checked(Exact.Sum(others));
            steps.Add(new ExplanationStep($"{others.Count} further combinations", 1, rest, rest));
        }

        return new MeterUsage(Exact.Sum(quantities), count, digest);
    }

    /// <summary>The share of a quantity that is no sum.</summary>
    public static MeterUsage Take(List<ExplanationStep> steps, MeterUsage usage, TimeShare part)
    {
        if (part.IsAll || usage.Quantity == 0)
            return usage;
        var taken = usage with { Quantity = part.Of(usage.Quantity) };
        steps.Add(new ExplanationStep($"{part} of {RatingEngine.Text(usage.Quantity)}", taken.Quantity, 0, 0));
        return taken;
    }

    /// <param name="steps">The priced steps; receives those of discounts and bounds.</param>
    /// <param name="charge">The charge.</param>
    /// <param name="bound">The share of its minimum and maximum.</param>
    /// <param name="part">The share of discounts of an amount.</param>
    public static void AddBounds(List<ExplanationStep> steps, Charge charge, TimeShare bound, TimeShare part)
    {
        if (charge is { Discounts: null or { Count: 0 }, Minimum: null, Maximum: null })
            return;
        AddDiscounts(steps, charge, part);
        if (charge.Minimum is null && charge.Maximum is null)
            return;
        var amount = Exact.Sum(steps);
        if (charge.Minimum is { } minimum && bound.Of(minimum) is var least && amount < least)
        {
            steps.Add(To("Up to the minimum", least));
            amount = least;
        }

        if (charge.Maximum is { } maximum && bound.Of(maximum) is var most && Math.Abs(amount) > most)
            steps.Add(To("Down to the maximum", amount < 0 ? -most : most));

        ExplanationStep To(string words, decimal limit)
        {
            var difference = Exact.Add(limit, -amount);
            return new ExplanationStep($"{words} of {RatingEngine.Text(limit)}", 1, difference, difference);
        }
    }

    public static void AddDiscounts(List<ExplanationStep> steps, Charge charge, TimeShare part)
    {
        foreach (var discount in charge.Discounts ?? [])
        {
            if (InvoiceSteps.Off(discount, Exact.Sum(steps), part) is { } step)
                steps.Add(step with { Label = $"{discount.Name}: {step.Label}" });
        }
    }
}
