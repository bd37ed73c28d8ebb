using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Customers;

/// <summary>What becomes of a customer's fields; those that are not stated stay. A name that is cleared becomes the key.</summary>
public sealed record CustomerChange(
    string Key,
    Change<string?> Name = default,
    Change<string?> Email = default,
    Change<PostalAddress?> Address = default,
    Change<string?> TaxId = default
);

/// <summary>Edits a customer. Final invoices keep what they say of it.</summary>
internal sealed class UpdateCustomer(BillingDbContext db, TimeProvider time)
{
    /// <exception cref="RefusedException">There is no such customer, or a field breaks its rule.</exception>
    public Task<CustomerRow> HandleAsync(CustomerChange change, CancellationToken ct)
    {
        StatedParty.Line("input.name", change.Name.Value, Limits.MaxTextLength);
        StatedParty.Email("input.email", change.Email.Value);
        StatedParty.Address("input.address", change.Address.Value);
        StatedParty.TaxId("input.taxId", change.TaxId.Value);
        return db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db.Customers.SingleOrDefaultAsync(known => known.Key == change.Key, token)
                    ?? throw new RefusedException(Refusal.NotFound("customer"));
                row.Name = change.Name.Over(row.Name) ?? row.Key;
                row.Email = change.Email.Over(row.Email);
                if (change.Address.IsStated)
                    row.Address = StatedParty.Text(change.Address.Value);
                row.TaxId = change.TaxId.Over(row.TaxId);
                Announce.Add(db, row.OrgId, time.GetUtcNow(), Announce.Updated(row));
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }
}
