using NodaTime;

namespace Polaris.Billing.Persistence;

/// <summary>
/// A posting to one account of a customer. The entries of a transaction sum to zero in each currency. Written once, never changed.
/// </summary>
public sealed class LedgerEntryRow
{
    public Guid OrgId { get; set; }

    /// <summary>Within the org, in the order of writing, without a gap.</summary>
    public long Id { get; set; }

    public Guid TransactionId { get; set; }
    public string CustomerKey { get; set; } = "";
    public string Currency { get; set; } = "";

    /// <summary>One of <see cref="LedgerAccounts"/>.</summary>
    public string Account { get; set; } = "";

    /// <summary>Positive: debit. Negative: credit. Never 0.</summary>
    public decimal Amount { get; set; }

    /// <summary>One of <see cref="LedgerKinds"/>.</summary>
    public string Kind { get; set; } = "";

    public Guid? InvoiceId { get; set; }
    public Guid? CreditNoteId { get; set; }
    public Guid? GrantId { get; set; }
    public Instant CreatedAt { get; set; }
}

/// <summary>The sum of a customer's entries in an account and currency, kept with each entry, so that nobody sums a history.</summary>
public sealed class AccountBalanceRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public string Currency { get; set; } = "";
    public string Account { get; set; } = "";
    public decimal Amount { get; set; }
}

/// <summary>The accounts of the ledger; docs/invoices.md has what is posted to each.</summary>
public static class LedgerAccounts
{
    /// <summary>What the customer owes.</summary>
    public const string Receivable = "receivable";

    /// <summary>What was invoiced, without tax (negative).</summary>
    public const string Revenue = "revenue";

    /// <summary>What was invoiced as tax (negative).</summary>
    public const string Tax = "tax";

    /// <summary>What the customer paid.</summary>
    public const string Cash = "cash";

    /// <summary>The customer's credit from negative totals and credit notes (negative): a liability.</summary>
    public const string Balance = "balance";

    /// <summary>Prepaid credits that are left (negative): a liability.</summary>
    public const string Prepaid = "prepaid";

    /// <summary>Prepaid credits that were granted.</summary>
    public const string Granted = "granted";

    /// <summary>Prepaid credits that expired (negative).</summary>
    public const string Expired = "expired";
}

/// <summary>Why an entry was written.</summary>
public static class LedgerKinds
{
    public const string Invoice = "invoice";
    public const string Credits = "credits";
    public const string Balance = "balance";
    public const string Payment = "payment";
    public const string Unpayment = "unpayment";
    public const string Void = "void";
    public const string CreditNote = "credit_note";
    public const string Grant = "grant";
    public const string Expiry = "expiry";
    public const string GrantVoid = "grant_void";
}

/// <summary>Prepaid credits of a customer: money in a currency, drawn down when invoices are finalized.</summary>
public sealed class CreditGrantRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string CustomerKey { get; set; } = "";

    /// <summary>The org's own key, unique within the customer.</summary>
    public string Key { get; set; } = "";

    public string Name { get; set; } = "";
    public string Currency { get; set; } = "";
    public decimal Amount { get; set; }

    /// <summary>Not drawn down, expired or voided yet.</summary>
    public decimal Remaining { get; set; }

    public decimal ExpiredAmount { get; set; }

    /// <summary>Lower ones are drawn down first.</summary>
    public int Priority { get; set; }

    /// <summary>By the org's clock; null: never. It still pays invoices of periods that ended by then.</summary>
    public Instant? ExpiresAt { get; set; }

    public Instant CreatedAt { get; set; }
    public Instant? VoidedAt { get; set; }
}

/// <summary>Takes back a part of a finalized invoice. Never changes.</summary>
public sealed class CreditNoteRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }

    /// <summary><c>CN-…</c>, without a gap within the org.</summary>
    public string Number { get; set; } = "";

    public Guid InvoiceId { get; set; }

    /// <summary>The org's own, unique within the invoice; null for none.</summary>
    public string? Key { get; set; }

    public string CustomerKey { get; set; } = "";
    public string Currency { get; set; } = "";

    /// <summary>With tax, positive.</summary>
    public decimal Amount { get; set; }

    /// <summary>The tax that the amount contains.</summary>
    public decimal Tax { get; set; }

    public string Reason { get; set; } = "";

    /// <summary>By how much it lowered what was due of the invoice; the rest of the amount went to the customer's balance.</summary>
    public decimal AppliedToDue { get; set; }

    public Instant CreatedAt { get; set; }

    /// <summary>Ordered by ordinal; empty when the note is an amount of the whole invoice.</summary>
    public List<CreditNoteLineRow> Lines { get; set; } = [];
}

/// <summary>What a credit note takes back of one line of the invoice.</summary>
public sealed class CreditNoteLineRow
{
    public Guid OrgId { get; set; }
    public Guid CreditNoteId { get; set; }

    /// <summary>Of the invoice's line.</summary>
    public int Ordinal { get; set; }

    /// <summary>In the terms of the line: without a tax that the invoice adds to it.</summary>
    public decimal Amount { get; set; }
}
