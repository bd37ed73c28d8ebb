using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Paging;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Billing.Features.Customers;

/// <summary>Customers and subscriptions of the org.</summary>
internal sealed class ReadCustomers(BillingDbContext db)
{
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">Cursor (customer key) of the previous page's last customer; null for the first page.</param>
    /// <param name="search">Substring of the key or name, case-insensitive; null for all.</param>
    /// <param name="archived">Whether to list archived customers too.</param>
    /// <param name="ct">Cancels.</param>
    public Task<Page<CustomerRow>> PageAsync(int first, string? after, string? search, bool archived, CancellationToken ct)
    {
        Paging.Check(first);
        Cursors.Key(after);
        return db.InTransactionAsync(
            async token =>
            {
                var matching = db.Customers.AsNoTracking();
                if (!archived)
                    matching = matching.Where(row => row.ArchivedAt == null);
                if (!string.IsNullOrEmpty(search))
                {
                    var pattern = LikePattern.Containing(search);
                    matching = matching.Where(row =>
                        EF.Functions.ILike(row.Key, pattern, LikePattern.Escape)
                        || EF.Functions.ILike(row.Name, pattern, LikePattern.Escape)
                    );
                }

                var total = await matching.CountAsync(token);
                if (after is not null)
                    matching = matching.Where(row => string.Compare(row.Key, after) > 0);
                return Paging.ToPage(
                    await matching.OrderBy(row => row.Key).Take(first + 1).ToListAsync(token),
                    first,
                    total,
                    row => row.Key
                );
            },
            ct
        );
    }

    public Task<CustomerRow?> FindAsync(string key, CancellationToken ct) =>
        db.InTransactionAsync(token => db.Customers.AsNoTracking().SingleOrDefaultAsync(row => row.Key == key, token), ct);

    public Task<Page<SubscriptionRow>> SubscriptionsAsync(string? customer, int first, string? after, CancellationToken ct)
    {
        Paging.Check(first);
        var cursor = Cursors.Id(after);
        return db.InTransactionAsync(
            async token =>
            {
                var matching = db.Subscriptions.AsNoTracking();
                if (customer is not null)
                    matching = matching.Where(row => row.CustomerKey == customer);
                var total = await matching.CountAsync(token);
                if (cursor is { } id)
                    matching = matching.Where(row => row.Id.CompareTo(id) > 0);
                return Paging.ToPage(
                    await matching.OrderBy(row => row.Id).Take(first + 1).ToListAsync(token),
                    first,
                    total,
                    row => row.Id.ToString()
                );
            },
            ct
        );
    }
}
