using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Finalizes a draft, which never changes afterwards. Finalizing it again returns it unchanged.</summary>
internal sealed class FinalizeInvoice(BillingDbContext db, TimeProvider time)
{
    public Task<InvoiceRow> HandleAsync(Guid invoiceId, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var invoice =
                    await db
                        .Invoices.Include(row => row.Lines.OrderBy(line => line.Ordinal))
                        .SingleOrDefaultAsync(row => row.Id == invoiceId, token)
                    ?? throw new RefusedException(Refusal.NotFound("invoice"));
                if (invoice.Status == InvoiceStatuses.Finalized)
                    return invoice;
                if (invoice.Status != InvoiceStatuses.Draft)
                    throw new RefusedException(
                        Refusal.Conflict("not_a_draft", $"The invoice is {invoice.Status}; only a draft can be finalized.")
                    );
                // One statement decides the race with usage that arrives now: a stale draft is replaced first.
                var changed = await db.Database.ExecuteSqlAsync(
                    $"""
                    UPDATE invoices SET status = 'finalized', finalized_at = {time.GetCurrentInstant()}
                    WHERE org_id = {invoice.OrgId} AND id = {invoice.Id} AND status = 'draft' AND NOT stale
                    """,
                    token
                );
                if (changed == 0)
                    throw new RefusedException(
                        Refusal.Conflict(
                            "draft_is_stale",
                            "More usage arrived for the period; the draft is being replaced. Try again in a moment."
                        )
                    );
                await db.Entry(invoice).ReloadAsync(token);
                return invoice;
            },
            ct
        );
}
