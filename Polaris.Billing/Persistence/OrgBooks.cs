using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Persistence;

/// <summary>
/// The row lock of an org's books, held until the transaction ends: whoever numbers an invoice, posts to the ledger or moves a balance
/// takes it first, so numbers have no gap and a balance is spent once, on any number of replicas. Who needs <see cref="OrgLock"/> too
/// takes that before.
/// </summary>
internal static class OrgBooks
{
    public static async Task LockAsync(ScopedTransaction tx, Guid org, CancellationToken ct)
    {
        await using (
            var create = tx.Command("INSERT INTO orgs (org_id, next_invoice_number) VALUES ($1, 1) ON CONFLICT (org_id) DO NOTHING")
        )
            await create.Bind(org).ExecuteNonQueryAsync(ct);
        await using var command = tx.Command("SELECT 1 FROM orgs WHERE org_id = $1 FOR UPDATE");
        await command.Bind(org).ExecuteNonQueryAsync(ct);
    }
}
