using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// A metered charge of a running subscription: its usage so far in this period, and its amount if the period ended now. When a plan change
/// within the period changed the charge, each version's covers its part.
/// </summary>
public sealed record ChargeInProgress(
    Guid SubscriptionId,
    string Charge,
    string Meter,
    BillingPeriod Period,
    decimal Quantity,
    decimal Amount,
    string Currency
);

/// <summary>Usage and amounts of a customer's current period, from aggregates and the engine that rates invoices.</summary>
internal sealed class ReadCurrentUsage(BillingDbContext db, TenantScope tenant, OrgClocks clocks)
{
    /// <summary>
    /// Ended periods of a subscription that still wait for their drafts, of which usage is added: normally one, for the grace.
    /// </summary>
    private const int UndraftedAtMost = 12;

    public Task<IReadOnlyList<ChargeInProgress>> HandleAsync(string customer, CancellationToken ct) =>
        OfAsync(customer, undrafted: false, ct);

    /// <param name="customer">The customer's key.</param>
    /// <param name="undrafted">Also of periods that ended and are not drafted yet.</param>
    /// <param name="ct">Cancels.</param>
    public Task<IReadOnlyList<ChargeInProgress>> OfAsync(string customer, bool undrafted, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                var now = await clocks.NowAsync(token);
                var found = await db
                    .Subscriptions.AsNoTracking()
                    .Where(row =>
                        row.CustomerKey == customer
                        && (
                            ((row.TrialEnd ?? row.StartAt) <= now && (row.EndAt == null || row.EndAt > now))
                            || (undrafted && row.NextPeriodEnd <= now)
                        )
                    )
                    .OrderBy(row => row.StartAt)
                    .ThenBy(row => row.Id)
                    .ToListAsync(token);
                var spans = found.SelectMany(row => PeriodsOf(row, undrafted, now).Select(period => (Row: row, Period: period))).ToArray();
                var (subscriptions, periods) = (spans.Select(span => span.Row).ToArray(), spans.Select(span => span.Period).ToArray());
                var plans = await PlanCatalog.ReadAsync(db, subscriptions.SelectMany(row => Calendars.PlansOf(row).Versions), token);
                if (subscriptions.Length > 0)
                    await SubscriptionExtras.LoadAsync(db, found, periods.Min(period => period.Start), token);
                var tx = db.BorrowTransaction();
                var billed = PlanVersion.MetersOf(plans.Values);
                var meters = (await MeterCatalog.ReadAsync(tx, [org], token)).GetValueOrDefault(org, []);
                var usage = await UsageOfSpans.ReadAsync(
                    tx,
                    org,
                    subscriptions.SelectMany(
                        (row, i) =>
                            RatePeriod
                                .SpansOf(RatingEngine.Version, row, Calendars.PlansOf(row), periods[i], plans)
                                .Select(span => (customer, span))
                    ),
                    meters.Where(meter => billed.Contains(meter.Key)),
                    token
                );
                return (IReadOnlyList<ChargeInProgress>)
                    [
                        .. subscriptions.SelectMany(
                            (row, i) =>
                                RatePeriod
                                    .Run(
                                        RatingEngine.Version,
                                        row,
                                        Calendars.PlansOf(row),
                                        periods[i],
                                        plans,
                                        span => usage[(customer, span)]
                                    )
                                    .Lines.Where(line =>
                                        line.Charge.Meter is not null && (line.Span is not { } part || part.Span.Start <= now)
                                    )
                                    .Select(line => new ChargeInProgress(
                                        row.Id,
                                        line.Charge.Key,
                                        line.Charge.Meter!,
                                        line.Span?.Span ?? periods[i],
                                        line.Usage.Quantity,
                                        line.Amount,
                                        plans[Calendars.PlansOf(row).First].Currency
                                    ))
                        ),
                    ];
            },
            ct
        );

    private static IEnumerable<BillingPeriod> PeriodsOf(SubscriptionRow row, bool undrafted, Instant now)
    {
        var calendar = Calendars.Of(row);
        if (undrafted && row is { NextPeriodStart: { } start, NextPeriodEnd: { } end })
        {
            BillingPeriod? open = new BillingPeriod(start, end);
            for (var i = 0; i < UndraftedAtMost && open is { } period && period.End <= now; i++)
            {
                if (!period.IsEmpty)
                    yield return period;
                open = calendar.StartingAt(period.End);
            }
        }

        if ((row.TrialEnd ?? row.StartAt) <= now && (row.EndAt is null || row.EndAt > now))
            yield return calendar.Containing(now)!.Value;
    }
}
