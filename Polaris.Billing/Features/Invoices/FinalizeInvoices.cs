using System.Globalization;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>What became of an invoice that was to be finalized.</summary>
public enum FinalizeOutcome
{
    /// <summary>It is final now.</summary>
    Finalized,

    /// <summary>More usage arrived; the draft is being replaced and can be finalized in a moment.</summary>
    Stale,

    /// <summary>The org has no such invoice.</summary>
    NotFound,

    /// <summary>It was final before, or is void.</summary>
    NotADraft,
}

/// <param name="Id">The invoice.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Number">Of an invoice that is final, now or before.</param>
public sealed record FinalizeResult(Guid Id, FinalizeOutcome Outcome, string? Number);

/// <param name="Results">One for each invoice.</param>
/// <param name="Left">Drafts of the asked-for periods that are still there: call again.</param>
public sealed record FinalizedThrough(IReadOnlyList<FinalizeResult> Results, int Left);

/// <summary>
/// Finalizes drafts, which never change afterwards: numbers them without a gap, pays them from prepaid credits and the customer's balance,
/// and posts all of it to the ledger. One transaction and a fixed number of statements for any number of invoices. It holds the org's
/// exclusive lock: a draft is either replaced before, or its later usage is an adjustment on the next invoice.
/// </summary>
internal sealed class FinalizeInvoices(BillingDbContext db, TenantScope tenant, OrgClocks clocks, TimeProvider time)
{
    public const int MaxBatchSize = 1_000;

    public const string NumberPrefix = "INV-";

    private const string Columns = "id, status, stale, customer_key, currency, total, tax, period_start, period_end, number";

    private sealed record Found(
        Guid Id,
        string Status,
        bool Stale,
        string Customer,
        string Currency,
        decimal Total,
        decimal Tax,
        Instant PeriodStart,
        Instant PeriodEnd,
        string? Number
    )
    {
        public bool Fresh => Status == InvoiceStatuses.Draft && !Stale;
    }

    private sealed record Final(Found Draft, string Number, Settlement Paid)
    {
        public decimal AmountDue => Draft.Total - Paid.CreditsApplied - Paid.BalanceApplied;
    }

    /// <summary>Finalizes these invoices; answers in the order asked, each id once.</summary>
    public Task<IReadOnlyList<FinalizeResult>> HandleAsync(IReadOnlyList<Guid> ids, CancellationToken ct)
    {
        if (ids.Count is 0 or > MaxBatchSize)
            throw new RefusedException(Refusal.Invalid("ids", "count", $"Send 1 to {MaxBatchSize} ids per call, not {ids.Count}."));
        var asked = ids.Distinct().ToArray();
        return InLockAsync(
            OrgLock.MaxWait,
            async (tx, token) =>
            {
                var found = await ReadAsync(
                    tx,
                    $"SELECT {Columns} FROM invoices WHERE org_id = $1 AND id = ANY($2) ORDER BY sequence",
                    asked,
                    MaxBatchSize,
                    token
                );
                var final = (await FinalizeAsync(tx, found, token)).ToDictionary(result => result.Draft.Id, result => result.Number);
                var known = found.ToDictionary(row => row.Id);
                return (IReadOnlyList<FinalizeResult>)
                    [
                        .. asked.Select(id =>
                            final.TryGetValue(id, out var number) ? new FinalizeResult(id, FinalizeOutcome.Finalized, number)
                            : !known.TryGetValue(id, out var row) ? new FinalizeResult(id, FinalizeOutcome.NotFound, null)
                            : row.Status == InvoiceStatuses.Draft ? new FinalizeResult(id, FinalizeOutcome.Stale, null)
                            : new FinalizeResult(id, FinalizeOutcome.NotADraft, row.Number)
                        ),
                    ];
            },
            ct
        );
    }

    /// <summary>Finalizes the fresh drafts of periods that ended by then, oldest first, at most <see cref="MaxBatchSize"/>.</summary>
    public Task<FinalizedThrough> ThroughAsync(Instant periodEnd, CancellationToken ct)
    {
        StatedDates.Check("through", periodEnd);
        return InLockAsync(
            OrgLock.MaxWait,
            async (tx, token) =>
            {
                var found = await ReadAsync(
                    tx,
                    $"""
                    SELECT {Columns} FROM invoices WHERE org_id = $1 AND status = 'draft' AND NOT stale AND period_end <= $2
                    ORDER BY sequence LIMIT $3
                    """,
                    periodEnd,
                    MaxBatchSize,
                    token
                );
                var final = await FinalizeAsync(tx, found, token);
                var left = await db.Invoices.CountAsync(row => row.Status == InvoiceStatuses.Draft && row.PeriodEnd <= periodEnd, token);
                return new FinalizedThrough(
                    [.. final.Select(result => new FinalizeResult(result.Draft.Id, FinalizeOutcome.Finalized, result.Number))],
                    left
                );
            },
            ct
        );
    }

