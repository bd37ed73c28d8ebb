namespace Polaris.Billing.Domain;

/// <summary>
/// Invoice-level lines of engine version 2, unchanged so that its invoices can be recomputed. Do not change it. Adds them in this order:
/// commitment (on metered charges), minimum and maximum (on everything so far), discounts (each on what the previous ones left, never below
/// zero), taxes (each on the discounted amount). Every term of the plan gets a line, even if it
/// changes nothing, so a plan version always yields the same lines. Each line starts from rounded lines and is rounded once.
/// </summary>
internal static class InvoiceStepsV2
{
    private static readonly LineSource CommitmentLine = new("commitment", "Commitment", null);
    private static readonly LineSource MinimumLine = new("minimum", "Minimum", null);
    private static readonly LineSource MaximumLine = new("maximum", "Maximum", null);
    private static readonly MeterUsage Once = new(1, 0, 0);

    /// <summary>Adds the lines; returns the tax that the total contains.</summary>
    public static decimal Add(List<RatedLine> lines, PlanTerms terms, BilledTimeV2 time, int minorUnits)
    {
        var share = time.ShareOfThis(terms.Proration);
        if (terms.Commitment is { } commitment)
            lines.Add(Commit(lines, commitment, share, minorUnits));
        if (terms.Minimum is { } minimum)
        {
            var (least, amount) = (share.Of(minimum), Sum(lines));
            AddStep(
                LineKind.Minimum,
                MinimumLine,
                amount < least
                    ? new ExplanationStep(
                        $"From {RatingEngine.Text(amount)} up to the minimum of {RatingEngine.Text(least)}",
                        1,
                        least - amount,
                        least - amount
                    )
                    : null
            );
        }

        if (terms.Maximum is { } maximum)
        {
            var (most, amount) = (share.Of(maximum), Sum(lines));
            AddStep(
                LineKind.Maximum,
                MaximumLine,
                amount > most
                    ? new ExplanationStep(
                        $"From {RatingEngine.Text(amount)} down to the maximum of {RatingEngine.Text(most)}",
                        1,
                        most - amount,
                        most - amount
                    )
                    : null
            );
        }

        foreach (var discount in terms.Discounts)
            AddStep(LineKind.Discount, discount, Discounted(discount, Sum(lines)));
        return AddTaxes(lines, terms, minorUnits);

        void AddStep(LineKind kind, LineSource source, ExplanationStep? step) =>
            lines.Add(RatingEngineV2.Line(source, Once, step is null ? [] : [step], minorUnits, kind));
    }

    private static RatedLine Commit(List<RatedLine> lines, Commitment commitment, TimeShare share, int minorUnits)
    {
        var (committed, used) = (share.Of(commitment.Amount), 0m);
        foreach (var line in lines)
        {
            if (line.Charge.Meter is not null)
                used += line.Amount;
        }

        List<ExplanationStep> steps = [];
        if (used < committed)
        {
            var missing = committed - used;
            steps.Add(
                new ExplanationStep(
                    $"Usage of {RatingEngine.Text(used)}, up to the commitment of {RatingEngine.Text(committed)}",
                    1,
                    missing,
                    missing
                )
            );
        }
        else if (commitment.OverageFactor != 1 && used > committed)
        {
            var (over, extra) = (used - committed, commitment.OverageFactor - 1);
            steps.Add(
                new ExplanationStep(
                    $"Usage beyond the commitment of {RatingEngine.Text(committed)} costs "
                        + $"{RatingEngine.Text(commitment.OverageFactor)} times its price",
                    over,
                    extra,
                    Exact.Multiply(over, extra)
                )
            );
        }

        return RatingEngineV2.Line(CommitmentLine, Once, steps, minorUnits, LineKind.Commitment);
    }

    private static ExplanationStep? Discounted(Discount discount, decimal left)
    {
        if (left <= 0)
            return null;
        if (discount.Rate is { } rate)
            return new ExplanationStep($"Share of {RatingEngine.Text(left)}", -left, rate, -Exact.Multiply(left, rate));
        var off = Math.Min(left, discount.Amount ?? 0);
        return new ExplanationStep($"Off {RatingEngine.Text(left)}", -1, off, -off);
    }

    private static decimal AddTaxes(List<RatedLine> lines, PlanTerms terms, int minorUnits)
    {
        var (taxable, tax) = (Sum(lines), 0m);
        var gross = 1m;
        foreach (var rate in terms.Taxes)
            gross += rate.Rate;
        foreach (var rate in terms.Taxes)
        {
            List<ExplanationStep> steps;
            decimal due;
            if (terms.TaxesIncluded)
            {
                // An inclusive tax is already in the prices: the line shows it and adds nothing.
                var contained = Exact.Divide(taxable, rate.Rate, gross);
                steps =
                [
                    new($"Contained in {RatingEngine.Text(taxable)}", taxable, rate.Rate, contained, gross),
                    new("In the lines above already", -1, contained, -contained),
                ];
                due = RatingEngine.RoundToMinorUnits(contained, minorUnits);
            }
            else
            {
                steps = [new($"On {RatingEngine.Text(taxable)}", taxable, rate.Rate, Exact.Multiply(taxable, rate.Rate))];
                due = RatingEngine.RoundToMinorUnits(steps[0].Amount, minorUnits);
            }

            tax += due;
            lines.Add(RatingEngineV2.Line(rate, Once, steps, minorUnits, LineKind.Tax) with { Tax = due });
        }

        return tax;
    }

    private static decimal Sum(List<RatedLine> lines)
    {
        var sum = 0m;
        foreach (var line in lines)
            sum += line.Amount;
        return sum;
    }
}
