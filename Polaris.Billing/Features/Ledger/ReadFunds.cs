using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Ledger;

/// <summary>The balances and prepaid credits of some customers, in every currency. The caller holds <see cref="OrgBooks"/>.</summary>
internal sealed class ReadFunds
{
    private readonly Dictionary<(string Customer, string Currency), CustomerFunds> funds = [];

    public CustomerFunds Of(string customer, string currency)
    {
        if (!funds.TryGetValue((customer, currency), out var found))
            funds.Add((customer, currency), found = new CustomerFunds(0, []));
        return found;
    }

    /// <summary>Two statements; grants are not looked at when none of the customers has any left.</summary>
    public static async Task<ReadFunds> OfAsync(ScopedTransaction tx, Guid org, string[] customers, CancellationToken ct)
    {
        var (balances, prepaid) = (new Dictionary<(string, string), decimal>(), new HashSet<string>());
        await using (
            var command = tx.Command(
                """
                SELECT customer_key, currency, account, amount FROM account_balances
                WHERE org_id = $1 AND customer_key = ANY($2) AND account IN ('balance', 'prepaid') AND amount <> 0
                """
            )
        )
        {
            await using var reader = await command.Bind(org).Bind(customers).ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
                if (reader.GetString(2) == LedgerAccounts.Balance)
                    balances.Add((reader.GetString(0), reader.GetString(1)), -reader.GetDecimal(3));
                else
                    prepaid.Add(reader.GetString(0));
        }

        var grants = prepaid.Count == 0 ? [] : await GrantsAsync(tx, org, [.. prepaid], ct);
        var result = new ReadFunds();
        foreach (var place in balances.Keys.Union(grants.Select(grant => grant.Place)))
            result.funds.Add(
                place,
                new CustomerFunds(
                    balances.GetValueOrDefault(place),
                    grants.Where(grant => grant.Place == place).Select(grant => grant.Grant)
                )
            );
        return result;
    }

    private static async Task<List<((string Customer, string Currency) Place, OpenGrant Grant)>> GrantsAsync(
        ScopedTransaction tx,
        Guid org,
        string[] customers,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT customer_key, currency, id, remaining, priority, expires_at, created_at FROM credit_grants
            WHERE org_id = $1 AND customer_key = ANY($2) AND remaining > 0
            """
        );
        var grants = new List<((string, string), OpenGrant)>();
        await using var reader = await command.Bind(org).Bind(customers).ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            grants.Add(
                (
                    (reader.GetString(0), reader.GetString(1)),
                    new OpenGrant(
                        reader.GetGuid(2),
                        reader.GetDecimal(3),
                        reader.GetInt32(4),
                        await reader.IsDBNullAsync(5, ct) ? null : reader.GetFieldValue<Instant>(5),
                        reader.GetFieldValue<Instant>(6)
                    )
                )
            );
        return grants;
    }
}
