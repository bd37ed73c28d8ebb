using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Crossing;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Ledger;

/// <param name="Customer">An existing customer, or the built-in one.</param>
/// <param name="Key">The org's own, unique within the customer.</param>
/// <param name="Amount">Positive, in whole minor units.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Priority">Lower ones are drawn down first.</param>
/// <param name="ExpiresAt">By the org's clock; null: never.</param>
/// <param name="Name">For people; null: the key.</param>
public sealed record NewCreditGrant(
    string Customer,
    string Key,
    decimal Amount,
    string Currency,
    int Priority,
    Instant? ExpiresAt,
    string? Name
);

/// <summary>Prepaid credits: granted, listed and voided here, drawn down when invoices are finalized.</summary>
internal sealed class CreditGrants(BillingDbContext db, TenantScope tenant, OrgClocks clocks, TimeProvider time)
{
    /// <summary>Of a customer, with something left.</summary>
    public const int MaxOpen = 1_000;

    public const int MaxPriority = 1_000;
    public const int MaxKeyLength = 64;
    public const int MaxNameLength = 200;
    public const decimal MaxAmount = 1_000_000_000_000m;

    /// <summary>Creates a grant. The same key and content again returns it as it is.</summary>
    public Task<CreditGrantRow> CreateAsync(NewCreditGrant input, CancellationToken ct)
    {
        Check(input);
        return db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                await using var tx = db.BorrowTransaction();
                await OrgBooks.LockAsync(tx, org, token);
                var existing = await db.CreditGrants.SingleOrDefaultAsync(
                    row => row.CustomerKey == input.Customer && row.Key == input.Key,
                    token
                );
                if (existing is not null)
                    return Same(existing, input)
                        ? existing
                        : throw new RefusedException(
                            Refusal.Conflict("grant_exists", $"The customer has another grant '{input.Key}'.", "input.key")
                        );
                await CheckPlaceAsync(input, token);
                var now = time.GetUtcNow();
                var row = new CreditGrantRow
                {
                    OrgId = org,
                    Id = Guid.CreateVersion7(now),
                    CustomerKey = input.Customer,
                    Key = input.Key,
                    Name = input.Name ?? input.Key,
                    Currency = input.Currency,
                    Amount = input.Amount,
                    Remaining = input.Amount,
                    Priority = input.Priority,
                    ExpiresAt = input.ExpiresAt,
                    CreatedAt = now.ToInstant(),
                };
                db.CreditGrants.Add(row);
                await PostEntries.PostAsync(
                    tx,
                    org,
                    Postings(row, row.Amount, LedgerKinds.Grant, LedgerAccounts.Granted, now),
                    row.CreatedAt,
                    token
                );
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }

    /// <summary>Takes back what is left of a grant. Again, it changes nothing.</summary>
    public Task<CreditGrantRow> VoidAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                await using var tx = db.BorrowTransaction();
                await OrgBooks.LockAsync(tx, org, token);
                var row =
                    await db.CreditGrants.SingleOrDefaultAsync(row => row.Id == id, token)
                    ?? throw new RefusedException(Refusal.NotFound("credit grant") with { Path = "id" });
                if (row.VoidedAt is not null)
                    return row;
                var now = time.GetUtcNow();
                await PostEntries.PostAsync(
                    tx,
                    org,
                    Postings(row, -row.Remaining, LedgerKinds.GrantVoid, LedgerAccounts.Granted, now),
                    now.ToInstant(),
                    token
                );
                (row.Remaining, row.VoidedAt) = (0, now.ToInstant());
                await MarkBalances.RunAsync(tx, org, [row.CustomerKey], gone: true, await clocks.NowAsync(token), time, token);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    /// <summary>A customer's grants, latest first; at most <see cref="Paging.MaxPage"/>.</summary>
    public Task<List<CreditGrantRow>> ListAsync(string customer, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.CreditGrants.AsNoTracking()
                    .Where(row => row.CustomerKey == customer)
                    .OrderByDescending(row => row.CreatedAt)
                    .ThenByDescending(row => row.Id)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token),
            ct
        );

    /// <summary>A grant's entries: prepaid credits against the account that they come from or go to.</summary>
    internal static Posting[] Postings(CreditGrantRow row, decimal amount, string kind, string against, DateTimeOffset now)
    {
        var transaction = Guid.CreateVersion7(now);
        return [Post(against, amount), Post(LedgerAccounts.Prepaid, -amount)];

        Posting Post(string account, decimal posted) =>
            new(transaction, row.CustomerKey, row.Currency, account, posted, kind, Grant: row.Id);
    }

    private static bool Same(CreditGrantRow row, NewCreditGrant input) =>
        row.Amount == input.Amount
        && row.Currency == input.Currency
        && row.Priority == input.Priority
        && row.ExpiresAt == input.ExpiresAt
        && row.Name == (input.Name ?? input.Key);

    private static void Check(NewCreditGrant input)
    {
        if (
            input.Key.Length is 0 or > MaxKeyLength
            || !input.Key.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.')
        )
            throw Invalid("key", "invalid_key", $"A key has 1 to {MaxKeyLength} letters, digits, '_', '-' or '.'.");
        if (input.Name is not null)
            StatedTexts.Check("input.name", input.Name, MaxNameLength);
        if (!Currencies.Exists(input.Currency))
            throw Invalid("currency", "unknown_currency", "'currency' must be an ISO 4217 code such as USD.");
        if (input.Amount is <= 0 or >= MaxAmount)
            throw Invalid("amount", "out_of_range", "'amount' must be above 0 and below 10^12.");
        var units = Currencies.MinorUnits(input.Currency);
        if (decimal.Round(input.Amount, units) != input.Amount)
            throw Invalid("amount", "too_precise", $"'amount' has at most {units} decimal places in {input.Currency}.");
        if (input.Priority is < 0 or > MaxPriority)
            throw Invalid("priority", "out_of_range", $"'priority' must be 0 to {MaxPriority}.");
        if (input.ExpiresAt is { } expires)
            StatedDates.Check("input.expiresAt", expires);
    }

    private async Task CheckPlaceAsync(NewCreditGrant input, CancellationToken ct)
    {
        if (input.Customer != Limits.SelfCustomer && !await db.Customers.AnyAsync(row => row.Key == input.Customer, ct))
            throw new RefusedException(
                new Refusal(RefusalKind.NotFound, "unknown_customer", $"There is no customer '{input.Customer}'.", "input.customer")
            );
        var now = await clocks.NowAsync(ct);
        if (input.ExpiresAt <= now)
            throw Invalid("expiresAt", "out_of_range", $"'expiresAt' must be after {now}, the org's time.");
        if (await db.CreditGrants.CountAsync(row => row.CustomerKey == input.Customer && row.Remaining > 0, ct) >= MaxOpen)
            throw new RefusedException(
                Refusal.Conflict("too_many", $"A customer has at most {MaxOpen} grants with credits left.", "input.customer")
            );
    }

    private static RefusedException Invalid(string field, string code, string message) =>
        new(Refusal.Invalid($"input.{field}", code, message));
}
