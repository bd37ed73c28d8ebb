using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.WhatIf;

/// <summary>A quantity put in the place of what was used of a meter.</summary>
public sealed record AssumedQuantity(string Meter, decimal Quantity, long EventCount);

/// <summary>An invoice that is not stored.</summary>
internal sealed record UnstoredInvoice(SubscriptionRow Subscription, BillingPeriod Period, string Currency, RatedInvoice Rated);

/// <summary>The invoices of a customer's periods in progress as they would be now, or with other quantities. Writes nothing.</summary>
internal sealed class PreviewInvoice(BillingDbContext db, TenantScope tenant, OrgClocks clocks)
{
    public const int MaxQuantities = 100;

    /// <param name="customer">Whose running subscriptions.</param>
    /// <param name="subscription">Only this one; null for all.</param>
    /// <param name="quantities">
    /// Instead of the usage of these meters, under the plan version that holds now. One of a meter that is priced by dimensions counts as usage without them.
    /// </param>
    /// <param name="ct">Cancels.</param>
    public Task<IReadOnlyList<UnstoredInvoice>> HandleAsync(string customer, Guid? subscription, IReadOnlyList<AssumedQuantity> quantities, CancellationToken ct)
    {
        if (quantities.Count > MaxQuantities) throw new RefusedException(Refusal.Invalid("quantities", "count", $"At most {MaxQuantities} quantities at once."));
        return db.InTransactionAsync(async token =>
        {
            var org = tenant.RequireOrg();
            var now = await clocks.NowAsync(token);
            var rows = await db.Subscriptions.AsNoTracking().Where(row => row.CustomerKey == customer && row.StartAt <= now && (row.EndAt == null || row.EndAt > now))
                .Where(row => subscription == null || row.Id == subscription).OrderBy(row => row.StartAt).ThenBy(row => row.Id).Take(Paging.MaxPage).ToListAsync(token);
            var plans = await PlanCatalog.ReadAsync(db, rows.SelectMany(row => Calendars.PlansOf(row).Versions), token);
            var tx = DraftInvoices.Transaction(db);
            var meters = (await MeterCatalog.ReadAsync(tx, [org], token)).GetValueOrDefault(org, []);
            for (var i = 0; i < quantities.Count; i++)
            {
                if (meters.All(meter => meter.Key != quantities[i].Meter))
                    throw new RefusedException(Refusal.Invalid($"quantities[{i}].meter", "unknown_meter", $"There is no meter '{quantities[i].Meter}'."));
            }

            var periods = rows.Select(row => Calendars.Of(row).Containing(now)!.Value).ToArray();
            var usage = await UsageOfSpans.ReadAsync(
                tx, org, rows.SelectMany((row, i) => Calendars.PlansOf(row).Within(periods[i]).Select(one => (customer, one.Span))), meters, token);
            return (IReadOnlyList<UnstoredInvoice>)[.. rows.Select((row, i) => WhatIf.Rate(
                row, Calendars.PlansOf(row), periods[i], plans, span => span.Contains(now) ? Assume(usage[(customer, span)], quantities) : usage[(customer, span)]))];
        }, ct);
    }

    private static PeriodUsage Assume(PeriodUsage used, IReadOnlyList<AssumedQuantity> quantities)
    {
        if (quantities.Count == 0) return used;
        var totals = used.Totals.ToDictionary();
        var byDimension = used.ByDimension.ToDictionary();
        foreach (var assumed in quantities)
        {
            totals[assumed.Meter] = new MeterUsage(assumed.Quantity, assumed.EventCount, 0);
            byDimension[assumed.Meter] = [new DimensionUsage("", totals[assumed.Meter])];
        }

        var usage = new PeriodUsage(totals, byDimension);
        foreach (var meter in used.TooLarge.Where(meter => !totals.ContainsKey(meter))) usage.AddTooLarge(meter);
        return usage;
    }
}
