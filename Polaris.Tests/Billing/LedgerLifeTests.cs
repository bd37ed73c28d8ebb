using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>
/// Random lives of a customer in two currencies, beside a naive account of them: what was charged, credited, granted, paid and owed adds
/// up.
/// </summary>
public sealed class LedgerLifeTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private const int Lives = 40;
    private const int StepsOfLife = 40;

    [Fact]
    [Trait(Categories.Name, Categories.Chaos)]
    public async Task Whatever_a_customer_lives_through_its_accounts_are_those_of_a_naive_account()
    {
        var refusals = new Dictionary<string, int>();
        for (var seed = 1; seed <= Lives; seed++)
        {
            var life = new RandomLife(await Books.CreateAsync(alone.Billing, "a"), new Random(seed), refusals);
            for (var step = 0; step < StepsOfLife; step++)
                await life.StepAsync($"seed {seed}, step {step}");
        }

        // The lives met every refusal that the rules of money have.
        Assert.Equal(
            ["balance_used", "exceeds_invoice", "has_credit_notes", "invoice_paid", "invoice_void", "nothing_to_credit"],
            refusals.Keys.Order(StringComparer.Ordinal)
        );
    }

    /// <summary>The naive account: lists of what happened, summed anew for every question.</summary>
    private sealed class RandomLife(Books books, Random random, Dictionary<string, int> refusals)
    {
        private static readonly string[] Currencies = ["EUR", "JPY"];
        private readonly List<NaiveInvoice> invoices = [];
        private readonly List<NaiveGrant> grants = [];
        private readonly List<NaiveInvoice> drafts = [];
        private Instant now = Books.Start;

        private sealed class NaiveInvoice(Guid id, string currency, decimal total, decimal tax, Instant periodEnd)
        {
            public Guid Id { get; } = id;
            public string Currency { get; } = currency;
            public decimal Total { get; } = total;
            public decimal Tax { get; } = tax;
            public Instant PeriodEnd { get; } = periodEnd;
            public bool Final { get; set; }
            public bool Void { get; set; }
            public decimal? Paid { get; set; }
            public decimal FromBalance { get; set; }
            public List<(NaiveGrant Grant, decimal Amount)> Draws { get; } = [];
            public List<(decimal Amount, decimal Tax, decimal ToDue)> Notes { get; } = [];

            public bool Counts => Final && !Void;

            /// <summary>Without what the customer paid.</summary>
            public decimal Open => Counts ? Total - FromBalance - Draws.Sum(draw => draw.Amount) - Notes.Sum(note => note.ToDue) : 0;

            public decimal Due => Paid is null ? Open : 0;
        }

        private sealed class NaiveGrant(Guid id, string currency, decimal amount, int priority, Instant? expires)
        {
            public Guid Id { get; } = id;
            public string Currency { get; } = currency;
            public decimal Amount { get; } = amount;
            public int Priority { get; } = priority;
            public Instant? Expires { get; } = expires;
            public bool Void { get; set; }
            public decimal Voided { get; set; }
            public decimal Expired { get; set; }
        }

        public async Task StepAsync(string where)
        {
            switch (random.Next(10))
            {
                case 0 or 1 or 2:
                    await FinalizeSomeAsync();
                    break;
                case 3:
                    await OnInvoiceAsync(PayAsync);
                    break;
                case 4:
                    await OnInvoiceAsync(UnpayAsync);
                    break;
                case 5:
                    await OnInvoiceAsync(VoidAsync);
                    break;
                case 6:
                    await OnInvoiceAsync(CreditAsync);
                    break;
                case 7:
                    await GrantAsync();
                    break;
                case 8 when grants.Count > 0:
                    await VoidGrantAsync(random.GetItems(grants.ToArray(), 1)[0]);
                    break;
                default:
                    await ExpireAsync();
                    break;
            }

            await CheckAsync(where);
        }

        private decimal Left(NaiveGrant grant) =>
            grant.Amount
            - grant.Voided
            - grant.Expired
            - invoices
                .Where(invoice => invoice.Counts)
                .SelectMany(invoice => invoice.Draws)
                .Where(draw => draw.Grant == grant)
                .Sum(draw => draw.Amount);

        private decimal Balance(string currency) =>
            invoices
                .Where(invoice => invoice.Counts && invoice.Currency == currency)
                .Sum(invoice => invoice.Notes.Sum(note => note.Amount - note.ToDue) - invoice.FromBalance);

        private async Task FinalizeSomeAsync()
        {
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                var currency = random.GetItems(Currencies, 1)[0];
                decimal total = random.Next(4) == 0 ? -random.Next(1, 3_000) : random.Next(0, 5_000);
                var tax = decimal.Truncate(total * 0.19m / 1.19m);
                if (currency == "EUR")
                    (total, tax) = (total / 100, tax / 100);
                var end = now - Duration.FromDays(random.Next(0, 3));
                drafts.Add(new NaiveInvoice(await books.DraftAsync("a", total, tax, currency, end), currency, total, tax, end));
            }

            // Some wait for a while: credits that they are paid with do not expire.
            if (random.Next(3) == 0)
                return;
            var made = drafts.ToArray();
            drafts.Clear();
            Assert.All(
                await books.FinalizeAsync([.. made.Select(invoice => invoice.Id)]),
                result => Assert.Equal(FinalizeOutcome.Finalized, result.Outcome)
            );
            foreach (var invoice in made)
            {
                invoices.Add(invoice);
                if (invoice.Total < 0)
                {
                    invoice.FromBalance = invoice.Total;
                }
                else
                {
                    var balance = Balance(invoice.Currency);
                    var left = invoice.Total;
                    foreach (
                        var grant in grants
                            .Where(grant =>
                                grant.Currency == invoice.Currency
                                && (grant.Expires is not { } end || end > now || end >= invoice.PeriodEnd)
                            )
                            .OrderBy(grant => grant.Priority)
                            .ThenBy(grant => grant.Expires ?? Instant.MaxValue)
                            .ThenBy(grant => grants.IndexOf(grant))
                    )
                    {
                        var drawn = Math.Min(left, Left(grant));
                        if (drawn <= 0)
                            continue;
                        left -= drawn;
                        // It counts from now on, so that the next grant is asked for the rest only.
                        invoice.Draws.Add((grant, drawn));
                    }

                    invoice.FromBalance = Math.Min(left, balance);
                }

                invoice.Final = true;
            }
        }

        private Task OnInvoiceAsync(Func<NaiveInvoice, Task> act) =>
            invoices.Count == 0 ? FinalizeSomeAsync() : act(random.GetItems(invoices.ToArray(), 1)[0]);

        private Task PayAsync(NaiveInvoice invoice) =>
            ActAsync(() => books.PayAsync(invoice.Id), invoice.Void ? "invoice_void" : null, _ => invoice.Paid ??= invoice.Open);

        private Task UnpayAsync(NaiveInvoice invoice) =>
            ActAsync(() => books.UnpayAsync(invoice.Id), invoice.Void ? "invoice_void" : null, _ => invoice.Paid = null);

        private Task VoidAsync(NaiveInvoice invoice) =>
            ActAsync(
                () => books.VoidAsync(invoice.Id),
                invoice.Void ? null
                    : invoice.Paid is not null ? "invoice_paid"
                    : invoice.Notes.Count > 0 ? "has_credit_notes"
                    : Balance(invoice.Currency) + invoice.FromBalance < 0 ? "balance_used"
                    : null,
                _ =>
                {
                    if (invoice.Void)
                        return;
                    invoice.Void = true;
                    foreach (var (grant, amount) in invoice.Draws.Where(draw => draw.Grant.Void))
                        grant.Voided += amount;
                }
            );

        private Task CreditAsync(NaiveInvoice invoice)
        {
            var places = invoice.Currency == "EUR" ? 2 : 0;
            var earlier = invoice.Notes.Sum(note => note.Amount);
            var amount = decimal.Round(Math.Max(invoice.Total, 1) * random.Next(1, 80) / 100, places) + (places == 2 ? 0.01m : 1);
            return ActAsync(
                () => books.CreditAsync(invoice.Id, amount),
                invoice.Void ? "invoice_void"
                    : invoice.Total <= 0 ? "nothing_to_credit"
                    : amount > invoice.Total - earlier ? "exceeds_invoice"
                    : null,
                note => invoice.Notes.Add((amount, note.Tax, Math.Min(amount, invoice.Due)))
            );
        }

        private async Task GrantAsync()
        {
            var currency = random.GetItems(Currencies, 1)[0];
            Instant? expires = random.Next(3) == 0 ? null : now + Duration.FromDays(random.Next(1, 6));
            var (amount, priority) = ((decimal)random.Next(1, 60), random.Next(2));
            var row = await books.GrantAsync("a", $"g{grants.Count}", amount, currency, priority, expires);
            grants.Add(new NaiveGrant(row.Id, currency, amount, priority, expires));
        }

        private async Task VoidGrantAsync(NaiveGrant grant)
        {
            await books.VoidGrantAsync(grant.Id);
            grant.Voided += Left(grant);
            grant.Void = true;
        }

        private async Task ExpireAsync()
        {
            now += Duration.FromDays(random.Next(0, 3));
            await books.ClockAsync(now);
            await books.ExpireAsync();
            foreach (
                var grant in grants.Where(grant =>
                    grant.Expires <= now && !drafts.Any(draft => draft.Currency == grant.Currency && draft.PeriodEnd <= grant.Expires)
                )
            )
                grant.Expired += Left(grant);
        }

        private async Task ActAsync<T>(Func<Task<T>> act, string? refusal, Action<T> then)
        {
            try
            {
                var done = await act();
                Assert.Null(refusal);
                then(done);
            }
            catch (RefusedException exception)
            {
                Assert.Equal(refusal, exception.Refusal.Code);
                refusals[exception.Refusal.Code] = refusals.GetValueOrDefault(exception.Refusal.Code) + 1;
            }
        }

        private async Task CheckAsync(string where)
        {
            await books.CheckAsync();
            var accounts = (await books.BalancesAsync()).ToDictionary(row => (row.Currency, row.Account), row => row.Amount);
            foreach (var currency in Currencies)
            {
                var final = invoices.Where(invoice => invoice.Counts && invoice.Currency == currency).ToArray();
                var given = grants.Where(grant => grant.Currency == currency).ToArray();
                var expected = new Dictionary<string, decimal>
                {
                    [LedgerAccounts.Receivable] = final.Sum(invoice => invoice.Due),
                    [LedgerAccounts.Cash] = final.Sum(invoice => invoice.Paid ?? 0),
                    [LedgerAccounts.Revenue] =
                        final.Sum(invoice => invoice.Notes.Sum(note => note.Amount - note.Tax))
                        - final.Sum(invoice => invoice.Total - invoice.Tax),
                    [LedgerAccounts.Tax] = final.Sum(invoice => invoice.Notes.Sum(note => note.Tax) - invoice.Tax),
                    [LedgerAccounts.Balance] = -Balance(currency),
                    [LedgerAccounts.Prepaid] = -given.Sum(Left),
                    [LedgerAccounts.Granted] = given.Sum(grant => grant.Amount - grant.Voided),
                    [LedgerAccounts.Expired] = -given.Sum(grant => grant.Expired),
                };
                foreach (var (account, amount) in expected)
                    Assert.Equal(
                        (where, currency, account, amount),
                        (where, currency, account, accounts.GetValueOrDefault((currency, account)))
                    );
                Assert.True(accounts.GetValueOrDefault((currency, LedgerAccounts.Balance)) <= 0, where);
                // Charged, less what was credited, is what was paid in money and in credits, is owed, or was given back as balance.
                Assert.Equal(
                    final.Sum(invoice => invoice.Total - invoice.Notes.Sum(note => note.Amount)),
                    final.Sum(invoice => (invoice.Paid ?? 0) + invoice.Due + invoice.Draws.Sum(draw => draw.Amount)) - Balance(currency)
                );
            }

            foreach (var invoice in invoices)
                Assert.Equal((where, invoice.Due), (where, (await books.FindAsync(invoice.Id)).AmountDue));
        }
    }
}
