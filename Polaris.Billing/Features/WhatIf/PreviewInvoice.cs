using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.WhatIf;

/// <summary>A quantity that replaces a meter's usage.</summary>
public sealed record AssumedQuantity(string Meter, decimal Quantity, long EventCount);

/// <param name="Pending">Adjustments of earlier invoices that it would carry.</param>
internal sealed record UnstoredInvoice(
    SubscriptionRow Subscription,
    BillingPeriod Period,
    string Currency,
    RatedInvoice Rated,
    IReadOnlyList<AdjustmentLine> Pending
)
{
    public decimal Total => Rated.Total + Pending.Sum(adjustment => adjustment.Line.Amount);

    public decimal Tax => Rated.Tax + Pending.Sum(adjustment => adjustment.Line.Tax);
}

/// <summary>
/// Previews the invoices of a customer's current periods as of now, optionally with other quantities: what each would be if its period
/// ended as it stands, with fees, one-off charges and what has changed of earlier invoices. Writes nothing.
/// </summary>
internal sealed class PreviewInvoice(BillingDbContext db, TenantScope tenant, OrgClocks clocks)
{
    public const int MaxQuantities = 100;

    /// <param name="customer">The customer's key.</param>
    /// <param name="subscription">Only this subscription; null for all running ones.</param>
    /// <param name="quantities">
    /// Replace the usage of these meters, under the current plan version. A quantity of a meter that is priced by dimensions counts as
    /// usage without dimension values.
    /// </param>
    /// <param name="ct">Cancels.</param>
    public Task<IReadOnlyList<UnstoredInvoice>> HandleAsync(
        string customer,
        Guid? subscription,
        IReadOnlyList<AssumedQuantity> quantities,
        CancellationToken ct
    )
    {
        if (quantities.Count > MaxQuantities)
            throw new RefusedException(Refusal.Invalid("quantities", "count", $"At most {MaxQuantities} quantities per call."));
        return db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                var now = await clocks.NowAsync(token);
                var rows = await db
                    .Subscriptions.AsNoTracking()
                    .Where(row =>
                        row.CustomerKey == customer && (row.TrialEnd ?? row.StartAt) <= now && (row.EndAt == null || row.EndAt > now)
                    )
                    .Where(row => subscription == null || row.Id == subscription)
                    .OrderBy(row => row.StartAt)
                    .ThenBy(row => row.Id)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token);
                var plans = await PlanCatalog.ReadAsync(db, rows.SelectMany(row => Calendars.PlansOf(row).Versions), token);
                var tx = db.BorrowTransaction();
                var meters = (await MeterCatalog.ReadAsync(tx, [org], token)).GetValueOrDefault(org, []);
                for (var i = 0; i < quantities.Count; i++)
                {
                    if (meters.All(meter => meter.Key != quantities[i].Meter))
                        throw new RefusedException(
                            Refusal.Invalid($"quantities[{i}].meter", "unknown_meter", $"There is no meter '{quantities[i].Meter}'.")
                        );
                    if (quantities[i].EventCount < 0)
                        throw new RefusedException(
                            Refusal.Invalid($"quantities[{i}].eventCount", "out_of_range", "'eventCount' must be 0 or more.")
                        );
                    if (quantities[i].Quantity is <= -Exact.Limit or >= Exact.Limit)
                        throw new RefusedException(
                            Refusal.Invalid(
                                $"quantities[{i}].quantity",
                                "out_of_range",
                                $"'quantity' must be below {Exact.Limit} in magnitude."
                            )
                        );
                    if (!ExactDecimal.HasPlaces(quantities[i].Quantity, Exact.Places))
                        throw new RefusedException(
                            Refusal.Invalid(
                                $"quantities[{i}].quantity",
                                "too_precise",
                                $"'quantity' must have at most {Exact.Places} decimal places."
                            )
                        );
                }

                var periods = rows.Select(row => Calendars.Of(row).Containing(now)!.Value).ToArray();
                var changed = await EarlierInvoices.OfAsync(db, [.. rows.Select(row => (row.Id, (InvoiceRow?)null))], token);
                InvoiceRow[] earlier = [.. rows.SelectMany(row => changed[(row.Id, null)])];
                var invoiced = await EarlierInvoices.InvoicedAsync(db, earlier, null, token);
                if (rows.Count > 0)
                    await SubscriptionExtras.LoadAsync(
                        db,
                        rows,
                        periods.Select(period => period.Start).Concat(earlier.Select(invoice => invoice.PeriodStart)).Min(),
                        token
                    );
                var usage = await UsageOfSpans.ReadAsync(
                    tx,
                    org,
                    rows.SelectMany(
                        (row, i) =>
                            changed[(row.Id, null)]
                                .Select(invoice => (invoice.EngineVersion, Period: PeriodOf(invoice)))
                                .Append((EngineVersion: RatingEngine.Version, Period: periods[i]))
                                .SelectMany(rated =>
                                    RatePeriod.SpansOf(rated.EngineVersion, row, Calendars.PlansOf(row), rated.Period, plans)
                                )
                                .Select(span => (customer, span))
                    ),
                    meters,
                    token
                );
                return (IReadOnlyList<UnstoredInvoice>)
                    [
                        .. rows.Select(
                            (row, i) =>
                                WhatIf.Rate(
                                    row,
                                    Calendars.PlansOf(row),
                                    periods[i],
                                    plans,
                                    span =>
                                        span.Billed.Contains(now) ? Assume(usage[(customer, span)], quantities) : usage[(customer, span)]
                                ) with
                                {
                                    Pending =
                                    [
                                        .. changed[(row.Id, null)]
                                            .SelectMany(invoice =>
                                                Adjustments.Between(
                                                    invoiced[invoice.Id],
                                                    RatePeriod.Run(
                                                        invoice.EngineVersion,
                                                        row,
                                                        Calendars.PlansOf(row),
                                                        PeriodOf(invoice),
                                                        plans,
                                                        span => usage[(customer, span)]
                                                    )
                                                )
                                            ),
                                    ],
                                }
                        ),
                    ];
            },
            ct
        );
    }

    private static BillingPeriod PeriodOf(InvoiceRow invoice) => new(invoice.PeriodStart, invoice.PeriodEnd);

    private static PeriodUsage Assume(PeriodUsage used, IReadOnlyList<AssumedQuantity> quantities)
    {
        if (quantities.Count == 0)
            return used;
        var totals = used.Totals.ToDictionary();
        var byDimension = used.ByDimension.ToDictionary();
        foreach (var assumed in quantities)
        {
            totals[assumed.Meter] = new MeterUsage(assumed.Quantity, assumed.EventCount, 0);
            byDimension[assumed.Meter] = [new DimensionUsage("", totals[assumed.Meter])];
        }

        var usage = new PeriodUsage(totals, byDimension);
        foreach (var meter in used.Unsummed)
            usage.AddUnsummed(meter);
        foreach (var meter in used.TooLarge.Where(meter => !totals.ContainsKey(meter)))
            usage.AddTooLarge(meter);
        return usage;
    }
}
