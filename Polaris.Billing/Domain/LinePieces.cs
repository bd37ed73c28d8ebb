namespace Polaris.Billing.Domain;

/// <summary>An amount of a line, rounded once: its steps sum to the unrounded amount.</summary>
internal sealed record Piece(List<ExplanationStep> Steps, decimal Unrounded, decimal Amount, decimal Tax = 0)
{
    public static Piece Of(List<ExplanationStep> steps, int minorUnits)
    {
        var unrounded = Exact.Sum(steps);
        return new Piece(steps, unrounded, RatingEngine.RoundToMinorUnits(unrounded, minorUnits));
    }
}

/// <summary>
/// A line of an invoice while it is put together: what the period owes, minus what was billed in advance for it, plus what is billed in
/// advance for the next.
/// </summary>
internal sealed class LinePieces(LineKind kind, LineSource source, MeterUsage usage, PlanSpan? span)
{
    public LineKind Kind => kind;

    public string Key => source.Key;

    public bool IsMetered => source.Meter is not null;

    /// <summary>What the period owes.</summary>
    public Piece? Own { get; set; }

    /// <summary>What an earlier invoice billed for the period.</summary>
    public Piece? Billed { get; set; }

    /// <summary>What is due now for the next period.</summary>
    public Piece? Next { get; set; }

    public RatedLine ToLine(int minorUnits)
    {
        (Piece? Piece, int Sign, string Label)[] all = [(Own, 1, ""), (Billed, -1, "Billed in advance: "), (Next, 1, "In advance: ")];
        var (steps, amount, tax) = (new List<ExplanationStep>(4), RatingEngine.RoundToMinorUnits(0, minorUnits), 0m);
        var several = all.Count(one => one.Piece?.Steps.Count > 0) > 1;
        foreach (var (piece, sign, label) in all)
        {
            if (piece is null)
                continue;
            foreach (var step in piece.Steps)
                steps.Add(label.Length == 0 ? step : Turned(step, sign, label));
            // Each piece is rounded by itself, so the difference must not be lost among the others.
            var rounding = piece.Amount - piece.Unrounded;
            if (several && rounding != 0)
                steps.Add(new ExplanationStep($"{label}Rounding", sign, rounding, sign * rounding));
            amount += sign * piece.Amount;
            tax += sign * piece.Tax;
        }

        return new RatedLine(kind, source, usage, Exact.Sum(steps), amount, steps) { Tax = tax, Span = span };
    }

    private static ExplanationStep Turned(ExplanationStep step, int sign, string label) =>
        step with
        {
            Label = label + step.Label,
            Quantity = sign * step.Quantity,
            Amount = sign * step.Amount,
        };
}
