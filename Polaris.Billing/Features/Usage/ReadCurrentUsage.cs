using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>A metered charge of a running subscription: what was used so far in this period, and what it would cost if it ended now.</summary>
public sealed record ChargeInProgress(Guid SubscriptionId, string Charge, string Meter, BillingPeriod Period, decimal Quantity, decimal Amount, string Currency);

/// <summary>The period in progress of one customer, from pre-aggregates and the same engine that makes invoices.</summary>
internal sealed class ReadCurrentUsage(BillingDbContext db, TenantScope tenant, OrgClocks clocks)
{
    public Task<IReadOnlyList<ChargeInProgress>> HandleAsync(string customer, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        var org = tenant.RequireOrg();
        var now = await clocks.NowAsync(token);
        var subscriptions = await db.Subscriptions.AsNoTracking().Where(row => row.CustomerKey == customer && row.StartAt <= now && (row.EndAt == null || row.EndAt > now))
            .OrderBy(row => row.StartAt).ThenBy(row => row.Id).ToListAsync(token);
        var plans = await PlanCatalog.ReadAsync(db, subscriptions.Select(row => row.PlanVersionId), token);
        var periods = subscriptions.Select(row => Calendars.Of(row).Containing(now)!.Value).ToArray();
        var tx = DraftInvoices.Transaction(db);
        var meters = (await MeterCatalog.ReadAsync(tx, [org], token)).GetValueOrDefault(org, []);
        var usage = await UsageOfSpans.ReadAsync(tx, org, [.. periods.Select((period, i) => new UsageSpan(i, customer, period.Start, period.End))], meters, token);
        var charges = new List<ChargeInProgress>();
        for (var i = 0; i < subscriptions.Count; i++)
        {
            var plan = plans[subscriptions[i].PlanVersionId];
            var rated = InvoiceRows.Rate(RatingEngine.Version, subscriptions[i], periods[i], plan, usage.GetValueOrDefault(i, PeriodUsage.Empty));
            charges.AddRange(rated.Lines.Where(line => line.Charge.Meter is not null).Select(line =>
                new ChargeInProgress(subscriptions[i].Id, line.Charge.Key, line.Charge.Meter!, periods[i], line.Usage.Quantity, line.Amount, plan.Currency)));
        }

        return (IReadOnlyList<ChargeInProgress>)charges;
    }, ct);
}
