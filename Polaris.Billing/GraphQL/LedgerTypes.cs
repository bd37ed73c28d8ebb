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

/// <summary>
/// In one currency: what is due of finalized invoices, the customer's credit that the next finalized invoice uses up, and its prepaid
/// credits.
/// </summary>
[Name("CustomerBalance")]
public sealed record CustomerBalanceType(string Currency, decimal Owed, decimal Balance, decimal CreditsLeft)
{
    internal static CustomerBalanceType Of(CustomerStanding standing) =>
        new(standing.Currency, standing.Owed, standing.Balance, standing.CreditsLeft);
}

/// <summary>
/// A posting to an account: a debit when positive, a credit when negative. The entries of a transaction sum to zero.
/// </summary>
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

/// <summary>A page of a customer's ledger.</summary>
[Name("LedgerPage")]
public sealed record LedgerPageType(IReadOnlyList<LedgerEntryType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static LedgerPageType Of(Page<LedgerEntryRow> page) =>
        new([.. page.Rows.Select(LedgerEntryType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>
/// Prepaid credits of a customer, drawn down when invoices are finalized: by priority (lower first), then the earliest expiry, then age.
/// Of <c>amount</c>, <c>remaining</c> is left and <c>expired</c> has expired.
/// </summary>
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

/// <summary>
/// <c>accrued</c> is what will be drawn from the credits so far: the usage of running periods, and invoices that are not final.
/// <c>remaining</c> is <c>creditsLeft</c> − <c>accrued</c>. <c>allowed</c>: something remains, or the customer has no hard stop.
/// </summary>
[Name("Entitlement")]
public sealed record EntitlementType(bool Allowed, decimal CreditsLeft, decimal Accrued, decimal Remaining, string? Currency)
{
    internal static EntitlementType Of(Entitlement entitlement) =>
        new(entitlement.Allowed, entitlement.CreditsLeft, entitlement.Accrued, entitlement.Remaining, entitlement.Currency);
}

/// <summary>An org's own times of invoicing, by its clock. Null: finalized by hand only; the installation's grace.</summary>
[Name("InvoiceTiming")]
public sealed record InvoiceTimingType(int? ReviewHours, int? GraceMinutes)
{
    internal static InvoiceTimingType Of(InvoiceTimes times) => new(times.ReviewHours, times.GraceMinutes);
}

/// <summary>Whether a customer is to be stopped when its prepaid credits are used up.</summary>
[Name("HardStop")]
public sealed record HardStopType(string Customer, bool HardStop)
{
    internal static HardStopType Of(CustomerRow row) => new(row.Key, row.HardStop);
}

/// <summary>
/// A result for each invoice. With <c>through</c>, <c>left</c> drafts of those periods are still there: beyond 1,000 of a call, or being
/// replaced.
/// </summary>
[Name("FinalizeInvoices")]
public sealed record FinalizeInvoicesType(IReadOnlyList<FinalizeResultType> Results, int Left)
{
    internal static FinalizeInvoicesType Of(FinalizedThrough finalized) =>
        new([.. finalized.Results.Select(result => new FinalizeResultType(result.Id, result.Outcome, result.Number))], finalized.Left);
}

/// <summary>What became of an invoice that was to be finalized; <c>number</c> is that of a final one, now or before.</summary>
[Name("FinalizeResult")]
public sealed record FinalizeResultType([property: Id] Guid Id, FinalizeOutcome Outcome, string? Number);

/// <summary>
/// Either <c>lines</c> or an <c>amount</c> with tax. The key is the org's own, unique within the invoice: with it, the same again returns
/// the note as it is.
/// </summary>
[Name("CreateCreditNoteInput")]
public sealed class CreateCreditNoteInput
{
    [Id]
    public required Guid InvoiceId { get; set; }
    public CreditedLineInput[]? Lines { get; set; }
    public decimal? Amount { get; set; }
    public required string Reason { get; set; }
    public string? Key { get; set; }

    internal NewCreditNote ToNewCreditNote() =>
        new(InvoiceId, Lines is null ? null : [.. Lines.Select(line => new CreditedLine(line.Ordinal, line.Amount))], Amount, Reason, Key);
}

/// <summary>
/// A part of the invoice's line with this position, from 0, without a tax that the invoice adds to it: the tax follows in proportion.
/// </summary>
[Name("CreditedLineInput")]
public sealed class CreditedLineInput
{
    public required int Ordinal { get; set; }
    public required decimal Amount { get; set; }
}

/// <summary>The key is the org's own, unique within the customer. Default priority: 0. Without <c>expiresAt</c>: never.</summary>
[Name("CreateCreditGrantInput")]
public sealed class CreateCreditGrantInput
{
    public required string Customer { get; set; }
    public required string Key { get; set; }
    public required decimal Amount { get; set; }
    public required string Currency { get; set; }
    public int? Priority { get; set; }
    public Instant? ExpiresAt { get; set; }
    public string? Name { get; set; }

    internal NewCreditGrant ToNewCreditGrant() => new(Customer, Key, Amount, Currency, Priority ?? 0, ExpiresAt, Name);
}
