using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Makes a draft final: from then on it never changes. Finalizing it again returns it as it is.</summary>
internal sealed class FinalizeInvoice(BillingDbContext db, TimeProvider time)
{
    public Task<InvoiceRow> HandleAsync(Guid invoiceId, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        var invoice = await db.Invoices.Include(row => row.Lines.OrderBy(line => line.Ordinal)).SingleOrDefaultAsync(row => row.Id == invoiceId, token)
            ?? throw new RefusedException(Refusal.NotFound("invoice"));
        if (invoice.Status == InvoiceStatuses.Finalized) return invoice;
        if (invoice.Status != InvoiceStatuses.Draft) throw new RefusedException(Refusal.Conflict("not_a_draft", $"The invoice is {invoice.Status}; only a draft can be finalized."));
        // The database decides between us and usage that arrives at this moment: a stale draft is replaced first.
        var changed = await db.Database.ExecuteSqlAsync(
            $"UPDATE invoices SET status = 'finalized', finalized_at = {Instant.FromDateTimeOffset(time.GetUtcNow())} WHERE org_id = {invoice.OrgId} AND id = {invoice.Id} AND status = 'draft' AND NOT stale", token);
        if (changed == 0) throw new RefusedException(Refusal.Conflict("draft_is_stale", "More usage arrived for the period; the draft is being replaced. Try again in a moment."));
        await db.Entry(invoice).ReloadAsync(token);
        return invoice;
    }, ct);
}
