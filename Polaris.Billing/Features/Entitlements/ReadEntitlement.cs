using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Entitlements;

/// <param name="Allowed">Whether the customer may go on: something remains, or it has no hard stop.</param>
/// <param name="Currency">ISO 4217; null when the customer has neither usage nor credits.</param>
/// <param name="CreditsLeft">Prepaid credits that have not expired.</param>
/// <param name="Accrued">What will be drawn from them so far: the usage of running periods, and invoices that are not final.</param>
/// <param name="Remaining">Credits left − accrued; negative when more was used than is left.</param>
public sealed record Entitlement(bool Allowed, string? Currency, decimal CreditsLeft, decimal Accrued, decimal Remaining);

/// <summary>
/// Whether a customer may use more, to be asked for each of its requests: from aggregates and a few rows, never from events.
/// </summary>
internal sealed class ReadEntitlement(BillingDbContext db, ReadCurrentUsage usage, OrgClocks clocks)
{
    /// <param name="customer">The customer's key; an unknown one has no hard stop.</param>
    /// <param name="currency">Null: that of its usage, else of its credits.</param>
    /// <param name="ct">Cancels.</param>
    public Task<Entitlement> HandleAsync(string customer, string? currency, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var now = await clocks.NowAsync(token);
                var hardStop = await db.Customers.Where(row => row.Key == customer).Select(row => row.HardStop).SingleOrDefaultAsync(token);
                var charges = await usage.OfAsync(customer, undrafted: true, token);
                var credits = await db
                    .CreditGrants.Where(row =>
                        row.CustomerKey == customer && row.Remaining > 0 && (row.ExpiresAt == null || row.ExpiresAt > now)
                    )
                    .GroupBy(row => row.Currency)
                    .Select(of => new { Currency = of.Key, Left = of.Sum(row => row.Remaining) })
                    .OrderBy(of => of.Currency)
                    .ToListAsync(token);
                var drafts = await db
                    .Invoices.Where(row => row.CustomerKey == customer && row.Status == InvoiceStatuses.Draft)
                    .GroupBy(row => row.Currency)
                    .Select(of => new { Currency = of.Key, Total = of.Sum(row => row.Total) })
                    .OrderBy(of => of.Currency)
                    .ToListAsync(token);
                var asked =
                    currency
                    ?? charges
                        .Select(charge => charge.Currency)
                        .Concat(credits.Select(of => of.Currency))
                        .Concat(drafts.Select(of => of.Currency))
                        .FirstOrDefault();
                var left = credits.Where(of => of.Currency == asked).Sum(of => of.Left);
                var accrued =
                    charges.Where(charge => charge.Currency == asked).Sum(charge => charge.Amount)
                    + drafts.Where(of => of.Currency == asked).Sum(of => of.Total);
                return new Entitlement(!hardStop || left > accrued, asked, left, accrued, left - accrued);
            },
            ct
        );
}
