using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Crossing;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Ledger;

/// <summary>
/// Expires what is left of credit grants, by the org's clock, and posts it to the ledger. A grant stays while an invoice that it still pays
/// is not final: a draft, or a period not drafted yet, that ended before the grant did. One chunk of each org in turn.
/// </summary>
internal sealed partial class ExpireCredits(
    IServiceScopeFactory scopes,
    NpgsqlDataSource database,
    TimeProvider time,
    ILogger<ExpireCredits> log
) : PeriodicJob
{
    private const int OrgPageSize = 100;
    private const int ChunkSize = 500;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);
    private readonly OrgBackoff failing = new(nameof(ExpireCredits), time, log);

    public override async Task<TimeSpan> RunOnceAsync(CancellationToken ct)
    {
        var done = 0;
        foreach (var org in await DueOrgsAsync(ct))
            await failing.RunAsync(org, async stop => done += await ExpireAsync(org, stop), ct);
        return done > 0 ? Immediately : PollInterval;
    }

    /// <summary>Expires one chunk of the org's grants; returns how many.</summary>
    public async Task<int> ExpireAsync(Guid org, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        var db = scope.ServiceProvider.GetRequiredService<BillingDbContext>();
        var clocks = scope.ServiceProvider.GetRequiredService<OrgClocks>();
        var expired = await db.InTransactionAsync(
            async token =>
            {
                await using var tx = db.BorrowTransaction();
                await OrgBooks.LockAsync(tx, org, token);
                var clock = await clocks.NowAsync(token);
                var grants = await db
                    .CreditGrants.Where(grant => grant.Remaining > 0 && grant.ExpiresAt <= clock)
                    .Where(grant =>
                        !db.Invoices.Any(draft =>
                            draft.CustomerKey == grant.CustomerKey
                            && draft.Currency == grant.Currency
                            && draft.Status == InvoiceStatuses.Draft
                            && draft.PeriodEnd <= grant.ExpiresAt
                        ) && !db.Subscriptions.Any(row => row.CustomerKey == grant.CustomerKey && row.NextPeriodEnd <= grant.ExpiresAt)
                    )
                    .OrderBy(grant => grant.ExpiresAt)
                    .ThenBy(grant => grant.Id)
                    .Take(ChunkSize)
                    .ToListAsync(token);
                await PostEntries.PostAsync(
                    tx,
                    org,
                    grants.SelectMany(grant =>
                        CreditGrants.Postings(grant, -grant.Remaining, LedgerKinds.Expiry, LedgerAccounts.Expired, time.GetUtcNow())
                    ),
                    time.GetCurrentInstant(),
                    token
                );
                await MarkBalances.RunAsync(
                    tx,
                    org,
                    [.. grants.Select(grant => grant.CustomerKey).Distinct()],
                    gone: true,
                    clock,
                    time,
                    token
                );
                foreach (var grant in grants)
                    (grant.ExpiredAmount, grant.Remaining) = (grant.ExpiredAmount + grant.Remaining, 0);
                await db.SaveChangesAsync(token);
                return grants.Count;
            },
            ct
        );
        if (expired > 0)
            LogExpired(expired, org);
        return expired;
    }

    /// <summary>Orgs with something to expire; the conditions are those of <see cref="ExpireAsync"/>.</summary>
    private async Task<List<Guid>> DueOrgsAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ExpireCredits, ct);
        await using var command = tx.Command(
            """
            SELECT o.org_id FROM orgs o WHERE o.org_id <> ALL($3) AND EXISTS (
              SELECT 1 FROM credit_grants g WHERE g.org_id = o.org_id AND g.remaining > 0 AND g.expires_at <= coalesce(o.frozen_at, $1)
                AND NOT EXISTS (
                  SELECT 1 FROM invoices i WHERE i.org_id = g.org_id AND i.customer_key = g.customer_key AND i.currency = g.currency
                    AND i.status = 'draft' AND i.period_end <= g.expires_at)
                AND NOT EXISTS (
                  SELECT 1 FROM subscriptions s WHERE s.org_id = g.org_id AND s.customer_key = g.customer_key
                    AND s.next_period_end <= g.expires_at) OFFSET 0)
            ORDER BY o.org_id LIMIT $2
            """
        );
        command.Bind(time.GetCurrentInstant()).Bind(OrgPageSize).Bind(failing.Held());
        var orgs = new List<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            orgs.Add(reader.GetGuid(0));
        return orgs;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Expired {Count} credit grants of org {OrgId}.")]
    private partial void LogExpired(int count, Guid orgId);
}
