using GraphQL;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// Takes back a part of a finalized invoice. Amounts are positive and contain their share of the invoice's tax. Of <c>amount</c>,
/// <c>appliedToDue</c> lowered what was due of the invoice; the rest went to the customer's balance. Without lines it is an amount of the
/// whole invoice.
/// </summary>
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

/// <summary>
/// What a credit note takes back of one line of the invoice, by its position from 0, without a tax that the invoice adds to it.
/// </summary>
[Name("CreditNoteLine")]
public sealed record CreditNoteLineType(int Ordinal, decimal Amount);
