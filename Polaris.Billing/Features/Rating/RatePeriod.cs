using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Rating;

/// <summary>Rates a period of a subscription's row, with the engine version of its invoice.</summary>
internal static class RatePeriod
{
    /// <summary>
    /// Rates a period as its invoice does. The empty period at the subscription's start has only the fees in advance of the first period,
    /// an empty one at its end nothing.
    /// </summary>
    /// <param name="engine">Version of the engine.</param>
    /// <param name="subscription">Its calendar determines proration and fees in advance.</param>
    /// <param name="plans">The plan history: the subscription's own, or another one to compare with.</param>
    /// <param name="period">One of the subscription's periods, or an empty one.</param>
    /// <param name="versions">Plan versions by id.</param>
    /// <param name="usage">Returns the usage of each span that <see cref="SpansOf"/> names.</param>
    public static RatedInvoice Run(
        string engine,
        SubscriptionRow subscription,
        PlanHistory plans,
        BillingPeriod period,
        IReadOnlyDictionary<Guid, PlanVersion> versions,
        Func<BilledSpan, PeriodUsage> usage
    )
    {
        var subject = new InvoiceSubject(subscription.Id, subscription.CustomerKey, period);
        var minorUnits = Currencies.MinorUnits(versions[plans.First].Currency);
        return engine == RatingEngine.Version
            ? RatingEngine.Rate(subject, PeriodOf(subscription, plans, period, versions), usage, minorUnits)
            : SplitInvoiceV2.Rate(engine, subject, PartsOf(subscription, plans, period, versions, usage), minorUnits);
    }

    /// <summary>The spans whose usage rating a period needs, without empty ones.</summary>
    public static IEnumerable<BilledSpan> SpansOf(
        string engine,
        SubscriptionRow subscription,
        PlanHistory plans,
        BillingPeriod period,
        IReadOnlyDictionary<Guid, PlanVersion> versions
    ) =>
        engine == RatingEngine.Version
            ? RatingEngine.SpansOf(PeriodOf(subscription, plans, period, versions))
            : plans.Within(period).Where(part => !part.Span.IsEmpty).Select(part => new BilledSpan(part.Span, part.Span));

    /// <summary>The plan versions of a period, ordered by time.</summary>
    public static IReadOnlyList<PlanVersion> VersionsOf(
        PlanHistory plans,
        BillingPeriod period,
        IReadOnlyDictionary<Guid, PlanVersion> versions
    ) => [.. plans.Within(period).Select(part => VersionOf(part.PlanVersionId, plans, versions))];

    private static PlanVersion VersionOf(Guid id, PlanHistory plans, IReadOnlyDictionary<Guid, PlanVersion> versions) =>
        id == PlanVersion.PausedId ? PlanVersion.Paused(versions[plans.First].Currency) : versions[id];

    private static InvoicePeriod PeriodOf(
        SubscriptionRow subscription,
        PlanHistory plans,
        BillingPeriod period,
        IReadOnlyDictionary<Guid, PlanVersion> versions
    ) =>
        InvoicePeriod.Of(
            Calendars.Of(subscription),
            plans,
            period,
            id => VersionOf(id, plans, versions),
            subscription.PaidUntil,
            Calendars.ExtrasOf(subscription, period)
        );

    /// <summary>The input of engine versions 1 and 2.</summary>
    private static PeriodPartV2[] PartsOf(
        SubscriptionRow subscription,
        PlanHistory plans,
        BillingPeriod period,
        IReadOnlyDictionary<Guid, PlanVersion> versions,
        Func<BilledSpan, PeriodUsage> usage
    )
    {
        var calendar = Calendars.Of(subscription);
        return
        [
            .. plans
                .Within(period)
                .Select(part =>
                    period.IsEmpty
                        ? new PeriodPartV2(
                            period,
                            VersionOf(part.PlanVersionId, plans, versions) with
                            {
                                Charges = [],
                                Terms = null,
                            },
                            PeriodUsage.Empty,
                            BilledTimeV2.Alone(period)
                        )
                        : new PeriodPartV2(
                            part.Span,
                            VersionOf(part.PlanVersionId, plans, versions),
                            usage(new BilledSpan(part.Span, part.Span)),
                            BilledTimeV2.Of(calendar, plans, period, part.Span, subscription.PaidUntil)
                        )
                ),
        ];
    }
}
