using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Npgsql;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>
/// The life of an invoice from its number on: finalizing, paying, voiding, crediting, and what its customer owes and has.
/// </summary>
public sealed class FinalityTests(PolarisApp polaris, BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant July = Instant.FromUtc(2026, 7, 1, 0, 0);

    private readonly BillingAlone billing = alone.Billing;

    [Fact]
    public async Task A_draft_has_no_number_and_those_that_are_finalized_are_numbered_in_the_order_of_creation()
    {
        var books = await Books.CreateAsync(billing, "a", "b");
        Guid[] drafts = [await books.DraftAsync("a", 10), await books.DraftAsync("b", 20), await books.DraftAsync("a", 30)];
        Assert.Null((await books.FindAsync(drafts[1])).Number);
        await books.InDbAsync(
            async (db, ct) =>
            {
                (await db.Invoices.FindAsync([books.Org, drafts[1]], ct))!.Stale = true;
                return await db.SaveChangesAsync(ct);
            }
        );
        var missing = Guid.CreateVersion7();
        Assert.Equal(
            [
                (drafts[2], FinalizeOutcome.Finalized, "INV-00000002"),
                (drafts[1], FinalizeOutcome.Stale, null),
                (missing, FinalizeOutcome.NotFound, null),
                (drafts[0], FinalizeOutcome.Finalized, "INV-00000001"),
            ],
            (await books.FinalizeAsync(drafts[2], drafts[1], missing, drafts[0], drafts[2])).Select(result =>
                (result.Id, result.Outcome, result.Number)
            )
        );
        Assert.Equal(
            (FinalizeOutcome.NotADraft, "INV-00000001"),
            Assert.Single((await books.FinalizeAsync(drafts[0])).Select(result => (result.Outcome, result.Number)))
        );
        Assert.Equal((10m, 10m), (await books.FindAsync(drafts[0])) is var row ? (row.Total, row.AmountDue) : default);
        await books.CheckAsync();
    }

    [Fact]
    public async Task All_drafts_up_to_a_period_end_are_finalized_at_most_a_thousand_at_once()
    {
        var books = await Books.CreateAsync(billing, "a");
        var early = await books.DraftAsync("a", 10);
        var late = await books.DraftAsync("a", 10, periodEnd: July);
        var through = await books.ThroughAsync(July - Duration.FromSeconds(1));
        Assert.Equal((early, 0), (Assert.Single(through.Results).Id, through.Left));
        Assert.Equal(InvoiceStatuses.Draft, (await books.FindAsync(late)).Status);
        Assert.Equal(
            ("count", "ids", "Send 1 to 1000 ids per call, not 1001."),
            await Books.RefusalAsync(() => books.FinalizeAsync([.. Enumerable.Range(0, 1001).Select(_ => Guid.CreateVersion7())]))
        );
    }

    [Fact]
    public async Task A_thousand_invoices_are_finalized_with_the_statements_of_ten()
    {
        var database = new NpgsqlConnectionStringBuilder(billing.Database.ConnectionString).Database;
        var statements = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (activity.TagObjects.Any(tag => tag.Key is "db.namespace" or "db.name" && Equals(tag.Value, database)))
                    Interlocked.Increment(ref statements);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var (few, many) = (await CountAsync(10, 0), await CountAsync(1_500, 500));
        Assert.InRange(few, 5, 20);
        Assert.Equal(few, many);

        async Task<int> CountAsync(int drafts, int left)
        {
            string[] customers = [.. Enumerable.Range(0, 10).Select(i => $"c{i}")];
            var books = await Books.CreateAsync(billing, customers);
            await books.GrantAsync("c1", "k", 5m);
            await books.InvoiceAsync("c2", -5m);
            await books.DraftManyAsync(drafts);
            Interlocked.Exchange(ref statements, 0);
            var through = await books.ThroughAsync(Books.Start);
            var counted = statements;
            Assert.Equal((Math.Min(drafts, 1_000), left), (through.Results.Count, through.Left));
            Assert.Equal(0m, (await books.StandingAsync("c1")).Credits);
            return counted;
        }
    }

    [Fact]
    public async Task A_negative_total_is_the_customers_balance_and_the_next_invoice_of_its_currency_uses_it_up()
    {
        var books = await Books.CreateAsync(billing, "a");
        var credit = await books.InvoiceAsync("a", -12.50m, -2m);
        Assert.Equal((0m, 12.50m, 0m), await books.StandingAsync("a"));
        Assert.Equal((0m, -12.50m), (await books.FindAsync(credit)) is var row ? (row.AmountDue, row.BalanceApplied) : default);
        var other = await books.InvoiceAsync("a", 5m, currency: "USD");
        Assert.Equal(5m, (await books.FindAsync(other)).AmountDue);
        // Two at once: the first takes what it needs, the second the rest.
        Guid[] two = [await books.DraftAsync("a", 10m), await books.DraftAsync("a", 10m)];
        await books.FinalizeAsync(two);
        var (first, second) = (await books.FindAsync(two[0]), await books.FindAsync(two[1]));
        Assert.Equal((10m, 0m, 2.50m, 7.50m), (first.BalanceApplied, first.AmountDue, second.BalanceApplied, second.AmountDue));
        Assert.Equal((7.50m, 0m, 0m), await books.StandingAsync("a"));
        Assert.Equal(
            ("balance_used", "id", "The credit of this invoice was used by a later one: void that one first."),
            await Books.RefusalAsync(() => books.VoidAsync(credit))
        );
        await books.VoidAsync(two[1]);
        await books.VoidAsync(two[0]);
        await books.VoidAsync(credit);
        Assert.Equal((0m, 0m, 0m), await books.StandingAsync("a"));
        await books.CheckAsync();
    }

    [Fact]
    public async Task Prepaid_credits_pay_by_priority_then_expiry_then_age_and_before_the_balance()
    {
        var books = await Books.CreateAsync(billing, "a");
        await books.InvoiceAsync("a", -5m);
        var low = await books.GrantAsync("a", "low", 10m, priority: 2, expires: July);
        var endless = await books.GrantAsync("a", "endless", 10m, priority: 1);
        var soon = await books.GrantAsync("a", "soon", 10m, priority: 1, expires: July);
        await books.GrantAsync("a", "dollars", 10m, currency: "USD");
        Assert.Equal((0m, 5m, 30m), await books.StandingAsync("a"));
        var first = await books.InvoiceAsync("a", 12m, 2m);
        Assert.Equal(
            (12m, 0m, 0m),
            (await books.FindAsync(first)) is var row ? (row.CreditsApplied, row.BalanceApplied, row.AmountDue) : default
        );
        Assert.Equal(
            (0m, 8m, 10m),
            (
                (await books.FindGrantAsync(soon.Id)).Remaining,
                (await books.FindGrantAsync(endless.Id)).Remaining,
                (await books.FindGrantAsync(low.Id)).Remaining
            )
        );
        var second = await books.InvoiceAsync("a", 30m);
        Assert.Equal(
            (18m, 5m, 7m),
            (await books.FindAsync(second)) is var next ? (next.CreditsApplied, next.BalanceApplied, next.AmountDue) : default
        );
        // Voided: credits and balance are there again, each where it came from.
        await books.VoidGrantAsync(low.Id);
        await books.VoidAsync(second);
        Assert.Equal((0m, 5m, 8m), await books.StandingAsync("a"));
        Assert.Equal((8m, 0m), ((await books.FindGrantAsync(endless.Id)).Remaining, (await books.FindGrantAsync(low.Id)).Remaining));
        await books.CheckAsync();
    }

    [Fact]
    public async Task Credits_expire_by_the_orgs_clock_but_still_pay_what_ended_before()
    {
        var books = await Books.CreateAsync(billing, "a");
        var grant = await books.GrantAsync("a", "june", 10m, expires: July);
        var june = await books.DraftAsync("a", 4m, periodEnd: July);
        var after = await books.DraftAsync("a", 4m, periodEnd: July + Duration.FromDays(31));
        await books.ClockAsync(July + Duration.FromDays(40));
        // The draft of June is still paid by it.
        Assert.Equal(0, await books.ExpireAsync());
        await books.FinalizeAsync(after, june);
        Assert.Equal((4m, 0m), ((await books.FindAsync(june)).CreditsApplied, (await books.FindAsync(after)).CreditsApplied));
        Assert.Equal(1, await books.ExpireAsync());
        Assert.Equal(0, await books.ExpireAsync());
        Assert.Equal((0m, 6m), (await books.FindGrantAsync(grant.Id)) is var row ? (row.Remaining, row.ExpiredAmount) : default);
        Assert.Equal((4m, 0m, 0m), await books.StandingAsync("a"));
        // What a void gives back expires again.
        await books.VoidAsync(june);
        Assert.Equal((4m, 0m, 4m), await books.StandingAsync("a"));
        Assert.Equal(1, await books.ExpireAsync());
        Assert.Equal((4m, 0m, 0m), await books.StandingAsync("a"));
        await books.CheckAsync();
    }

    [Fact]
    public async Task A_payment_is_noted_once_and_taken_back_once()
    {
        var books = await Books.CreateAsync(billing, "a");
        var id = await books.InvoiceAsync("a", 10m);
        var at = Books.Start - Duration.FromDays(1);
        var paid = await books.PayAsync(id, at, "wire 7");
        Assert.Equal((InvoiceStatuses.Paid, 0m, 10m, at), (paid.Status, paid.AmountDue, paid.AmountPaid, paid.PaidAt));
        await books.PayAsync(id, at, "wire 7");
        await books.PayAsync(id);
        Assert.Equal((0m, 0m, 0m), await books.StandingAsync("a"));
        Assert.Equal(
            ("already_paid", "id", "The invoice was paid at 2026-05-31T00:00:00Z. Mark it unpaid first."),
            await Books.RefusalAsync(() => books.PayAsync(id, at, "wire 8"))
        );
        Assert.Equal(
            ("invoice_paid", "id", "The invoice is paid: mark it unpaid first, or create a credit note."),
            await Books.RefusalAsync(() => books.VoidAsync(id))
        );
        await books.UnpayAsync(id);
        var back = await books.UnpayAsync(id);
        Assert.Equal((InvoiceStatuses.Finalized, 10m, null), (back.Status, back.AmountDue, back.PaidAt));
        Assert.Equal((10m, 0m, 0m), await books.StandingAsync("a"));
        await books.CheckAsync();
    }

    [Fact]
    public async Task A_credit_note_lowers_what_is_due_and_of_a_paid_invoice_goes_to_the_balance()
    {
        var books = await Books.CreateAsync(billing, "a");
        var unpaid = await books.InvoiceAsync("a", 11.90m, 1.90m);
        var note = await books.CreditAsync(unpaid, 5.95m);
        Assert.Equal(("CN-00000001", 0.95m, 5.95m), (note.Number, note.Tax, note.AppliedToDue));
        Assert.Equal((5.95m, 0m, 0m), await books.StandingAsync("a"));
        Assert.Equal(
            ("exceeds_invoice", "input.amount", "At most 5.95 EUR of the invoice can be credited."),
            await Books.RefusalAsync(() => books.CreditAsync(unpaid, 5.96m))
        );
        Assert.Equal(
            ("has_credit_notes", "id", "The invoice has credit notes: create one for the rest instead."),
            await Books.RefusalAsync(() => books.VoidAsync(unpaid))
        );
        await books.PayAsync(unpaid);
        var rest = await books.CreditAsync(unpaid, 5.95m);
        Assert.Equal((0m, 0.95m), (rest.AppliedToDue, rest.Tax));
        Assert.Equal((0m, 5.95m, 0m), await books.StandingAsync("a"));
        await books.CheckAsync();
    }

    [Fact]
    public async Task A_credit_note_of_lines_carries_their_tax_and_notes_of_all_of_it_are_the_total()
    {
        var books = await Books.CreateAsync(billing, "a");
        var id = await books.InvoiceAsync("a", 11.90m, 1.90m);
        decimal[] parts = [3.33m, 3.33m, 3.34m];
        var notes = new List<CreditNoteRow>();
        foreach (var part in parts)
            notes.Add(await books.CreditAsync(new NewCreditNote(id, [new CreditedLine(0, part)], null, "wrong")));
        Assert.Equal([3.96m, 3.97m, 3.97m], notes.Select(note => note.Amount));
        Assert.Equal((11.90m, 1.90m), (notes.Sum(note => note.Amount), notes.Sum(note => note.Tax)));
        Assert.Equal((0m, 0m, 0m), await books.StandingAsync("a"));
        await books.CheckAsync();
    }

    [Fact]
    public async Task A_credit_note_is_made_once_a_key()
    {
        var books = await Books.CreateAsync(billing, "a");
        var (id, other) = (await books.InvoiceAsync("a", 11.90m, 1.90m), await books.InvoiceAsync("a", 10m));
        var note = new NewCreditNote(id, [new CreditedLine(0, 2m)], null, "wrong", "refund-1");
        var created = await books.CreditAsync(note);
        Assert.Equal(created.Id, (await books.CreditAsync(note)).Id);
        Assert.Equal([created.Id], await NotesAsync());
        foreach (
            var another in (NewCreditNote[])
                [
                    note with
                    {
                        Reason = "other",
                    },
                    note with
                    {
                        Lines = [new CreditedLine(0, 3m)],
                    },
                    note with
                    {
                        Lines = null,
                        Amount = 2.38m,
                    },
                ]
        )
            Assert.Equal(
                ("credit_note_exists", "input.key", "The invoice has another credit note 'refund-1'."),
                await Books.RefusalAsync(() => books.CreditAsync(another))
            );
        // Keys are of an invoice, and without one each note is another.
        await books.CreditAsync(new NewCreditNote(other, null, 1m, "wrong", "refund-1"));
        await books.CreditAsync(id, 1m);
        await books.CreditAsync(id, 1m);
        Assert.Equal(3, (await NotesAsync()).Count);
        await books.CheckAsync();

        Task<List<Guid>> NotesAsync() =>
            books.InDbAsync((db, ct) => db.CreditNotes.Where(row => row.InvoiceId == id).Select(row => row.Id).ToListAsync(ct));
    }

    [Fact]
    public async Task A_payment_that_is_taken_back_is_announced()
    {
        var books = await Books.CreateAsync(billing, "a");
        var id = await books.InvoiceAsync("a", 11.90m, 1.90m);
        var at = Books.Start - Duration.FromDays(1);
        await books.PayAsync(id, at, "wire 7");
        await books.UnpayAsync(id);
        await books.UnpayAsync(id);
        var events = await books.InDbAsync(async (db, ct) => await db.Outbox.AsNoTracking().Select(row => row.Message).ToListAsync(ct));
        var unpaid = Assert.Single(
            events.Select(BillingEvent.Parser.ParseFrom),
            happened => happened.EventCase == BillingEvent.EventOneofCase.InvoiceUnpaid
        );
        Assert.Equal(
            (id.ToString(), "INV-00000001", "11.90", "11.90", at.ToDateTimeOffset()),
            (
                unpaid.InvoiceUnpaid.InvoiceId,
                unpaid.InvoiceUnpaid.Number,
                unpaid.InvoiceUnpaid.Total,
                unpaid.InvoiceUnpaid.AmountDue,
                unpaid.InvoiceUnpaid.PaidAt.ToDateTimeOffset()
            )
        );
    }

    [Fact]
    public async Task What_is_announced_is_published_without_waiting_for_the_next_look()
    {
        var books = await Books.CreateAsync(billing, "a");
        var signal = billing.Of<OutboxSignal>();
        var draft = await books.DraftAsync("a", 11.90m, 1.90m);
        (string What, Func<Task> Do)[] acts =
        [
            ("finalize", () => books.FinalizeAsync(draft)),
            ("credit", () => books.CreditAsync(draft, 1m)),
            ("pay", () => books.PayAsync(draft)),
            ("unpay", () => books.UnpayAsync(draft)),
        ];
        foreach (var (what, act) in acts)
        {
            await signal.WaitAsync(TimeSpan.FromMilliseconds(1), TimeProvider.System, default);
            await act();
            Assert.Equal((what, true), (what, await signal.WaitAsync(TimeSpan.FromSeconds(5), TimeProvider.System, default)));
        }
    }

    [Fact]
    public async Task Entries_that_do_not_sum_to_zero_are_not_written()
    {
        var books = await Books.CreateAsync(billing, "a");
        var transaction = Guid.CreateVersion7();
        Posting Post(string account, decimal amount, string currency = "EUR") =>
            new(transaction, "a", currency, account, amount, LedgerKinds.Payment);
        foreach (
            var wrong in (Posting[][])
                [
                    [Post(LedgerAccounts.Cash, 10), Post(LedgerAccounts.Receivable, -9)],
                    [Post(LedgerAccounts.Cash, 10), Post(LedgerAccounts.Receivable, -10, "USD")],
                ]
        )
            await Assert.ThrowsAsync<InvalidOperationException>(() =>
                books.InDbAsync(
                    async (db, ct) =>
                    {
                        await using var tx = db.BorrowTransaction();
                        await PostEntries.PostAsync(tx, books.Org, wrong, Books.Start, ct);
                        return 0;
                    }
                )
            );
        Assert.Empty(await books.EntriesAsync());
    }

    [Fact]
    public async Task Every_refusal_of_a_credit_note_names_its_field()
    {
        var books = await Books.CreateAsync(billing, "a");
        var (id, draft) = (await books.InvoiceAsync("a", 11.90m, 1.90m), await books.DraftAsync("a", 5m));
        var negative = await books.InvoiceAsync("a", -5m);
        var gone = await books.InvoiceAsync("a", 5m);
        await books.VoidAsync(gone);
        (NewCreditNote Note, string Code, string Path)[] cases =
        [
            (new(id, null, null, "x"), "one_of_two", "input.amount"),
            (new(id, [], 1, "x"), "one_of_two", "input.amount"),
            (new(id, null, 1, "x", ""), "invalid_key", "input.key"),
            (new(id, null, 1, "x", "a b"), "invalid_key", "input.key"),
            (new(id, null, 1, "x", new string('k', 65)), "invalid_key", "input.key"),
            (new(id, null, 1, " "), "invalid_text", "input.reason"),
            (new(id, null, 0, "x"), "out_of_range", "input.amount"),
            (new(id, null, 0.001m, "x"), "too_precise", "input.amount"),
            (new(id, [], null, "x"), "count", "input.lines"),
            (new(id, [new(7, 1)], null, "x"), "unknown_line", "input.lines[0].ordinal"),
            (new(id, [new(0, 1), new(0, 1)], null, "x"), "duplicate", "input.lines[1].ordinal"),
            (new(id, [new(1, 1)], null, "x"), "not_creditable", "input.lines[0].ordinal"),
            (new(id, [new(0, 10.01m)], null, "x"), "exceeds_line", "input.lines[0].amount"),
            (new(draft, null, 1, "x"), "not_final", "input.invoiceId"),
            (new(negative, null, 1, "x"), "nothing_to_credit", "input.invoiceId"),
            (new(gone, null, 1, "x"), "invoice_void", "input.invoiceId"),
            (new(Guid.CreateVersion7(), null, 1, "x"), "not_found", "input.invoiceId"),
        ];
        foreach (var (note, code, path) in cases)
        {
            var refusal = await Books.RefusalAsync(() => books.CreditAsync(note));
            Assert.Equal((code, path), (refusal.Code, refusal.Path));
            Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_refusal_of_a_payment_a_void_and_a_reissue_names_its_field()
    {
        var books = await Books.CreateAsync(billing, "a");
        var (id, draft, missing) = (await books.InvoiceAsync("a", 10m), await books.DraftAsync("a", 5m), Guid.CreateVersion7());
        var gone = await books.InvoiceAsync("a", 5m);
        await books.VoidAsync(gone);
        Assert.Equal("wrong", (await books.VoidAsync(gone, "again")).VoidReason);
        (Func<Task> Act, string Code, string Path)[] cases =
        [
            (() => books.PayAsync(draft), "not_final", "id"),
            (() => books.PayAsync(gone), "invoice_void", "id"),
            (() => books.PayAsync(missing), "not_found", "id"),
            (() => books.PayAsync(id, Books.Start + Duration.FromSeconds(1)), "out_of_range", "at"),
            (() => books.PayAsync(id, null, ""), "invalid_text", "reference"),
            (() => books.UnpayAsync(draft), "not_final", "id"),
            (() => books.UnpayAsync(gone), "invoice_void", "id"),
            (() => books.VoidAsync(draft), "not_final", "id"),
            (() => books.VoidAsync(missing), "not_found", "id"),
            (() => books.VoidAsync(id, "a\0"), "invalid_text", "reason"),
            (() => books.ReissueAsync(id), "not_void", "id"),
            (() => books.ReissueAsync(draft), "not_final", "id"),
            (() => books.ReissueAsync(missing), "not_found", "id"),
        ];
        foreach (var (act, code, path) in cases)
        {
            var refusal = await Books.RefusalAsync(act);
            Assert.Equal((code, path), (refusal.Code, refusal.Path));
            Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_grant_is_made_once_and_every_refusal_names_its_field()
    {
        var books = await Books.CreateAsync(billing, "a");
        var good = new NewCreditGrant("a", "k", 10m, "EUR", 0, July, "June's");
        var grant = await books.GrantAsync(good);
        Assert.Equal(grant.Id, (await books.GrantAsync(good)).Id);
        Assert.Equal((0m, 0m, 10m), await books.StandingAsync("a"));
        (NewCreditGrant Grant, string Code, string Path)[] cases =
        [
            (good with { Amount = 11 }, "grant_exists", "input.key"),
            (good with { Key = "no key" }, "invalid_key", "input.key"),
            (good with { Name = "" }, "invalid_text", "input.name"),
            (good with { Currency = "EURO" }, "unknown_currency", "input.currency"),
            (good with { Amount = 0 }, "out_of_range", "input.amount"),
            (good with { Amount = 1.005m }, "too_precise", "input.amount"),
            (good with { Priority = -1 }, "out_of_range", "input.priority"),
            (good with { Key = "late", ExpiresAt = Books.Start }, "out_of_range", "input.expiresAt"),
            (good with { Customer = "nobody" }, "unknown_customer", "input.customer"),
        ];
        foreach (var (other, code, path) in cases)
        {
            var refusal = await Books.RefusalAsync(() => books.GrantAsync(other));
            Assert.Equal((code, path), (refusal.Code, refusal.Path));
            Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Equal(
            ("not_found", "id"),
            (await Books.RefusalAsync(() => books.VoidGrantAsync(Guid.CreateVersion7()))) is var (c, p, _) ? (c, p) : default
        );
        Assert.Equal(0m, (await books.VoidGrantAsync(grant.Id)).Remaining);
        await books.VoidGrantAsync(grant.Id);
        Assert.Equal((0m, 0m, 0m), await books.StandingAsync("a"));
        await books.CheckAsync();
    }

    [Fact]
    public async Task A_reviewed_draft_is_finalized_by_the_close_after_the_orgs_hours()
    {
        var books = await Books.CreateAsync(billing, "a");
        var id = await books.DraftAsync("a", 10m);
        var close = billing.Of<GenerateInvoices>();
        await SetTimingAsync(books, 24, null);
        await books.ClockAsync(Books.Start + Duration.FromHours(23));
        await close.RunOnceAsync(default);
        Assert.Equal(InvoiceStatuses.Draft, (await books.FindAsync(id)).Status);
        await books.ClockAsync(Books.Start + Duration.FromHours(24));
        await polaris.UntilAsync(
            "the draft is final",
            async () =>
            {
                await close.RunOnceAsync(default);
                return (await books.FindAsync(id)).Status == InvoiceStatuses.Finalized;
            }
        );
        Assert.Equal(
            ("out_of_range", "reviewHours", "'reviewHours' must be 0 to 2208."),
            await Books.RefusalAsync(() => SetTimingAsync(books, -1, null))
        );
        Assert.Equal(
            ("out_of_range", "graceMinutes", "'graceMinutes' must be 0 to 50400."),
            await Books.RefusalAsync(() => SetTimingAsync(books, null, 50_401))
        );
        await books.CheckAsync();
    }

    [Fact]
    public async Task An_org_has_its_own_grace()
    {
        var scene = await BillingScene.CreateAsync(billing, BillingScene.Version("g", "1", BillingScene.PerUnit("1")));
        await scene.ClockAsync(BillingScene.March + Duration.FromDays(1));
        await scene.DraftAsync();
        await billing.InOrgAsync<InvoiceTiming, InvoiceTimes>(scene.Org, timing => timing.SetAsync(new InvoiceTimes(null, 120), default));
        await scene.CloseAsync(BillingScene.April);
        Assert.Single(await scene.InvoicesAsync());
        await scene.ClockAsync(BillingScene.April + Duration.FromHours(2));
        await scene.DraftAsync();
        Assert.Equal(2, (await scene.InvoicesAsync()).Length);
    }

    [Fact]
    public async Task An_entitlement_is_what_is_left_of_the_credits_after_usage_and_drafts()
    {
        var scene = await BillingScene.CreateAsync(billing, BillingScene.Version("e", "1", BillingScene.PerUnit("1.50")));
        var books = new Books(billing, scene.Org);
        await billing.InOrgAsync<Polaris.Billing.Features.Customers.CreateCustomers, int>(
            scene.Org,
            async create => (await create.HandleAsync([new("acme", null, null)], default)).Count
        );
        await scene.ClockAsync(BillingScene.March + Duration.FromDays(10));
        await books.GrantAsync("acme", "k", 5m);
        await scene.CallAsync(BillingScene.March + Duration.FromDays(3), "a", "b", "c");
        Assert.Equal(new Entitlement(true, "EUR", 5m, 4.50m, 0.50m), await EntitlementAsync(scene.Org));
        await scene.CallAsync(BillingScene.March + Duration.FromDays(4), "d");
        Assert.Equal(new Entitlement(true, "EUR", 5m, 6m, -1m), await EntitlementAsync(scene.Org));
        await StopAsync(true);
        Assert.Equal(new Entitlement(false, "EUR", 5m, 6m, -1m), await EntitlementAsync(scene.Org));
        // In the grace the ended period still counts; then its draft does, with the fees, until it is final and has drawn the credits.
        await scene.ClockAsync(BillingScene.April + Duration.FromMinutes(1));
        Assert.Equal(6m, (await EntitlementAsync(scene.Org)).Accrued);
        await scene.CloseAsync(BillingScene.April);
        Assert.Equal((await scene.InvoicesAsync()).Sum(row => row.Total), (await EntitlementAsync(scene.Org)).Accrued);
        await scene.FinalizeAllAsync();
        Assert.Equal(new Entitlement(false, "EUR", 0m, 0m, 0m), await EntitlementAsync(scene.Org));
        Assert.Equal(new Entitlement(true, null, 0m, 0m, 0m), await EntitlementAsync(scene.Org, "nobody"));
        Assert.Equal(
            ("unknown_customer", "customer", "There is no customer 'nobody'."),
            await Books.RefusalAsync(() => StopAsync(true, "nobody"))
        );

        Task<CustomerRow> StopAsync(bool stop, string customer = "acme") =>
            billing.InOrgAsync<Polaris.Billing.Features.Customers.SetHardStop, CustomerRow>(
                scene.Org,
                stops => stops.HandleAsync(customer, stop, default)
            );
    }

    private Task<Entitlement> EntitlementAsync(Guid org, string customer = "acme") =>
        billing.InOrgAsync<ReadEntitlement, Entitlement>(org, read => read.HandleAsync(customer, null, default));

    private Task<InvoiceTimes> SetTimingAsync(Books books, int? reviewHours, int? graceMinutes) =>
        billing.InOrgAsync<InvoiceTiming, InvoiceTimes>(
            books.Org,
            timing => timing.SetAsync(new InvoiceTimes(reviewHours, graceMinutes), default)
        );
}
