using Microsoft.EntityFrameworkCore;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Persistence;

/// <summary>
/// A customer is archived only while no subscription of it runs. Whoever gives it one holds its row for the transaction, so that neither
/// misses what the other does.
/// </summary>
internal static class CustomerLock
{
    public static Refusal Archived(string key, string path) =>
        Refusal.Conflict("customer_archived", $"The customer '{key}' is archived: it takes no subscriptions. Unarchive it first.", path);

    /// <summary>Holds the customers' rows until the transaction ends, and returns those that are archived.</summary>
    public static async Task<IReadOnlyList<string>> HoldAsync(BillingDbContext db, Guid org, string[] keys, CancellationToken ct)
    {
        await db.Database.ExecuteSqlAsync($"SELECT 1 FROM customers WHERE org_id = {org} AND key = ANY ({keys}) FOR SHARE", ct);
        return await db.Customers.Where(row => keys.Contains(row.Key) && row.ArchivedAt != null).Select(row => row.Key).ToListAsync(ct);
    }
}
