using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>
/// From this time on (a multiple of 15 minutes, not before the subscription's start) the subscription is on another plan version. A pause
/// is a change to <see cref="PlanVersion.PausedId"/>, resuming one back.
/// </summary>
/// <param name="At">The time.</param>
/// <param name="PlanVersionId">The version from then on.</param>
/// <param name="AfterBilling">
/// <paramref name="At"/> is the start of a period whose fees in advance the former version had billed when the change was made.
/// </param>
public readonly record struct PlanChange(Instant At, Guid PlanVersionId, bool AfterBilling = false);

/// <summary>A period, or the part of it with one plan version.</summary>
public readonly record struct PlanSpan(BillingPeriod Span, Guid PlanVersionId);

/// <summary>The plan versions of a subscription over time.</summary>
/// <param name="First">The version at the subscription's start.</param>
/// <param name="Changes">Ordered by time.</param>
public sealed record PlanHistory(Guid First, IReadOnlyList<PlanChange> Changes)
{
    /// <summary>Every past, current and scheduled version.</summary>
    public IEnumerable<Guid> Versions => Changes.Select(change => change.PlanVersionId).Prepend(First);

    public Guid At(Instant instant) =>
        Changes.LastOrDefault(change => change.At <= instant, new PlanChange(Instant.MinValue, First)).PlanVersionId;

    /// <summary>A change that the invoice before it knew of.</summary>
    public bool ChangesAt(Instant instant) => Changes.Any(change => change.At == instant && !change.AfterBilling);

    /// <summary>The version that bills in advance for a period with this start.</summary>
    public Guid BillingAt(Instant start) => Within(new BillingPeriod(start, start))[0].PlanVersionId;

    /// <summary>
    /// Splits the period at plan changes, ordered by time. A change at its very start that came after billing gives an empty first span of
    /// the former version. An empty period yields one empty span, with the version that bills at that time.
    /// </summary>
    public IReadOnlyList<PlanSpan> Within(BillingPeriod period)
    {
        var late = Changes.Any(change => change.At == period.Start && change.AfterBilling);
        var former = Changes.LastOrDefault(change => change.At < period.Start, new PlanChange(Instant.MinValue, First)).PlanVersionId;
        if (period.IsEmpty)
            return [new PlanSpan(period, late ? former : At(period.Start))];
        var edges = Changes.Select(change => change.At).Where(at => at > period.Start && at < period.End).ToArray();
        var spans = edges
            .Prepend(period.Start)
            .Zip(edges.Append(period.End), (from, to) => new PlanSpan(new BillingPeriod(from, to), At(from)));
        return late ? [new PlanSpan(new BillingPeriod(period.Start, period.Start), former), .. spans] : [.. spans];
    }
}
