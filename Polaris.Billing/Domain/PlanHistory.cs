using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>From a moment on (a multiple of 15 minutes, after the subscription's start) a subscription is on another plan version.</summary>
public readonly record struct PlanChange(Instant At, Guid PlanVersionId);

/// <summary>A part of a period, or all of it, in which one plan version held.</summary>
public readonly record struct PlanSpan(BillingPeriod Span, Guid PlanVersionId);

/// <summary>Which plan version a subscription is on when.</summary>
/// <param name="First">The one it began with.</param>
/// <param name="Changes">In order of time.</param>
public sealed record PlanHistory(Guid First, IReadOnlyList<PlanChange> Changes)
{
    /// <summary>Every version that it was or will be on.</summary>
    public IEnumerable<Guid> Versions => Changes.Select(change => change.PlanVersionId).Prepend(First);

    public Guid At(Instant instant) => Changes.LastOrDefault(change => change.At <= instant, new PlanChange(Instant.MinValue, First)).PlanVersionId;

    public bool ChangesAt(Instant instant) => Changes.Any(change => change.At == instant);

    /// <summary>Spans that tile the period in order of time, one without a change within; an empty period is one empty span.</summary>
    public IReadOnlyList<PlanSpan> Within(BillingPeriod period)
    {
        var edges = Changes.Select(change => change.At).Where(at => at > period.Start && at < period.End).ToArray();
        return [.. edges.Prepend(period.Start).Zip(edges.Append(period.End), (from, to) => new PlanSpan(new BillingPeriod(from, to), At(from)))];
    }
}
