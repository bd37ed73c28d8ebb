using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Customers;

/// <summary>Sets whether a customer is to be stopped when its prepaid credits are used up; <c>entitlement</c> then says so.</summary>
internal sealed class SetHardStop(BillingDbContext db)
{
    /// <exception cref="RefusedException">The org has no such customer.</exception>
    public Task<CustomerRow> HandleAsync(string customer, bool hardStop, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db.Customers.SingleOrDefaultAsync(row => row.Key == customer, token)
                    ?? throw new RefusedException(
                        new Refusal(RefusalKind.NotFound, "unknown_customer", $"There is no customer '{customer}'.", "customer")
                    );
                row.HardStop = hardStop;
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
}
