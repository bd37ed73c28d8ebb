using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

public sealed class InvoiceRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }

    /// <summary>Within the org, in order of creation: the order of pages and of drafts. Gaps may occur.</summary>
    public long Sequence { get; set; }

    /// <summary>Given at finalization, without a gap within the org; null on a draft.</summary>
    public string? Number { get; set; }

    public Guid SubscriptionId { get; set; }
    public string CustomerKey { get; set; } = "";

    /// <summary>draft, finalized, paid or void.</summary>
    public string Status { get; set; } = InvoiceStatuses.Draft;

    public string Currency { get; set; } = "";
    public Instant PeriodStart { get; set; }
    public Instant PeriodEnd { get; set; }
    public decimal Total { get; set; }

    /// <summary>The tax that the total contains, added or included, adjustments too.</summary>
    public decimal Tax { get; set; }

    /// <summary>The plan version at the period's end.</summary>
    public Guid PlanVersionId { get; set; }

    public string PlanVersionHash { get; set; } = "";

    /// <summary>When the plan changed within the period: the hashes of its parts' versions, ordered by time. Else null.</summary>
    public string[]? PlanVersionHashes { get; set; }

    public string EngineVersion { get; set; } = "";
    public string ResultHash { get; set; } = "";

    /// <summary>
    /// The period's usage changed: a draft will be replaced; of a finalized invoice the difference goes to the subscription's next invoice.
    /// </summary>
    public bool Stale { get; set; }

    public Instant CreatedAt { get; set; }

    /// <summary>When it was first drafted, by the org's clock; the review time begins.</summary>
    public Instant DraftedAt { get; set; }

    public Instant? FinalizedAt { get; set; }

    /// <summary>The stated time of the payment; null unless paid.</summary>
    public Instant? PaidAt { get; set; }

    public string? PaymentReference { get; set; }
    public Instant? VoidedAt { get; set; }
    public string? VoidReason { get; set; }

    /// <summary>The void invoice of the same period that this one replaces.</summary>
    public Guid? ReissuesId { get; set; }

    /// <summary>
    /// What the customer still owes of it: <c>Total - BalanceApplied - CreditsApplied - Credited - AmountPaid</c>. 0 on a draft, and on a
    /// void one.
    /// </summary>
    public decimal AmountDue { get; set; }

    /// <summary>Paid from the customer's balance at finalization; of a negative total that total, which went to the balance.</summary>
    public decimal BalanceApplied { get; set; }

    /// <summary>Paid from prepaid credits at finalization.</summary>
    public decimal CreditsApplied { get; set; }

    /// <summary>By how much credit notes lowered what is due; what they gave to the customer's balance is not in it.</summary>
    public decimal Credited { get; set; }

    /// <summary>Paid by the customer; 0 unless paid.</summary>
    public decimal AmountPaid { get; set; }

    /// <summary>JSON: who bills whom and on what terms, as it was when the invoice was finalized. Null while it may change.</summary>
    public string? Document { get; set; }

    public List<InvoiceLineRow> Lines { get; set; } = [];

    /// <summary>Ordered by number; empty until they are loaded.</summary>
    public List<CreditNoteRow> CreditNotes { get; set; } = [];
}

public static class InvoiceStatuses
{
    public const string Draft = "draft";
    public const string Finalized = "finalized";
    public const string Paid = "paid";
    public const string Void = "void";
}

public static class InvoiceLineKinds
{
    public const string Charge = "charge";
    public const string Adjustment = "adjustment";

    public static string Of(LineKind kind) =>
        kind switch
        {
            LineKind.Charge => Charge,
            LineKind.Commitment => "commitment",
            LineKind.Minimum => "minimum",
            LineKind.Maximum => "maximum",
            LineKind.Discount => "discount",
            LineKind.Tax => "tax",
            LineKind.Adjustment => Adjustment,
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
}

public sealed class InvoiceLineRow
{
    public Guid OrgId { get; set; }
    public Guid InvoiceId { get; set; }
    public int Ordinal { get; set; }

    /// <summary>
    /// <c>charge</c>; an invoice-level step (<c>commitment</c>, <c>minimum</c>, <c>maximum</c>, <c>discount</c>, <c>tax</c>); or
    /// <c>adjustment</c>, a difference to a line of an earlier invoice, whose count and digest cover all events that the charge counts now.
    /// </summary>
    public string Kind { get; set; } = InvoiceLineKinds.Charge;

    /// <summary>The earlier invoice that an adjustment corrects.</summary>
    public Guid? AdjustsInvoiceId { get; set; }

    public string? AdjustsNumber { get; set; }

    /// <summary>The kind of the line that an adjustment corrects.</summary>
    public string? AdjustsKind { get; set; }

    /// <summary>
    /// When the plan changed within the period (for an adjustment: the earlier period): the part that the line covers. Else null.
    /// </summary>
    public Instant? SpanStart { get; set; }

    public Instant? SpanEnd { get; set; }
    public Guid? PlanVersionId { get; set; }

    public string Charge { get; set; } = "";
    public string Name { get; set; } = "";
    public string? Meter { get; set; }
    public decimal Quantity { get; set; }
    public decimal UnroundedAmount { get; set; }
    public decimal Amount { get; set; }

    /// <summary>The tax of this line, added or included.</summary>
    public decimal Tax { get; set; }

    public long EventCount { get; set; }
    public decimal EventDigest { get; set; }

    /// <summary>JSON array of <c>StoredStep</c>: a tree of steps, numbers as strings.</summary>
    public string Explanation { get; set; } = "[]";
}
