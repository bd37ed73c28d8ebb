using System.Globalization;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>An org with drafts that a test states, and everything that is done with invoices, credits and the ledger.</summary>
internal sealed class Books(BillingAlone billing, Guid org)
{
    public static readonly Instant Start = Instant.FromUtc(2026, 6, 1, 0, 0);

    public Guid Org { get; } = org;

    /// <summary>With the test clock at <see cref="Start"/> and the given customers.</summary>
    public static async Task<Books> CreateAsync(BillingAlone billing, params string[] customers)
    {
        var books = new Books(billing, await billing.NewOrgAsync());
        await billing.InOrgAsync<CreateCustomers, int>(
            books.Org,
            async create => (await create.HandleAsync([.. customers.Select(key => new NewCustomer(key, null, null))], default)).Count
        );
        await books.ClockAsync(Start);
        return books;
    }

    public Task ClockAsync(Instant now) => billing.InOrgAsync<OrgClocks, ClockReading>(Org, clocks => clocks.SetAsync(now, default));

    /// <summary>Writes a draft with a charge line and, with tax, a tax line.</summary>
    public Task<Guid> DraftAsync(string customer, decimal total, decimal tax = 0, string currency = "EUR", Instant? periodEnd = null) =>
        InDbAsync(
            async (db, ct) =>
            {
                var org = await db.Orgs.SingleAsync(ct);
                var end = periodEnd ?? Start;
                var row = new InvoiceRow
                {
                    OrgId = Org,
                    Id = Guid.CreateVersion7(),
                    Sequence = org.NextInvoiceSequence++,
                    SubscriptionId = Guid.CreateVersion7(),
                    CustomerKey = customer,
                    Currency = currency,
                    PeriodStart = end - Duration.FromDays(30),
                    PeriodEnd = end,
                    Total = total,
                    Tax = tax,
                    DraftedAt = end,
                };
                Add("charge", "calls", total - tax);
                if (tax != 0)
                    Add("tax", "vat", tax);
                db.Invoices.Add(row);
                await db.SaveChangesAsync(ct);
                return row.Id;

                void Add(string kind, string charge, decimal amount) =>
                    row.Lines.Add(
                        new InvoiceLineRow
                        {
                            OrgId = Org,
                            InvoiceId = row.Id,
                            Ordinal = row.Lines.Count,
                            Kind = kind,
                            Charge = charge,
                            Amount = amount,
                        }
                    );
            }
        );

    /// <summary>Writes drafts of 10.00 with a tax of 1.00 for the customers <c>c0</c> to <c>c9</c> in turn.</summary>
    public Task DraftManyAsync(int count) =>
        InDbAsync(
            (db, ct) =>
                db.Database.ExecuteSqlAsync(
                    $"""
                    INSERT INTO invoices (org_id, id, sequence, subscription_id, customer_key, status, currency, period_start, period_end,
                      total, tax, plan_version_id, plan_version_hash, engine_version, result_hash, stale, created_at, drafted_at,
                      amount_due, balance_applied, credits_applied, credited, amount_paid)
                    SELECT {Org}, gen_random_uuid(), 1000 + n, gen_random_uuid(), 'c' || n % 10, 'draft', 'EUR', {Start}, {Start},
                      10, 1, gen_random_uuid(), '', '', '', false, {Start}, {Start}, 0, 0, 0, 0, 0
                    FROM generate_series(1, {count}) n
                    """,
                    ct
                )
        );

    public Task<FinalizedThrough> ThroughAsync(Instant periodEnd) =>
        billing.InOrgAsync<FinalizeInvoices, FinalizedThrough>(Org, finalize => finalize.ThroughAsync(periodEnd, default));

    public Task<IReadOnlyList<FinalizeResult>> FinalizeAsync(params Guid[] ids) =>
        billing.InOrgAsync<FinalizeInvoices, IReadOnlyList<FinalizeResult>>(Org, finalize => finalize.HandleAsync(ids, default));

