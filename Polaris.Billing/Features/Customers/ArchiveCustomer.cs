using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Customers;

/// <summary>
/// Archives a customer: it is left out of lists and takes no new subscriptions. Its usage still counts, and what is invoiced or still to be
/// invoiced of it stays. Doing it again returns the customer unchanged.
/// </summary>
internal sealed class ArchiveCustomer(BillingDbContext db, OrgClocks clocks, TimeProvider time)
{
    /// <exception cref="RefusedException">There is no such customer, or a subscription of it runs or is yet to start.</exception>
    public Task<CustomerRow> HandleAsync(string key, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row = await FindAsync(key, token);
                if (row.ArchivedAt is not null)
                    return row;
                row.ArchivedAt = time.GetCurrentInstant();
                Announce.Add(db, row.OrgId, time.GetUtcNow(), Announce.Updated(row));
                // Written first: from here on, whoever subscribes it waits and then sees it archived.
                await db.SaveChangesAsync(token);
                var now = await clocks.NowAsync(token);
                var running = await db
                    .Subscriptions.Where(subscription =>
                        subscription.CustomerKey == key
                        && (subscription.EndAt == null || (subscription.EndAt > now && subscription.EndAt > subscription.StartAt))
                    )
                    .CountAsync(token);
                return running == 0
                    ? row
                    : throw new RefusedException(
                        Refusal.Conflict(
                            "subscription_running",
                            $"{running} of the customer's subscriptions run or are yet to start. End them first.",
                            "key"
                        )
                    );
            },
            ct
        );

    /// <exception cref="RefusedException">There is no such customer.</exception>
    public Task<CustomerRow> UndoAsync(string key, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row = await FindAsync(key, token);
                row.ArchivedAt = null;
                Announce.Add(db, row.OrgId, time.GetUtcNow(), Announce.Updated(row));
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private async Task<CustomerRow> FindAsync(string key, CancellationToken ct) =>
        await db.Customers.SingleOrDefaultAsync(row => row.Key == key, ct) ?? throw new RefusedException(Refusal.NotFound("customer"));
}
