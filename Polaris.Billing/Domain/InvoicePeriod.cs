using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>A part of a period with its plan version.</summary>
public sealed record PlanPart(BillingPeriod Span, PlanVersion Plan);

/// <summary>
/// What an invoice covers: its period with the plan versions in it, and the times of the fees in advance around it.
/// </summary>
/// <param name="This">
/// The period and the whole period between two boundaries that contains it. An empty one bills only fees in advance (at the subscription's
/// start) or only adjustments (after its end).
/// </param>
/// <param name="Parts">
/// Tile the period, ordered by time, in one currency. The first is empty when a change takes effect at the period's start although the
/// former version's fees in advance had been billed for it.
/// </param>
/// <param name="Billed">
/// The time for which an earlier invoice billed the first part's fees in advance; null when none did.
/// </param>
/// <param name="Next">
/// The following period, whose fees in advance by <see cref="NextPlan"/> are due now; null when nothing follows.
/// </param>
/// <param name="Zone">The subscription's time zone; days are counted in it.</param>
/// <param name="Extras">Coupons and single amounts.</param>
public sealed record InvoicePeriod(
    BilledSpan This,
    IReadOnlyList<PlanPart> Parts,
    BilledSpan? Billed,
    BilledSpan? Next,
    DateTimeZone Zone,
    InvoiceExtras Extras
)
{
    /// <summary>The version that the following period begins with: the last part's, unless a change takes effect at the end.</summary>
    public PlanVersion NextPlan { get; init; } = Parts[^1].Plan;

    /// <summary>A whole period with one version, which nothing was billed for before and nothing follows.</summary>
    public static InvoicePeriod Alone(BillingPeriod period, PlanVersion plan) =>
        new(new BilledSpan(period, period), [new PlanPart(period, plan)], null, null, DateTimeZone.Utc, InvoiceExtras.None);

    /// <param name="calendar">The subscription's periods.</param>
    /// <param name="plans">Its plan changes.</param>
    /// <param name="period">
    /// One of its periods; the empty one at its start, for the fees in advance of the first; or the empty one at its end.
    /// </param>
    /// <param name="version">Returns a plan version by its id.</param>
    /// <param name="paidUntil">
    /// The original end of the last period, when it was shortened after its fees in advance had been billed. Else null.
    /// </param>
    /// <param name="extras">Of this period.</param>
    public static InvoicePeriod Of(
        PeriodCalendar calendar,
        PlanHistory plans,
        BillingPeriod period,
        Func<Guid, PlanVersion> version,
        Instant? paidUntil,
        InvoiceExtras extras
    )
    {
        ArgumentNullException.ThrowIfNull(calendar);
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentNullException.ThrowIfNull(extras);
        PlanPart[] parts = [.. plans.Within(period).Select(part => new PlanPart(part.Span, version(part.PlanVersionId)))];
        var starts = period.IsEmpty && period.Start == calendar.Start;
        // An end without credit at the very start keeps what the first invoice billed.
        var next =
            period.IsEmpty && !starts ? null
            : calendar.StartingAt(period.End) is { } following ? following with { End = PaidEnd(following) }
            : starts && !extras.CreditUnused && paidUntil > period.Start ? new BillingPeriod(period.Start, paidUntil.Value)
            : (BillingPeriod?)null;
        return new InvoicePeriod(
            new BilledSpan(period, period.IsEmpty ? period : calendar.WholeContaining(period.Start)),
            parts,
            period.IsEmpty ? null : new BilledSpan(period with { End = PaidEnd(period) }, calendar.WholeContaining(period.Start)),
            next is { } billed ? new BilledSpan(billed, calendar.WholeContaining(billed.Start)) : null,
            calendar.Zone,
            extras
        )
        {
            NextPlan = next is { } begun ? version(plans.BillingAt(begun.Start)) : parts[^1].Plan,
        };

        Instant PaidEnd(BillingPeriod one) => paidUntil is { } until && one.End == calendar.End && until > one.End ? until : one.End;
    }
}