    /// <summary>Drafts and finalizes.</summary>
    public async Task<Guid> InvoiceAsync(
        string customer,
        decimal total,
        decimal tax = 0,
        string currency = "EUR",
        Instant? periodEnd = null
    )
    {
        var id = await DraftAsync(customer, total, tax, currency, periodEnd);
        Assert.Equal(FinalizeOutcome.Finalized, Assert.Single(await FinalizeAsync(id)).Outcome);
        return id;
    }

    public Task<InvoiceRow> PayAsync(Guid id, Instant? at = null, string? reference = null) =>
        billing.InOrgAsync<PayInvoice, InvoiceRow>(Org, pay => pay.PaidAsync(id, at, reference, default));

    public Task<InvoiceRow> UnpayAsync(Guid id) => billing.InOrgAsync<PayInvoice, InvoiceRow>(Org, pay => pay.UnpaidAsync(id, default));

    public Task<InvoiceRow> VoidAsync(Guid id, string reason = "wrong") =>
        billing.InOrgAsync<VoidInvoice, InvoiceRow>(Org, invoices => invoices.HandleAsync(id, reason, default));

    public Task<InvoiceRow> ReissueAsync(Guid id) =>
        billing.InOrgAsync<DraftInvoices, InvoiceRow>(Org, draft => draft.ReissueAsync(id, default));

    public Task<CreditNoteRow> CreditAsync(Guid id, decimal amount, string reason = "goodwill") =>
        CreditAsync(new NewCreditNote(id, null, amount, reason));

    public Task<CreditNoteRow> CreditAsync(NewCreditNote note) =>
        billing.InOrgAsync<CreateCreditNote, CreditNoteRow>(Org, notes => notes.HandleAsync(note, default));

    public Task<CreditGrantRow> GrantAsync(
        string customer,
        string key,
        decimal amount,
        string currency = "EUR",
        int priority = 0,
        Instant? expires = null
    ) => GrantAsync(new NewCreditGrant(customer, key, amount, currency, priority, expires, null));

    public Task<CreditGrantRow> GrantAsync(NewCreditGrant grant) =>
        billing.InOrgAsync<CreditGrants, CreditGrantRow>(Org, grants => grants.CreateAsync(grant, default));

    public Task<CreditGrantRow> VoidGrantAsync(Guid id) =>
        billing.InOrgAsync<CreditGrants, CreditGrantRow>(Org, grants => grants.VoidAsync(id, default));

    public Task<int> ExpireAsync() => billing.Of<ExpireCredits>().ExpireAsync(Org, default);

    public Task<InvoiceRow> FindAsync(Guid id) =>
        InDbAsync((db, ct) => db.Invoices.AsNoTracking().Include(row => row.Lines).SingleAsync(row => row.Id == id, ct));

    public Task<CreditGrantRow> FindGrantAsync(Guid id) =>
        InDbAsync((db, ct) => db.CreditGrants.AsNoTracking().SingleAsync(row => row.Id == id, ct));

    /// <summary>Of a customer in one currency: owed, balance and credits left.</summary>
    public async Task<(decimal Owed, decimal Balance, decimal Credits)> StandingAsync(string customer, string currency = "EUR") =>
        (await billing.InOrgAsync<ReadLedger, IReadOnlyList<CustomerStanding>>(Org, ledger => ledger.StandingsAsync(customer, default)))
            .Where(standing => standing.Currency == currency)
            .Select(standing => (standing.Owed, standing.Balance, standing.CreditsLeft))
            .SingleOrDefault();

    public Task<List<LedgerEntryRow>> EntriesAsync() =>
        InDbAsync((db, ct) => db.LedgerEntries.AsNoTracking().OrderBy(row => row.Id).ToListAsync(ct));

    public Task<List<AccountBalanceRow>> BalancesAsync() => InDbAsync((db, ct) => db.AccountBalances.AsNoTracking().ToListAsync(ct));

