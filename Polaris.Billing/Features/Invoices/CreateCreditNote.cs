using System.Globalization;
using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Contracts;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>A part of the invoice's line with this position, positive, without a tax that the invoice adds to it.</summary>
public sealed record CreditedLine(int Ordinal, decimal Amount);

/// <param name="InvoiceId">A finalized or paid invoice.</param>
/// <param name="Lines">Parts of its lines; null with an amount.</param>
/// <param name="Amount">With tax, positive; null with lines.</param>
/// <param name="Reason">For people.</param>
/// <param name="Key">The org's own, unique within the invoice: the same note again is returned as it is. Null: each is a new one.</param>
public sealed record NewCreditNote(Guid InvoiceId, IReadOnlyList<CreditedLine>? Lines, decimal? Amount, string Reason, string? Key = null);

/// <summary>
/// Takes back a part of a final invoice, at most its total less earlier notes, with the tax in proportion. It lowers what is due of the
/// invoice; what is more than that, as of a paid one, goes to the customer's balance.
/// </summary>
internal sealed class CreateCreditNote(BillingDbContext db, TenantScope tenant, TimeProvider time)
{
    public const int MaxOfInvoice = 100;

    public const string NumberPrefix = "CN-";
    public const int MaxKeyLength = 64;

    public Task<CreditNoteRow> HandleAsync(NewCreditNote input, CancellationToken ct)
    {
        StatedTexts.Check("input.reason", input.Reason, StatedTexts.MaxReasonLength);
        if (input.Lines is null == input.Amount is null)
            throw Invalid("amount", "one_of_two", "Give either 'lines' or 'amount'.");
        if (input.Key is { } key && (key.Length is 0 or > MaxKeyLength || !key.All(IsOfKey)))
            throw Invalid("key", "invalid_key", $"A key has 1 to {MaxKeyLength} ASCII letters, digits, '_', '-' and '.'.");
        return db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                var invoice = await FinalInvoice.TakeAsync(db, org, input.InvoiceId, "input.invoiceId", token);
                if (input.Key is not null && invoice.CreditNotes.Find(note => note.Key == input.Key) is { } existing)
                    return Same(existing, input)
                        ? existing
                        : throw new RefusedException(
                            Refusal.Conflict("credit_note_exists", $"The invoice has another credit note '{input.Key}'.", "input.key")
                        );
                if (invoice.Status == InvoiceStatuses.Void)
                    throw FinalInvoice.IsVoid("input.invoiceId");
                if (invoice.Total <= 0)
                    throw new RefusedException(
                        Refusal.Conflict("nothing_to_credit", "The invoice's total is not positive.", "input.invoiceId")
                    );
                if (invoice.CreditNotes.Count >= MaxOfInvoice)
                    throw new RefusedException(
                        Refusal.Conflict("too_many", $"An invoice has at most {MaxOfInvoice} credit notes.", "input.invoiceId")
                    );
                var note = await CreateAsync(invoice, input, token);
                await PostAsync(invoice, note, token);
                Announce.Add(db, org, time.GetUtcNow(), Announce.Created(note, invoice));
                await db.SaveChangesAsync(token);
                return note;
            },
            ct
        );
    }

    private static bool IsOfKey(char character) => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.';

    private static bool Same(CreditNoteRow note, NewCreditNote input) =>
        note.Reason == input.Reason
        && (
            input.Lines is null
                ? note.Lines.Count == 0 && note.Amount == input.Amount
                : note
                    .Lines.Select(line => new CreditedLine(line.Ordinal, line.Amount))
                    .SequenceEqual(input.Lines.OrderBy(line => line.Ordinal))
        );

    private async Task<CreditNoteRow> CreateAsync(InvoiceRow invoice, NewCreditNote input, CancellationToken ct)
    {
        var units = Currencies.MinorUnits(invoice.Currency);
        var earlier = invoice.CreditNotes.Sum(note => note.Amount);
        var amount = input.Amount is { } stated ? Stated(stated, "amount", units) : AmountOf(invoice, input.Lines!, units);
        var left = invoice.Total - earlier;
        if (amount > left)
            throw Invalid(
                input.Lines is null ? "amount" : "lines",
                "exceeds_invoice",
                string.Create(CultureInfo.InvariantCulture, $"At most {left} {invoice.Currency} of the invoice can be credited.")
            );
        var org = await db.Orgs.SingleAsync(ct);
        var now = time.GetUtcNow();
        var note = new CreditNoteRow
        {
            OrgId = invoice.OrgId,
            Id = Guid.CreateVersion7(now),
            Number = string.Create(CultureInfo.InvariantCulture, $"{NumberPrefix}{org.NextCreditNoteNumber++:D8}"),
            InvoiceId = invoice.Id,
            Key = input.Key,
            CustomerKey = invoice.CustomerKey,
            Currency = invoice.Currency,
            Amount = amount,
            Tax = CreditedShare.Tax(invoice.Total, invoice.Tax, earlier, invoice.CreditNotes.Sum(note => note.Tax), amount, units),
            Reason = input.Reason,
            AppliedToDue = Math.Min(amount, invoice.AmountDue),
            CreatedAt = now.ToInstant(),
        };
        note.Lines.AddRange(
            (input.Lines ?? [])
                .OrderBy(line => line.Ordinal)
                .Select(line => new CreditNoteLineRow
                {
                    OrgId = note.OrgId,
                    CreditNoteId = note.Id,
                    Ordinal = line.Ordinal,
                    Amount = line.Amount,
                })
        );
        invoice.AmountDue -= note.AppliedToDue;
        invoice.Credited += note.AppliedToDue;
        db.CreditNotes.Add(note);
        return note;
    }

    /// <summary>The lines' amount with their share of the taxes that the invoice adds.</summary>
    private static decimal AmountOf(InvoiceRow invoice, IReadOnlyList<CreditedLine> lines, int units)
    {
        if (lines.Count == 0)
            throw Invalid("lines", "count", "Name at least one line.");
        var credited = invoice
            .CreditNotes.SelectMany(note => note.Lines)
            .GroupBy(line => line.Ordinal)
            .ToDictionary(of => of.Key, of => of.Sum(line => line.Amount));
        for (var i = 0; i < lines.Count; i++)
        {
            var (ordinal, amount) = lines[i];
            if (lines.Take(i).Any(line => line.Ordinal == ordinal))
                throw Invalid($"lines[{i}].ordinal", "duplicate", $"Line {ordinal} is named twice.");
            var line =
                invoice.Lines.Find(line => line.Ordinal == ordinal)
                ?? throw Invalid($"lines[{i}].ordinal", "unknown_line", $"The invoice has no line {ordinal}.");
            if (IsTax(line) || line.Amount <= 0)
                throw Invalid(
                    $"lines[{i}].ordinal",
                    "not_creditable",
                    $"Line {ordinal} is a tax or not positive: a tax follows from the other lines."
                );
            var left = line.Amount - credited.GetValueOrDefault(ordinal);
            if (Stated(amount, $"lines[{i}].amount", units) > left)
                throw Invalid(
                    $"lines[{i}].amount",
                    "exceeds_line",
                    string.Create(CultureInfo.InvariantCulture, $"At most {left} of line {ordinal} can be credited.")
                );
        }

        var all = invoice.Lines.Where(line => !IsTax(line)).Sum(line => line.Amount);
        var earlier = invoice.CreditNotes.Where(note => note.Lines.Count > 0).ToArray();
        var result =
            all > 0
                ? CreditedShare.Amount(
                    invoice.Total,
                    all,
                    earlier.Sum(note => note.Lines.Sum(line => line.Amount)),
                    earlier.Sum(note => note.Amount),
                    lines.Sum(line => line.Amount),
                    units
                )
                : 0;
        return result > 0
            ? result
            : throw Invalid("lines", "out_of_range", "The lines amount to less than the currency's smallest unit. Give an 'amount'.");
    }

    private static bool IsTax(InvoiceLineRow line) => (line.AdjustsKind ?? line.Kind) == InvoiceLineKinds.Of(LineKind.Tax);

    private static decimal Stated(decimal amount, string field, int units) =>
        amount <= 0 ? throw Invalid(field, "out_of_range", "An amount must be above 0.")
        : decimal.Round(amount, units) != amount
            ? throw Invalid(field, "too_precise", $"An amount has at most {units} decimal places in this currency.")
        : amount;

    private async Task PostAsync(InvoiceRow invoice, CreditNoteRow note, CancellationToken ct)
    {
        var transaction = Guid.CreateVersion7(time.GetUtcNow());
        await using var tx = db.BorrowTransaction();
        await PostEntries.PostAsync(
            tx,
            note.OrgId,
            [
                Post(LedgerAccounts.Revenue, note.Amount - note.Tax),
                Post(LedgerAccounts.Tax, note.Tax),
                Post(LedgerAccounts.Receivable, -note.AppliedToDue),
                Post(LedgerAccounts.Balance, note.AppliedToDue - note.Amount),
            ],
            note.CreatedAt,
            ct
        );

        Posting Post(string account, decimal amount) =>
            new(transaction, note.CustomerKey, note.Currency, account, amount, LedgerKinds.CreditNote, invoice.Id, note.Id);
    }

    private static RefusedException Invalid(string field, string code, string message) =>
        new(Refusal.Invalid($"input.{field}", code, message));
}
