using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

/// <summary>Finalized invoices whose period changed afterwards.</summary>
internal static class StaleInvoices
{
    /// <summary>Stale finalized invoices whose engine version this build contains.</summary>
    public static IQueryable<InvoiceRow> Final(BillingDbContext db) =>
        db.Invoices.Where(row =>
            row.Stale
            && (row.Status == InvoiceStatuses.Finalized || row.Status == InvoiceStatuses.Paid)
            && RatingEngine.Versions.Contains(row.EngineVersion)
        );

    /// <summary>Those that can be adjusted before their subscription's next period ends.</summary>
    public static IQueryable<InvoiceRow> AdjustableNow(BillingDbContext db) =>
        Final(db)
            .Where(row =>
                db.Subscriptions.Any(subscription => subscription.Id == row.SubscriptionId && subscription.NextPeriodEnd == null)
                || db.Invoices.Any(draft =>
                    draft.SubscriptionId == row.SubscriptionId
                    && draft.Status == InvoiceStatuses.Draft
                    && draft.PeriodStart > row.PeriodStart
                )
            );
}
