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

/// <summary>
/// A metered charge of a running subscription: what was used so far in this period, and what it would cost if it ended now. Where the plan
/// changed within the period, each version's charges have the part of it that was theirs.
/// </summary>
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
        var plans = await PlanCatalog.ReadAsync(db, subscriptions.SelectMany(row => Calendars.PlansOf(row).Versions), token);
        var periods = subscriptions.Select(row => Calendars.Of(row).Containing(now)!.Value).ToArray();
        var tx = DraftInvoices.Transaction(db);
        var meters = (await MeterCatalog.ReadAsync(tx, [org], token)).GetValueOrDefault(org, []);
        var usage = await UsageOfSpans.ReadAsync(
            tx, org, subscriptions.SelectMany((row, i) => Calendars.PlansOf(row).Within(periods[i]).Select(one => (customer, one.Span))), meters, token);
        return (IReadOnlyList<ChargeInProgress>)[.. subscriptions.SelectMany((row, i) => InvoiceRows
            .Rate(RatingEngine.Version, row, Calendars.PlansOf(row), periods[i], plans, span => usage[(customer, span)]).Lines
            .Where(line => line.Charge.Meter is not null && (line.Span is not { } part || part.Span.Start <= now))
            .Select(line => new ChargeInProgress(
                row.Id, line.Charge.Key, line.Charge.Meter!, line.Span?.Span ?? periods[i], line.Usage.Quantity, line.Amount, plans[row.PlanVersionId].Currency)))];
    }, ct);
}
