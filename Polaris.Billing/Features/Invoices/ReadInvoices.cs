using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Invoices of the org, newest first, with their lines.</summary>
internal sealed class ReadInvoices(BillingDbContext db)
{
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">Cursor (sequence) of the previous page's last invoice; null for the first page.</param>
    /// <param name="customer">Only this customer's invoices; null for all.</param>
    /// <param name="status">Only invoices with this status; null for all.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="drafts">Whether to include drafts.</param>
    public Task<Page<InvoiceRow>> PageAsync(
        int first,
        string? after,
        string? customer,
        string? status,
        CancellationToken ct,
        bool drafts = true
    )
    {
        Paging.Check(first);
        var before = Cursor(after);
        return db.InTransactionAsync(
            async token =>
            {
                var matching = db.Invoices.AsNoTracking();
                if (customer is not null)
                    matching = matching.Where(row => row.CustomerKey == customer);
                if (!drafts)
                    matching = matching.Where(row => row.Status != InvoiceStatuses.Draft);
                if (status is not null)
                    matching = matching.Where(row => row.Status == status);
                var total = await matching.CountAsync(token);
                if (before is not null)
                    matching = matching.Where(row => row.Sequence < before);
                var rows = await WithParts(matching.OrderByDescending(row => row.Sequence).Take(first + 1)).ToListAsync(token);
                return Paging.ToPage(rows, first, total, row => row.Sequence.ToString(CultureInfo.InvariantCulture));
            },
            ct
        );
    }

    public Task<InvoiceRow?> FindAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(token => WithParts(db.Invoices.AsNoTracking()).SingleOrDefaultAsync(row => row.Id == id, token), ct);

    /// <summary>With lines and credit notes, each in their order.</summary>
    internal static IQueryable<InvoiceRow> WithParts(IQueryable<InvoiceRow> invoices) =>
        invoices
            .Include(row => row.Lines.OrderBy(line => line.Ordinal))
            .Include(row => row.CreditNotes.OrderBy(note => note.Number))
                .ThenInclude(note => note.Lines.OrderBy(line => line.Ordinal))
            .AsSplitQuery();

    /// <summary>The sequence that a cursor stands for; null for the first page.</summary>
    internal static long? Cursor(string? after)
    {
        var sequence = 0L;
        Cursors.Checked(after, after is null || IsSequence(after, out sequence));
        return after is null ? null : sequence;
    }

    private static bool IsSequence(string text, out long sequence) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out sequence) && text[0] != '0';
}
