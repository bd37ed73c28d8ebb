using GraphQL;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>Takes back a part of a final invoice. Amounts are positive and contain their share of the invoice's tax.</summary>
/// <param name="Id">The credit note's id.</param>
/// <param name="Number">The credit note's number, without a gap in the org.</param>
/// <param name="InvoiceId">The id of the invoice.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="Currency">ISO 4217 code of the amounts.</param>
/// <param name="Amount">What is taken back, with tax.</param>
/// <param name="Tax">The tax in the amount.</param>
/// <param name="AppliedToDue">What of the amount lowered what was due of the invoice; the rest went to the customer's balance.</param>
/// <param name="Reason">Why; shown on the credit note.</param>
/// <param name="Lines">The parts of the invoice's lines; empty when it is an amount of the whole invoice.</param>
/// <param name="CreatedAt">When the credit note was created.</param>
/// <param name="Key">The org's own key, unique in the invoice; null when none was given.</param>
[Name("CreditNote")]
public sealed record CreditNoteType(
    [property: Id] Guid Id,
    string Number,
    [property: Id] Guid InvoiceId,
    string Customer,
    string Currency,
    decimal Amount,
    decimal Tax,
    decimal AppliedToDue,
    string Reason,
    IReadOnlyList<CreditNoteLineType> Lines,
    Instant CreatedAt,
    string? Key
)
{
    internal static CreditNoteType Of(CreditNoteRow row) =>
        new(
            row.Id,
            row.Number,
            row.InvoiceId,
            row.CustomerKey,
            row.Currency,
            row.Amount,
            row.Tax,
            row.AppliedToDue,
            row.Reason,
            [.. row.Lines.Select(line => new CreditNoteLineType(line.Ordinal, line.Amount))],
            row.CreatedAt,
            row.Key
        );
}

/// <summary>What a credit note takes back of one line of the invoice, without a tax that the invoice adds to it.</summary>
/// <param name="Ordinal">The line's place on the invoice, from 0.</param>
/// <param name="Amount">The amount that is taken back.</param>
[Name("CreditNoteLine")]
public sealed record CreditNoteLineType(int Ordinal, decimal Amount);
