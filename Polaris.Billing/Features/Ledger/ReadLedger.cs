using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Paging;

namespace Polaris.Billing.Features.Ledger;

/// <summary>Where a customer stands in one currency. Nothing is negative: what the customer is owed is its balance.</summary>
/// <param name="Currency">ISO 4217.</param>
/// <param name="Owed">Due of finalized invoices.</param>
/// <param name="Balance">The customer's credit: the next finalized invoice uses it up.</param>
/// <param name="CreditsLeft">Prepaid credits.</param>
public sealed record CustomerStanding(string Currency, decimal Owed, decimal Balance, decimal CreditsLeft);

/// <summary>A customer's ledger and what its accounts sum to.</summary>
internal sealed class ReadLedger(BillingDbContext db)
{
    /// <summary>By currency; empty without entries.</summary>
    public Task<IReadOnlyList<CustomerStanding>> StandingsAsync(string customer, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
                (IReadOnlyList<CustomerStanding>)
                    [
                        .. (await db.AccountBalances.AsNoTracking().Where(row => row.CustomerKey == customer).ToListAsync(token))
                            .GroupBy(row => row.Currency)
                            .OrderBy(of => of.Key, StringComparer.Ordinal)
                            .Select(of => new CustomerStanding(
                                of.Key,
                                Sum(of, LedgerAccounts.Receivable),
                                // Subtracted from 0, so that nothing left is not −0.
                                0 - Sum(of, LedgerAccounts.Balance),
                                0 - Sum(of, LedgerAccounts.Prepaid)
                            )),
                    ],
            ct
        );

    /// <summary>Newest first.</summary>
    /// <param name="customer">The customer's key.</param>
    /// <param name="first">1 to <see cref="Paging.MaxPage"/>.</param>
    /// <param name="after">Cursor (entry id) of the previous page's last entry; null for the first page.</param>
    /// <param name="ct">Cancels.</param>
    public Task<Page<LedgerEntryRow>> PageAsync(string customer, int first, string? after, CancellationToken ct)
    {
        Paging.Check(first);
        var before = 0L;
        Cursors.Checked(
            after,
            after is null || (long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out before) && after[0] != '0')
        );
        return db.InTransactionAsync(
            async token =>
            {
                var matching = db.LedgerEntries.AsNoTracking().Where(row => row.CustomerKey == customer);
                var total = await matching.CountAsync(token);
                if (after is not null)
                    matching = matching.Where(row => row.Id < before);
                return Paging.ToPage(
                    await matching.OrderByDescending(row => row.Id).Take(first + 1).ToListAsync(token),
                    first,
                    total,
                    row => row.Id.ToString(CultureInfo.InvariantCulture)
                );
            },
            ct
        );
    }

    private static decimal Sum(IEnumerable<AccountBalanceRow> rows, string account) =>
        rows.Where(row => row.Account == account).Sum(row => row.Amount);
}
