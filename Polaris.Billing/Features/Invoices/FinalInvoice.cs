using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Invoices;

/// <summary>An invoice that a person acts on after its finalization.</summary>
internal static class FinalInvoice
{
    /// <summary>The invoice with its lines and credit notes, under the lock of the org's books.</summary>
    /// <exception cref="RefusedException">The org has no such invoice, or it is a draft.</exception>
    public static async Task<InvoiceRow> TakeAsync(BillingDbContext db, Guid org, Guid id, string path, CancellationToken ct)
    {
        await using (var tx = db.BorrowTransaction())
            await OrgBooks.LockAsync(tx, org, ct);
        var row =
            await db
                .Invoices.Include(row => row.Lines.OrderBy(line => line.Ordinal))
                .Include(row => row.CreditNotes.OrderBy(note => note.Number))
                    .ThenInclude(note => note.Lines.OrderBy(line => line.Ordinal))
                .AsSplitQuery()
                .SingleOrDefaultAsync(row => row.Id == id, ct)
            ?? throw new RefusedException(Refusal.NotFound("invoice") with { Path = path });
        return row.Status == InvoiceStatuses.Draft
            ? throw new RefusedException(Refusal.Conflict("not_final", "The invoice is a draft: finalize it first.", path))
            : row;
    }

    public static RefusedException IsVoid(string path) => new(Refusal.Conflict("invoice_void", "The invoice is void.", path));
}
