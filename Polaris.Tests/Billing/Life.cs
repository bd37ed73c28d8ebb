using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing;

/// <summary>A subscription's lifetime: periods, plan versions, usage, and whether its end was moved forward.</summary>
internal sealed record Life(
    PeriodCalendar Calendar,
    PlanHistory Plans,
    PlanVersion[] Versions,
    Instant? PaidUntil = null,
    Func<BilledSpan, PeriodUsage>? Usage = null,
    Func<BillingPeriod, InvoiceExtras>? Extras = null
)
{
    public static Life From(string start, PlanVersion plan, string? end = null) =>
        new(
            new PeriodCalendar(
                PublicFormat.At(start),
                end is null ? null : PublicFormat.At(end),
                new BillingCycle(BillingInterval.Month, 1),
                DateTimeZone.Utc
            ),
            new PlanHistory(plan.Id, []),
            [plan]
        );

    public Life Change(string at, PlanVersion to, bool afterBilling = false) =>
        this with
        {
            Plans = Plans with { Changes = [.. Plans.Changes, new PlanChange(PublicFormat.At(at), to.Id, afterBilling)] },
            Versions = [.. Versions, to],
        };

    /// <summary>Ends within a period whose fees in advance were billed.</summary>
    public Life End(string at)
    {
        var end = PublicFormat.At(at);
        var (was, now) = (Calendar.Containing(end - Buckets.Size)!.Value.End, Calendar with { End = end });
        return this with { Calendar = now, PaidUntil = was > end ? was : null };
    }

    public IEnumerable<BillingPeriod> Periods()
    {
        for (var period = Calendar.StartingAt(Calendar.Start); period is { } one; period = Calendar.StartingAt(one.End))
            yield return one;
    }

    /// <summary>The invoice at the start, then one a period.</summary>
    public IEnumerable<BillingPeriod> Invoices() => Periods().Prepend(new BillingPeriod(Calendar.Start, Calendar.Start));

    public InvoicePeriod Of(BillingPeriod period, int changes = int.MaxValue) =>
        InvoicePeriod.Of(
            Calendar,
            Plans with
            {
                Changes = [.. Plans.Changes.Take(changes)],
            },
            period,
            id => id == PlanVersion.PausedId ? PlanVersion.Paused("USD") : Versions.First(version => version.Id == id),
            PaidUntil,
            Extras?.Invoke(period) ?? InvoiceExtras.None
        );

    public RatedInvoice Rate(BillingPeriod period, int changes = int.MaxValue)
    {
        var input = Of(period, changes);
        var invoice = RatingEngine.Rate(
            new InvoiceSubject(Guid.Empty, "acme", period),
            input,
            span =>
            {
                Xunit.Assert.Contains(span, RatingEngine.SpansOf(input));
                return Usage?.Invoke(span) ?? PeriodUsage.Empty;
            },
            2
        );
        Explanations.Hold(invoice);
        return invoice;
    }

    public RatedInvoice Rate(string start, string end) => Rate(PublicFormat.Period(start, end));

    /// <summary>Totals of all invoices in order, the one at the start first.</summary>
    public decimal[] Totals() => [.. Invoices().Select(period => Rate(period).Total)];
}
