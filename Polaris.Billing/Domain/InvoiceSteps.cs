namespace Polaris.Billing.Domain;

/// <summary>What terms apply to, in whole minor units.</summary>
/// <param name="Bounded">Everything that minimum and maximum count.</param>
/// <param name="Metered">The metered part of it, which the commitment counts.</param>
/// <param name="Others">Single amounts: only discounts and taxes count them.</param>
internal readonly record struct TermsBase(decimal Bounded, decimal Metered, decimal Others);

/// <summary>The shares of the terms' amounts that are due.</summary>
/// <param name="Bound">Of the minimum and the commitment.</param>
/// <param name="Maximum">Of the maximum.</param>
/// <param name="Discount">Of discounts of an amount.</param>
internal readonly record struct TermsShares(TimeShare Bound, TimeShare Maximum, TimeShare Discount);

/// <summary>
/// Computes the invoice-level lines in this order: commitment (on metered charges), minimum and maximum (on everything so far), discounts
/// of the plan, then of the subscription (each on what the previous ones left, never beyond zero), taxes (each on the discounted amount).
/// Every term gets a line, even if it changes nothing, so a plan version always yields the same lines. Each starts from rounded amounts
/// and is rounded once. Negative sums are the mirror of positive ones, except that a minimum and a commitment are always lower bounds.
/// </summary>
internal sealed class InvoiceSteps(PlanTerms terms, TermsShares shares, int minorUnits)
{
    private static readonly LineSource CommitmentLine = new("commitment", "Commitment", null);
    private static readonly LineSource MinimumLine = new("minimum", "Minimum", null);
    private static readonly LineSource MaximumLine = new("maximum", "Maximum", null);

    private readonly List<(LineKind Kind, LineSource Source, Piece Piece)> pieces = [];
    private decimal sum;

    /// <param name="on">What the terms apply to.</param>
    /// <param name="coupons">The subscription's discounts that apply.</param>
    /// <param name="inAdvance">Fees in advance have no minimum and no commitment: those are settled when the period is over.</param>
    public IReadOnlyList<(LineKind Kind, LineSource Source, Piece Piece)> Apply(TermsBase on, IEnumerable<Discount> coupons, bool inAdvance)
    {
        sum = on.Bounded;
        if (terms.Commitment is { } commitment && !inAdvance)
            Add(LineKind.Commitment, CommitmentLine, Commit(on.Metered, commitment));
        if (terms.Minimum is { } minimum && !inAdvance)
            Add(
                LineKind.Minimum,
                MinimumLine,
                shares.Bound.Of(minimum) is var least && sum < least ? To("up to the minimum", least) : null
            );
        if (terms.Maximum is { } maximum)
        {
            var most = shares.Maximum.Of(maximum);
            Add(LineKind.Maximum, MaximumLine, Math.Abs(sum) > most ? To("down to the maximum", sum < 0 ? -most : most) : null);
        }

        sum += on.Others;
        foreach (var discount in terms.Discounts.Concat(coupons))
            Add(LineKind.Discount, discount, Off(discount, sum, shares.Discount));
        AddTaxes();
        return pieces;
    }

    /// <summary>What a discount takes off an amount; null when there is nothing to take.</summary>
    public static ExplanationStep? Off(Discount discount, decimal left, TimeShare share)
    {
        if (left == 0)
            return null;
        if (discount.Rate is { } rate)
            return new ExplanationStep($"Share of {RatingEngine.Text(left)}", -left, rate, -Exact.Multiply(left, rate));
        var off = Math.Min(Math.Abs(left), share.Of(discount.Amount ?? 0));
        var sign = left < 0 ? 1 : -1;
        return new ExplanationStep($"Off {RatingEngine.Text(left)}", sign, off, sign * off);
    }

    private void Add(LineKind kind, LineSource source, ExplanationStep? step)
    {
        var piece = Piece.Of(step is null ? [] : [step], minorUnits);
        sum += piece.Amount;
        pieces.Add((kind, source, piece));
    }

    private ExplanationStep To(string words, decimal bound) =>
        new($"From {RatingEngine.Text(sum)} {words} of {RatingEngine.Text(bound)}", 1, bound - sum, bound - sum);

    private ExplanationStep? Commit(decimal used, Commitment commitment)
    {
        var committed = shares.Bound.Of(commitment.Amount);
        if (used < committed)
            return new ExplanationStep(
                $"Usage of {RatingEngine.Text(used)}, up to the commitment of {RatingEngine.Text(committed)}",
                1,
                committed - used,
                committed - used
            );
        if (commitment.OverageFactor == 1 || used == committed)
            return null;
        var (over, extra) = (used - committed, commitment.OverageFactor - 1);
        return new ExplanationStep(
            $"Usage beyond the commitment of {RatingEngine.Text(committed)} costs "
                + $"{RatingEngine.Text(commitment.OverageFactor)} times its price",
            over,
            extra,
            Exact.Multiply(over, extra)
        );
    }

    private void AddTaxes()
    {
        var (taxable, gross) = (sum, 1m);
        foreach (var rate in terms.Taxes)
            gross += rate.Rate;
        foreach (var rate in terms.Taxes)
        {
            List<ExplanationStep> steps;
            decimal due;
            if (taxable == 0)
                (steps, due) = ([], RatingEngine.RoundToMinorUnits(0, minorUnits));
            else if (terms.TaxesIncluded)
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

            pieces.Add((LineKind.Tax, rate, Piece.Of(steps, minorUnits) with { Tax = due }));
        }
    }
}