    /// <summary>
    /// Finalizes fresh drafts whose review time is over by the org's clock, oldest first; returns how many. None without a review time.
    /// </summary>
    /// <exception cref="RefusedException">The org's lock was not free (<see cref="OrgLock.BusyCode"/>).</exception>
    public Task<int> ReviewedAsync(int atMost, CancellationToken ct) =>
        InLockAsync(
            OrgLock.WorkerWait,
            async (tx, token) =>
            {
                if (await db.Orgs.Select(row => row.ReviewHours).SingleAsync(token) is not { } hours)
                    return 0;
                var found = await ReadAsync(
                    tx,
                    $"""
                    SELECT {Columns} FROM invoices WHERE org_id = $1 AND status = 'draft' AND NOT stale AND drafted_at <= $2
                    ORDER BY sequence LIMIT $3
                    """,
                    await clocks.NowAsync(token) - Duration.FromHours(hours),
                    atMost,
                    token
                );
                return (await FinalizeAsync(tx, found, token)).Count;
            },
            ct
        );

    private Task<T> InLockAsync<T>(TimeSpan wait, Func<ScopedTransaction, CancellationToken, Task<T>> act, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                await using var tx = db.BorrowTransaction();
                await OrgLock.TakeExclusiveAsync(tx, tenant.RequireOrg(), token, wait);
                await OrgBooks.LockAsync(tx, tenant.RequireOrg(), token);
                return await act(tx, token);
            },
            ct
        );

    private async Task<List<Found>> ReadAsync<T>(ScopedTransaction tx, string which, T bound, int atMost, CancellationToken ct)
    {
        await using var command = tx.Command(which);
        command.Bind(tenant.RequireOrg()).Bind(bound);
        if (which.EndsWith("$3", StringComparison.Ordinal))
            command.Bind(atMost);
        var found = new List<Found>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            found.Add(
                new Found(
                    reader.GetGuid(0),
                    reader.GetString(1),
                    reader.GetBoolean(2),
                    reader.GetString(3),
                    reader.GetString(4),
                    reader.GetDecimal(5),
                    reader.GetDecimal(6),
                    reader.GetFieldValue<Instant>(7),
                    reader.GetFieldValue<Instant>(8),
                    await reader.IsDBNullAsync(9, ct) ? null : reader.GetString(9)
                )
            );
        return found;
    }

    /// <summary>Those that are fresh drafts, in the given order.</summary>
    private async Task<IReadOnlyList<Final>> FinalizeAsync(ScopedTransaction tx, List<Found> found, CancellationToken ct)
    {
        var drafts = found.Where(row => row.Fresh).ToArray();
        if (drafts.Length == 0)
            return [];
        var (org, now) = (tenant.RequireOrg(), time.GetCurrentInstant());
        var funds = await ReadFunds.OfAsync(tx, org, [.. drafts.Select(draft => draft.Customer).Distinct()], ct);
        var (clock, number) = (await clocks.NowAsync(ct), await TakeNumbersAsync(tx, org, drafts.Length, ct));
        var final = new Final[drafts.Length];
        for (var i = 0; i < drafts.Length; i++)
            final[i] = new Final(
                drafts[i],
                string.Create(CultureInfo.InvariantCulture, $"{NumberPrefix}{number + i:D8}"),
                funds.Of(drafts[i].Customer, drafts[i].Currency).Pay(drafts[i].Total, drafts[i].PeriodEnd, clock)
            );
        await StoreAsync(tx, org, final, now, ct);
        await StoreDrawsAsync(tx, org, final, ct);
        await PostEntries.PostAsync(tx, org, final.SelectMany(PostingsOf), now, ct);
        await Announce.StoreAsync(
            tx,
            [.. final.Select(row => Announce.Row(org, time.GetUtcNow(), Announce.Finalized(RowOf(row, now))))],
            ct
        );
        Announce.WakeRelay(db);
        await InvoiceParties.FreezeAsync(db, org, [.. drafts.Select(draft => draft.Id)], ct);
        return final;
    }

    private static async Task<long> TakeNumbersAsync(ScopedTransaction tx, Guid org, int count, CancellationToken ct)
    {
        await using var command = tx.Command(
            "UPDATE orgs SET next_invoice_number = next_invoice_number + $2 WHERE org_id = $1 RETURNING next_invoice_number - $2"
        );
        return (long)(await command.Bind(org).Bind((long)count).ExecuteScalarAsync(ct))!;
    }

    private static async Task StoreAsync(ScopedTransaction tx, Guid org, Final[] final, Instant now, CancellationToken ct)
    {
        await using var command = tx.Command(
            """
            UPDATE invoices i SET status = 'finalized', finalized_at = $2, number = f.number, amount_due = f.amount_due,
              balance_applied = f.balance_applied, credits_applied = f.credits_applied
            FROM unnest($3::uuid[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[])
              f(id, number, amount_due, balance_applied, credits_applied)
            WHERE i.org_id = $1 AND i.id = f.id AND i.status = 'draft' AND NOT i.stale
            """
        );
        command
            .Bind(org)
            .Bind(now)
            .BindColumn(final, row => row.Draft.Id)
            .BindColumn(final, row => row.Number)
            .BindColumn(final, row => row.AmountDue)
            .BindColumn(final, row => row.Paid.BalanceApplied)
            .BindColumn(final, row => row.Paid.CreditsApplied);
        if (await command.ExecuteNonQueryAsync(ct) is var changed && changed != final.Length)
            throw new InvalidOperationException($"{changed} of {final.Length} drafts were still drafts under the org's lock.");
    }

    private static async Task StoreDrawsAsync(ScopedTransaction tx, Guid org, Final[] final, CancellationToken ct)
    {
        // What is left after a grant's last draw.
        var left = final
            .SelectMany(row => row.Paid.Drawn)
            .GroupBy(draw => draw.Grant)
            .Select(draws => (Grant: draws.Key, draws.Last().Remaining))
            .ToArray();
        if (left.Length == 0)
            return;
        await using var command = tx.Command(
            """
            UPDATE credit_grants g SET remaining = d.remaining FROM unnest($2::uuid[], $3::numeric[]) d(id, remaining)
            WHERE g.org_id = $1 AND g.id = d.id
            """
        );
        await command.Bind(org).BindColumn(left, row => row.Grant).BindColumn(left, row => row.Remaining).ExecuteNonQueryAsync(ct);
    }

    /// <summary>As far as its event says.</summary>
    private static InvoiceRow RowOf(Final final, Instant now) =>
        new()
        {
            Id = final.Draft.Id,
            Number = final.Number,
            CustomerKey = final.Draft.Customer,
            Currency = final.Draft.Currency,
            Total = final.Draft.Total,
            PeriodStart = final.Draft.PeriodStart,
            PeriodEnd = final.Draft.PeriodEnd,
            FinalizedAt = now,
        };

    private IEnumerable<Posting> PostingsOf(Final final)
    {
        var ((id, _, _, customer, currency, total, tax, _, _, _), transaction) = (final.Draft, Guid.CreateVersion7(time.GetUtcNow()));
        return
        [
            Post(LedgerAccounts.Receivable, total, LedgerKinds.Invoice),
            Post(LedgerAccounts.Revenue, tax - total, LedgerKinds.Invoice),
            Post(LedgerAccounts.Tax, -tax, LedgerKinds.Invoice),
            .. final.Paid.Drawn.SelectMany(draw =>
                (Posting[])
                    [
                        Post(LedgerAccounts.Prepaid, draw.Amount, LedgerKinds.Credits, draw.Grant),
                        Post(LedgerAccounts.Receivable, -draw.Amount, LedgerKinds.Credits, draw.Grant),
                    ]
            ),
            Post(LedgerAccounts.Balance, final.Paid.BalanceApplied, LedgerKinds.Balance),
            Post(LedgerAccounts.Receivable, -final.Paid.BalanceApplied, LedgerKinds.Balance),
        ];

        Posting Post(string account, decimal amount, string kind, Guid? grant = null) =>
            new(transaction, customer, currency, account, amount, kind, id, Grant: grant);
    }
}
