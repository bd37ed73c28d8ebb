using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Customers;

public sealed record NewCustomer(string Key, string? Name, string? Email, PostalAddress? Address = null, string? TaxId = null);

/// <summary>
/// Creates a list of customers. An existing key with the same data is returned as it is; with other data it is a conflict.
/// </summary>
internal sealed class CreateCustomers(BillingDbContext db, TenantScope tenant, TimeProvider time)
{
    public const int MaxBatchSize = 1_000;

    public async Task<IReadOnlyList<CustomerRow>> HandleAsync(IReadOnlyList<NewCustomer> input, CancellationToken ct)
    {
        if (input.Count is 0 or > MaxBatchSize)
            throw new RefusedException(
                Refusal.Invalid("input", "count", $"Send 1 to {MaxBatchSize} customers per call, not {input.Count}.")
            );
        for (var i = 0; i < input.Count; i++)
            Validate(input[i], i);
        var org = tenant.RequireOrg();
        return await db.InTransactionAsync(token => StoreAsync(org, input, token), ct);
    }

    private static void Validate(NewCustomer customer, int index)
    {
        Check("key", customer.Key, required: true);
        Check("name", customer.Name, required: false);
        Check("email", customer.Email, required: false);
        if (customer.Key == Limits.SelfCustomer)
            throw new RefusedException(
                Refusal.Invalid($"input[{index}].key", "reserved", $"'{Limits.SelfCustomer}' is the built-in customer.")
            );
        if (customer.Email is { } email && (email.IndexOf('@', StringComparison.Ordinal) < 1 || email.EndsWith('@')))
            throw new RefusedException(Refusal.Invalid($"input[{index}].email", "invalid_email", $"'{email}' is not an e-mail address."));
        StatedParty.Address($"input[{index}].address", customer.Address);
        StatedParty.TaxId($"input[{index}].taxId", customer.TaxId);

        void Check(string field, string? value, bool required)
        {
            if (required && string.IsNullOrEmpty(value))
                throw new RefusedException(Refusal.Invalid($"input[{index}].{field}", "missing_field", $"'{field}' must not be empty."));
            if (value?.Length > Limits.MaxTextLength)
                throw new RefusedException(
                    Refusal.Invalid($"input[{index}].{field}", "too_long", $"'{field}' has at most {Limits.MaxTextLength} characters.")
                );
            if (value?.Contains('\0', StringComparison.Ordinal) == true)
                throw new RefusedException(
                    Refusal.Invalid($"input[{index}].{field}", "invalid_text", $"'{field}' must not hold the character U+0000.")
                );
        }
    }

    private async Task<IReadOnlyList<CustomerRow>> StoreAsync(Guid org, IReadOnlyList<NewCustomer> input, CancellationToken ct)
    {
        var keys = input.Select(customer => customer.Key).Distinct().ToArray();
        var known = await db.Customers.Where(row => keys.Contains(row.Key)).ToDictionaryAsync(row => row.Key, ct);
        var now = time.GetUtcNow();
        var rows = new List<CustomerRow>(input.Count);
        for (var i = 0; i < input.Count; i++)
        {
            var customer = input[i];
            if (!known.TryGetValue(customer.Key, out var row))
            {
                row = new CustomerRow
                {
                    OrgId = org,
                    Id = Guid.CreateVersion7(now),
                    Key = customer.Key,
                    Name = customer.Name ?? customer.Key,
                    Email = customer.Email,
                    Address = StatedParty.Text(customer.Address),
                    TaxId = customer.TaxId,
                    CreatedAt = Instant.FromDateTimeOffset(now),
                };
                db.Customers.Add(row);
                Announce.Add(db, org, now, Announce.Created(row));
                known.Add(row.Key, row);
            }
            else if (!IsSame(row, customer))
            {
                throw new RefusedException(
                    Refusal.Conflict(
                        "customer_exists",
                        $"The customer '{customer.Key}' exists with another name, e-mail, address or tax id. To change it: updateCustomer.",
                        $"input[{i}]"
                    )
                );
            }

            rows.Add(row);
        }

        await db.SaveChangesAsync(ct);
        return rows;
    }

    private static bool IsSame(CustomerRow row, NewCustomer customer) =>
        row.Name == (customer.Name ?? customer.Key)
        && row.Email == customer.Email
        && StatedParty.Address(row.Address) == customer.Address
        && row.TaxId == customer.TaxId;
}
