using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>A part of a period with its plan version.</summary>
internal sealed record Part(BillingPeriod Span, PlanVersion Plan);

/// <summary>What is known of a period when its invoice is made.</summary>
/// <param name="Period">M.</param>
/// <param name="Whole">W.</param>
/// <param name="Parts">At least one.</param>
/// <param name="Billed">What the fees in advance of M were billed for; null when none were.</param>
/// <param name="Next">What those of the next period are billed for; null when none are.</param>
/// <param name="NextWhole">The whole period that contains <paramref name="Next"/>.</param>
/// <param name="NextPlan">The version that bills it: the one that it begins with.</param>
/// <param name="OldEnd">The end of M before an early end without credit; else null.</param>
internal sealed record PeriodFacts(
    BillingPeriod Period,
    BillingPeriod Whole,
    IReadOnlyList<Part> Parts,
    BillingPeriod? Billed,
    BillingPeriod? Next,
    BillingPeriod NextWhole,
    PlanVersion NextPlan,
    Instant? OldEnd
)
{
    /// <param name="life">The life.</param>
    /// <param name="boundaries">Its months.</param>
    /// <param name="period">M; an empty one at the start is that of the start invoice.</param>
    public static PeriodFacts Of(Life life, Boundaries boundaries, BillingPeriod period)
    {
        // An early end became known only in its own period, whose fees had been billed to the former end.
        var early = life.Early is { } decided && decided.At == period.End && !period.IsEmpty ? decided : null;
        var (start, end) = (period.IsEmpty, early?.At ?? life.End);
        var billedTo = early is null ? period.End : boundaries.PeriodFrom(period.Start, life.End).End;
        var ends = !start && end == period.End;
        var next = boundaries.PeriodFrom(period.End, end);
        return new PeriodFacts(
            period,
            boundaries.Whole(period.Start),
            PartsOf(life, period),
            start ? null : new BillingPeriod(period.Start, billedTo),
            ends ? null : next,
            boundaries.Whole(next.Start),
            BilledBy(life, next.Start),
            early is { Credit: false } ? billedTo : null
        );
    }

    // The version that bills in advance for a period with this start: a change exactly then counts if it was made before billing.
    private static PlanVersion BilledBy(Life life, Instant start)
    {
        var last = life.Changes.LastOrDefault(change => change.At < start || (change.At == start && !change.AfterBilling));
        return life.Version(last is null ? 0 : last.Version);
    }

    private static List<Part> PartsOf(Life life, BillingPeriod period)
    {
        // One made after billing begins a part of its own, behind an empty one of the former version.
        var late = life.Changes.FirstOrDefault(change => change.At == period.Start && change.AfterBilling);
        var version = BilledBy(life, period.Start);
        if (period.IsEmpty)
            return [new Part(period, version)];
        var (parts, from) = (new List<Part>(), period.Start);
        foreach (var change in life.Changes.Where(change => change == late || (change.At > period.Start && change.At < period.End)))
        {
            parts.Add(new Part(new BillingPeriod(from, change.At), version));
            (from, version) = (change.At, life.Version(change.Version));
        }

        parts.Add(new Part(new BillingPeriod(from, period.End), version));
        return parts;
    }
}