    /// <summary>
    /// What always holds: transactions sum to zero, balances are the sums of entries, and numbers of invoices, credit notes and entries
    /// have no gap.
    /// </summary>
    public async Task CheckAsync()
    {
        var entries = await EntriesAsync();
        Assert.Equal(Enumerable.Range(1, entries.Count).Select(id => (long)id), entries.Select(entry => entry.Id));
        Assert.All(
            entries.GroupBy(entry => (entry.TransactionId, entry.Currency)),
            transaction => Assert.Equal(0, transaction.Sum(entry => entry.Amount))
        );
        Assert.Equal(
            entries
                .GroupBy(entry => (entry.CustomerKey, entry.Currency, entry.Account))
                .Select(of => (of.Key, of.Sum(entry => entry.Amount)))
                .Order(),
            (await BalancesAsync()).Select(row => ((row.CustomerKey, row.Currency, row.Account), row.Amount)).Order()
        );
        var numbers = await InDbAsync(
            async (db, ct) =>
                (
                    await db.Invoices.Where(row => row.Number != null).Select(row => row.Number!).ToListAsync(ct),
                    await db.CreditNotes.Select(row => row.Number).ToListAsync(ct)
                )
        );
        Assert.Equal(Numbers("INV-", numbers.Item1.Count), numbers.Item1.Order(StringComparer.Ordinal));
        Assert.Equal(Numbers("CN-", numbers.Item2.Count), numbers.Item2.Order(StringComparer.Ordinal));
    }

    /// <summary>Everything that was written, as text, without ids and times.</summary>
    public async Task<string> TextAsync()
    {
        var (invoices, grants, notes) = await InDbAsync(
            async (db, ct) =>
                (
                    await db.Invoices.AsNoTracking().OrderBy(row => row.Sequence).ToListAsync(ct),
                    await db.CreditGrants.AsNoTracking().OrderBy(row => row.CustomerKey).ThenBy(row => row.Key).ToListAsync(ct),
                    await db.CreditNotes.AsNoTracking().Include(row => row.Lines).OrderBy(row => row.Number).ToListAsync(ct)
                )
        );
        var sequences = invoices.ToDictionary(row => row.Id, row => row.Sequence);
        var keys = grants.ToDictionary(row => row.Id, row => row.Key);
        var entries = (await EntriesAsync())
            .Select(row =>
                $"{row.CustomerKey} {row.Currency} {row.Account} {Text(row.Amount)} {row.Kind} "
                + $"{(row.InvoiceId is { } id ? sequences[id] : 0)} {(row.GrantId is { } grant ? keys[grant] : "")}"
            )
            .ToArray();
        return string.Join(
            '\n',
            [
                .. invoices.Select(row =>
                    $"{row.Sequence} {row.Number} {row.Status} {Text(row.AmountDue)} {Text(row.BalanceApplied)} {Text(row.CreditsApplied)} "
                    + $"{Text(row.Credited)} {Text(row.AmountPaid)} {row.PaymentReference} {row.VoidReason}"
                ),
                .. grants.Select(row =>
                    $"{row.CustomerKey} {row.Key} {Text(row.Remaining)} {Text(row.ExpiredAmount)} {row.VoidedAt is not null}"
                ),
                .. notes.Select(row =>
                    $"{row.Number} {sequences[row.InvoiceId]} {Text(row.Amount)} {Text(row.Tax)} {Text(row.AppliedToDue)}"
                ),
                .. entries,
            ]
        );
    }

    /// <summary>Code, path and message of the expected refusal.</summary>
    public static async Task<(string Code, string? Path, string Message)> RefusalAsync(Func<Task> act)
    {
        var refusal = (await Assert.ThrowsAsync<RefusedException>(act)).Refusal;
        return (refusal.Code, refusal.Path, refusal.Message);
    }

    public Task<T> InDbAsync<T>(Func<BillingDbContext, CancellationToken, Task<T>> act) =>
        billing.InOrgAsync<BillingDbContext, T>(Org, db => db.InTransactionAsync(ct => act(db, ct), default));

    private static IEnumerable<string> Numbers(string prefix, int count) =>
        Enumerable.Range(1, count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{prefix}{number:D8}"));

    private static string Text(decimal value) => (value / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);
}
