using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Finalizes a draft (<see cref="FinalizeInvoices"/>). Finalizing it again returns it unchanged.</summary>
internal sealed class FinalizeInvoice(BillingDbContext db, FinalizeInvoices finalize)
{
    public Task<InvoiceRow> HandleAsync(Guid invoiceId, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var outcome = (await finalize.HandleAsync([invoiceId], token))[0].Outcome;
                if (outcome == FinalizeOutcome.NotFound)
                    throw new RefusedException(Refusal.NotFound("invoice"));
                if (outcome == FinalizeOutcome.Stale)
                    throw new RefusedException(
                        Refusal.Conflict(
                            "draft_is_stale",
                            "More usage arrived for the period; the draft is being replaced. Try again in a moment."
                        )
                    );
                var invoice = await db
                    .Invoices.AsNoTracking()
                    .Include(row => row.Lines.OrderBy(line => line.Ordinal))
                    .Include(row => row.CreditNotes.OrderBy(note => note.Number))
                        .ThenInclude(note => note.Lines.OrderBy(line => line.Ordinal))
                    .AsSplitQuery()
                    .SingleAsync(row => row.Id == invoiceId, token);
                return outcome == FinalizeOutcome.Finalized || invoice.Status == InvoiceStatuses.Finalized
                    ? invoice
                    : throw new RefusedException(
                        Refusal.Conflict("not_a_draft", $"The invoice is {invoice.Status}; only a draft can be finalized.")
                    );
            },
            ct
        );
}
