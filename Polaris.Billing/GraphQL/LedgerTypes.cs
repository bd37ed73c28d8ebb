using System.Globalization;
using GraphQL;
using NodaTime;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>What a customer owes and has in one currency.</summary>
/// <param name="Currency">ISO 4217 code of the amounts.</param>
/// <param name="Owed">What is due of finalized invoices.</param>
/// <param name="Balance">The customer's credit that the next finalized invoice uses up.</param>
/// <param name="CreditsLeft">What is left of its prepaid credits.</param>
[Name("CustomerBalance")]
public sealed record CustomerBalanceType(string Currency, decimal Owed, decimal Balance, decimal CreditsLeft)
{
    internal static CustomerBalanceType Of(CustomerStanding standing) =>
        new(standing.Currency, standing.Owed, standing.Balance, standing.CreditsLeft);
}

/// <summary>
/// A posting to an account: a debit when positive, a credit when negative. The entries of a transaction sum to zero.
/// </summary>
/// <param name="Id">The entry's number in the org, in the order of writing.</param>
/// <param name="TransactionId">The id that the entries of one transaction share.</param>
/// <param name="Account">
/// The account: receivable, revenue, tax, cash, balance, prepaid, granted or expired; docs/invoices.md has what is posted to each.
/// </param>
/// <param name="Amount">The amount: a debit when positive, a credit when negative.</param>
/// <param name="Currency">ISO 4217 code of the amount.</param>
/// <param name="Kind">
/// Why it was written: invoice, credits, balance, payment, unpayment, void, credit_note, grant, expiry or grant_void.
/// </param>
/// <param name="InvoiceId">The id of the invoice that it is about; null when it is about none.</param>
/// <param name="CreditNoteId">The id of the credit note that it is about; null when it is about none.</param>
/// <param name="GrantId">The id of the grant of prepaid credits that it is about; null when it is about none.</param>
/// <param name="CreatedAt">When the entry was written.</param>
[Name("LedgerEntry")]
public sealed record LedgerEntryType(
    [property: Id] string Id,
    [property: Id] Guid TransactionId,
    string Account,
    decimal Amount,
    string Currency,
    string Kind,
    [property: Id] Guid? InvoiceId,
    [property: Id] Guid? CreditNoteId,
    [property: Id] Guid? GrantId,
    Instant CreatedAt
)
{
    internal static LedgerEntryType Of(LedgerEntryRow row) =>
        new(
            row.Id.ToString(CultureInfo.InvariantCulture),
            row.TransactionId,
            row.Account,
            row.Amount,
            row.Currency,
            row.Kind,
            row.InvoiceId,
            row.CreditNoteId,
            row.GrantId,
            row.CreatedAt
        );
}

