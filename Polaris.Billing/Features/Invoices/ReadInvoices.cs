using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Invoices of the org, newest number first, with their lines.</summary>
internal sealed class ReadInvoices(BillingDbContext db, TimeProvider time)
{
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">The cursor (invoice number) of the last one seen; null for the start.</param>
    /// <param name="customer">Only this customer's; null for all.</param>
    /// <param name="status">Only of this status; null for all.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="drafts">Also those that are not final yet.</param>
    public Task<Page<InvoiceRow>> PageAsync(int first, string? after, string? customer, string? status, CancellationToken ct, bool drafts = true)
    {
        Paging.Check(first);
        return db.InTransactionAsync(async token =>
        {
            var matching = db.Invoices.AsNoTracking();
            if (customer is not null) matching = matching.Where(row => row.CustomerKey == customer);
            if (!drafts) matching = matching.Where(row => row.Status != InvoiceStatuses.Draft);
            if (status is not null) matching = matching.Where(row => row.Status == status);
            var total = await matching.CountAsync(token);
            if (after is not null) matching = matching.Where(row => string.Compare(row.Number, after) < 0);
            var rows = await matching.OrderByDescending(row => row.Number).Take(first + 1)
                .Include(row => row.Lines.OrderBy(line => line.Ordinal)).AsSplitQuery().ToListAsync(token);
            return Paging.ToPage(rows, first, total, row => row.Number);
        }, ct);
    }

    /// <summary>Subscriptions whose next invoice could not be made, the next to be tried again first; at most <see cref="Paging.MaxPage"/>.</summary>
    public Task<List<SubscriptionRow>> HeldAsync(CancellationToken ct)
    {
        var now = Instant.FromDateTimeOffset(time.GetUtcNow());
        return db.InTransactionAsync(token =>
            db.Subscriptions.AsNoTracking().Where(row => row.HeldUntil > now).OrderBy(row => row.HeldUntil).ThenBy(row => row.Id).Take(Paging.MaxPage).ToListAsync(token), ct);
    }

    public Task<InvoiceRow?> FindAsync(Guid id, CancellationToken ct) => db.InTransactionAsync(token =>
        db.Invoices.AsNoTracking().Include(row => row.Lines.OrderBy(line => line.Ordinal)).SingleOrDefaultAsync(row => row.Id == id, token), ct);
}
