using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

public sealed class InvoiceRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Number { get; set; } = "";
    public Guid SubscriptionId { get; set; }
    public string CustomerKey { get; set; } = "";

    /// <summary>draft, finalized, paid or void.</summary>
    public string Status { get; set; } = InvoiceStatuses.Draft;

    public string Currency { get; set; } = "";
    public Instant PeriodStart { get; set; }
    public Instant PeriodEnd { get; set; }
    public decimal Total { get; set; }

    /// <summary>How much of the total is tax, added or contained; adjustments too.</summary>
    public decimal Tax { get; set; }

    /// <summary>The version at the period's end.</summary>
    public Guid PlanVersionId { get; set; }

    public string PlanVersionHash { get; set; } = "";

    /// <summary>Where the plan changed within the period: the hash of each of its parts' versions, in order of time. Else null.</summary>
    public string[]? PlanVersionHashes { get; set; }

    public string EngineVersion { get; set; } = "";
    public string ResultHash { get; set; } = "";

    /// <summary>The period's usage changed: a draft will be replaced, of a final invoice the difference goes to the subscription's next one.</summary>
    public bool Stale { get; set; }

    public Instant CreatedAt { get; set; }
    public Instant? FinalizedAt { get; set; }
    public List<InvoiceLineRow> Lines { get; set; } = [];
}

public static class InvoiceStatuses
{
    public const string Draft = "draft";
    public const string Finalized = "finalized";
    public const string Paid = "paid";
}

public static class InvoiceLineKinds
{
    public const string Charge = "charge";
    public const string Adjustment = "adjustment";

    public static string Of(LineKind kind) => kind switch
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

    /// <summary>charge; commitment, minimum, maximum, discount or tax: a step of the invoice as a whole; or adjustment: a difference to a line of an earlier invoice. Its count and digest are of all that the charge counts now.</summary>
    public string Kind { get; set; } = InvoiceLineKinds.Charge;

    /// <summary>The earlier invoice that an adjustment corrects, and its number.</summary>
    public Guid? AdjustsInvoiceId { get; set; }

    public string? AdjustsNumber { get; set; }

    /// <summary>What kind of line of the earlier invoice an adjustment corrects.</summary>
    public string? AdjustsKind { get; set; }

    /// <summary>Where the plan changed within the period (of an adjustment: the earlier one): the part that the line is of, and its version. Else null.</summary>
    public Instant? SpanStart { get; set; }

    public Instant? SpanEnd { get; set; }
    public Guid? PlanVersionId { get; set; }

    public string Charge { get; set; } = "";
    public string Name { get; set; } = "";
    public string? Meter { get; set; }
    public decimal Quantity { get; set; }
    public decimal UnroundedAmount { get; set; }
    public decimal Amount { get; set; }

    /// <summary>How much tax the line stands for, added or contained.</summary>
    public decimal Tax { get; set; }

    public long EventCount { get; set; }
    public decimal EventDigest { get; set; }

    /// <summary>JSON array of <c>StoredStep</c>: a tree of steps, numbers as strings.</summary>
    public string Explanation { get; set; } = "[]";
}