/// <summary>A page of a customer's ledger, newest first.</summary>
/// <param name="Nodes">The entries of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("LedgerPage")]
public sealed record LedgerPageType(IReadOnlyList<LedgerEntryType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static LedgerPageType Of(Page<LedgerEntryRow> page) =>
        new([.. page.Rows.Select(LedgerEntryType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>
/// Prepaid credits of a customer, drawn down when invoices are finalized: by priority (lower first), then the earliest expiry, then age.
/// </summary>
/// <param name="Id">The grant's id.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="Key">The org's own key of the grant, unique in the customer.</param>
/// <param name="Name">What people call the grant.</param>
/// <param name="Currency">ISO 4217 code of the amounts.</param>
/// <param name="Amount">What was granted.</param>
/// <param name="Remaining">What is left of it.</param>
/// <param name="Expired">What has expired of it.</param>
/// <param name="Priority">When it is drawn: lower ones first.</param>
/// <param name="ExpiresAt">When what is left expires; null for never.</param>
/// <param name="CreatedAt">When it was granted.</param>
/// <param name="VoidedAt">When what was left was taken back; null while it is not.</param>
[Name("CreditGrant")]
public sealed record CreditGrantType(
    [property: Id] Guid Id,
    string Customer,
    string Key,
    string Name,
    string Currency,
    decimal Amount,
    decimal Remaining,
    decimal Expired,
    int Priority,
    Instant? ExpiresAt,
    Instant CreatedAt,
    Instant? VoidedAt
)
{
    internal static CreditGrantType Of(CreditGrantRow row) =>
        new(
            row.Id,
            row.CustomerKey,
            row.Key,
            row.Name,
            row.Currency,
            row.Amount,
            row.Remaining,
            row.ExpiredAmount,
            row.Priority,
            row.ExpiresAt,
            row.CreatedAt,
            row.VoidedAt
        );
}

/// <summary>Whether a customer may use more, and why.</summary>
/// <param name="Allowed">Whether it may: something remains, or the customer has no hard stop.</param>
/// <param name="CreditsLeft">What is left of its prepaid credits.</param>
/// <param name="Accrued">What will be drawn from the credits so far: the usage of running periods, and invoices that are not final.</param>
/// <param name="Remaining"><c>creditsLeft</c> − <c>accrued</c>; it may be negative.</param>
/// <param name="Currency">ISO 4217 code of the amounts; null when the customer has neither usage nor credits.</param>
[Name("Entitlement")]
public sealed record EntitlementType(bool Allowed, decimal CreditsLeft, decimal Accrued, decimal Remaining, string? Currency)
{
    internal static EntitlementType Of(Entitlement entitlement) =>
        new(entitlement.Allowed, entitlement.CreditsLeft, entitlement.Accrued, entitlement.Remaining, entitlement.Currency);
}

/// <summary>The org's own times of invoicing, by its clock.</summary>
/// <param name="ReviewHours">The hours after which a draft is finalized by itself; null for by hand only.</param>
/// <param name="GraceMinutes">The minutes from a period's end to its draft; null for the installation's.</param>
[Name("InvoiceTiming")]
public sealed record InvoiceTimingType(int? ReviewHours, int? GraceMinutes)
{
    internal static InvoiceTimingType Of(InvoiceTimes times) => new(times.ReviewHours, times.GraceMinutes);
}

/// <summary>Whether a customer is to be stopped when its prepaid credits are used up.</summary>
/// <param name="Customer">The customer's key.</param>
/// <param name="HardStop">Whether it is to be stopped.</param>
[Name("HardStop")]
public sealed record HardStopType(string Customer, bool HardStop)
{
    internal static HardStopType Of(CustomerRow row) => new(row.Key, row.HardStop);
}

/// <summary>What became of invoices that were to be finalized.</summary>
/// <param name="Results">A result for each invoice.</param>
/// <param name="Left">
/// With <c>through</c>: drafts of those periods that are still there, beyond 1,000 of a call or being replaced; else 0.
/// </param>
[Name("FinalizeInvoices")]
public sealed record FinalizeInvoicesType(IReadOnlyList<FinalizeResultType> Results, int Left)
{
    internal static FinalizeInvoicesType Of(FinalizedThrough finalized) =>
        new([.. finalized.Results.Select(result => new FinalizeResultType(result.Id, result.Outcome, result.Number))], finalized.Left);
}

/// <summary>What became of an invoice that was to be finalized.</summary>
/// <param name="Id">The invoice's id.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Number">The number of a final invoice, whether it became so now or before; else null.</param>
[Name("FinalizeResult")]
public sealed record FinalizeResultType([property: Id] Guid Id, FinalizeOutcome Outcome, string? Number);

/// <summary>What to take back of a final invoice: either parts of its lines, or an amount of the whole.</summary>
[Name("CreateCreditNoteInput")]
public sealed class CreateCreditNoteInput
{
    /// <summary>The invoice's id.</summary>
    [Id]
    public required Guid InvoiceId { get; set; }

    /// <summary>The parts of its lines.</summary>
    public CreditedLineInput[]? Lines { get; set; }

    /// <summary>The amount, with tax.</summary>
    public decimal? Amount { get; set; }

    /// <summary>Why; shown on the credit note.</summary>
    public required string Reason { get; set; }

    /// <summary>The org's own key, unique in the invoice: with it, the same again returns the note as it is.</summary>
    public string? Key { get; set; }

    internal NewCreditNote ToNewCreditNote() =>
        new(InvoiceId, Lines is null ? null : [.. Lines.Select(line => new CreditedLine(line.Ordinal, line.Amount))], Amount, Reason, Key);
}

/// <summary>A part of a line of the invoice, without a tax that the invoice adds to it: the tax follows in proportion.</summary>
[Name("CreditedLineInput")]
public sealed class CreditedLineInput
{
    /// <summary>The line's place on the invoice, from 0.</summary>
    public required int Ordinal { get; set; }

    /// <summary>The amount to take back, above 0.</summary>
    public required decimal Amount { get; set; }
}

/// <summary>Prepaid credits to grant.</summary>
[Name("CreateCreditGrantInput")]
public sealed class CreateCreditGrantInput
{
    /// <summary>The customer's key.</summary>
    public required string Customer { get; set; }

    /// <summary>The org's own key of the grant, unique in the customer: the same again returns the grant as it is.</summary>
    public required string Key { get; set; }

    /// <summary>What is granted, above 0.</summary>
    public required decimal Amount { get; set; }

    /// <summary>ISO 4217 code of the amount.</summary>
    public required string Currency { get; set; }

    /// <summary>When it is drawn: lower ones first, 0 to 1,000. Default: 0.</summary>
    public int? Priority { get; set; }

    /// <summary>When what is left expires. Default: never.</summary>
    public Instant? ExpiresAt { get; set; }

    /// <summary>What people call the grant. Default: the key.</summary>
    public string? Name { get; set; }

    internal NewCreditGrant ToNewCreditGrant() => new(Customer, Key, Amount, Currency, Priority ?? 0, ExpiresAt, Name);
}
