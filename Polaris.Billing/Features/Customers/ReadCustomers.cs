using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Customers;

/// <summary>Customers and subscriptions of the org.</summary>
internal sealed class ReadCustomers(BillingDbContext db)
{
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">The cursor (customer key) of the last one seen.</param>
    /// <param name="search">Part of a key or name, in any case; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public Task<Page<CustomerRow>> PageAsync(int first, string? after, string? search, CancellationToken ct)
    {
        Paging.Check(first);
        return db.InTransactionAsync(async token =>
        {
            var matching = db.Customers.AsNoTracking();
            if (!string.IsNullOrEmpty(search))
            {
                var pattern = "%" + search.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal) + "%";
                matching = matching.Where(row => EF.Functions.ILike(row.Key, pattern) || EF.Functions.ILike(row.Name, pattern));
            }

            var total = await matching.CountAsync(token);
            if (after is not null) matching = matching.Where(row => string.Compare(row.Key, after) > 0);
            return Paging.ToPage(await matching.OrderBy(row => row.Key).Take(first + 1).ToListAsync(token), first, total, row => row.Key);
        }, ct);
    }

    public Task<CustomerRow?> FindAsync(string key, CancellationToken ct) => db.InTransactionAsync(token =>
        db.Customers.AsNoTracking().SingleOrDefaultAsync(row => row.Key == key, token), ct);

    public Task<Page<SubscriptionRow>> SubscriptionsAsync(string? customer, int first, string? after, CancellationToken ct)
    {
        Paging.Check(first);
        return db.InTransactionAsync(async token =>
        {
            var matching = db.Subscriptions.AsNoTracking();
            if (customer is not null) matching = matching.Where(row => row.CustomerKey == customer);
            var total = await matching.CountAsync(token);
            if (Guid.TryParse(after, out var id)) matching = matching.Where(row => row.Id.CompareTo(id) > 0);
            return Paging.ToPage(await matching.OrderBy(row => row.Id).Take(first + 1).ToListAsync(token), first, total, row => row.Id.ToString());
        }, ct);
    }
}
