using NodaTime;

namespace Polaris.Billing.Persistence;

/// <summary>What Billing keeps of an org: its clock and its invoice numbers.</summary>
public sealed class OrgRow
{
    public Guid OrgId { get; set; }

    /// <summary>Where the org's test clock stands; null for real time.</summary>
    public Instant? FrozenAt { get; set; }

    public long NextInvoiceNumber { get; set; } = 1;

    /// <summary>The latest period end that was invoiced. Usage before it may change a draft.</summary>
    public Instant? InvoicedThrough { get; set; }
}

public sealed class CustomerRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public string? Email { get; set; }
    public Instant CreatedAt { get; set; }
}

public sealed class SubscriptionRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string CustomerKey { get; set; } = "";
    public string PlanKey { get; set; } = "";
    public Guid PlanVersionId { get; set; }
    public Instant StartAt { get; set; }
    public Instant? EndAt { get; set; }
    public int AnchorDay { get; set; }
    public string TimeZone { get; set; } = "UTC";

    /// <summary>The first period that is not invoiced yet; both null when the last one is.</summary>
    public Instant? NextPeriodStart { get; set; }

    public Instant? NextPeriodEnd { get; set; }
    public Instant CreatedAt { get; set; }
}

/// <summary>An immutable copy of a plan version, so that rating and recomputing need no other service.</summary>
public sealed class PlanVersionRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string PlanKey { get; set; } = "";

    /// <summary>The protobuf message polaris.plans.v1.PlanVersion.</summary>
    public byte[] Message { get; set; } = [];
}

public sealed class MeterRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";

    /// <summary>The protobuf message polaris.plans.v1.Meter.</summary>
    public byte[] Message { get; set; } = [];

    /// <summary>Whether the usage from before the meter was known has been counted.</summary>
    public bool Filled { get; set; }
}

/// <summary>A batch whose events are in the aggregates. Its presence is what makes applying it again do nothing.</summary>
public sealed class AppliedBatchRow
{
    public Guid OrgId { get; set; }
    public Guid BatchId { get; set; }
}

/// <summary>What one customer used of one meter in one 15-minute bucket.</summary>
public sealed class UsageAggregateRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public Instant BucketStart { get; set; }
    public long EventCount { get; set; }
    public decimal Total { get; set; }
    public decimal Peak { get; set; }

    /// <summary>Sum of the counted events' hashes modulo 2^64.</summary>
    public decimal Digest { get; set; }
}

/// <summary>A distinct value seen by a unique_count meter in one bucket.</summary>
public sealed class UsageUniqueRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public Instant BucketStart { get; set; }
    public Guid ValueHash { get; set; }
}

/// <summary>All events of an org and partition in one bucket, whatever meters count them; compared with Ingestion's digest.</summary>
public sealed class UsageBucketRow
{
    public Guid OrgId { get; set; }
    public Instant BucketStart { get; set; }
    public int Partition { get; set; }
    public long EventCount { get; set; }
    public decimal Digest { get; set; }
}

/// <summary>An event that a later one voids or replaces; recorded when the later one's batch is applied. From then on the earlier counts no more.</summary>
public sealed class CorrectionRow
{
    public Guid OrgId { get; set; }
    public Guid CorrectedBatchId { get; set; }
    public string CorrectedKey { get; set; } = "";
    public Guid ByBatchId { get; set; }
    public string ByKey { get; set; } = "";

    /// <summary>The correcting event counts in the earlier one's place; otherwise it is a void and counts for nothing.</summary>
    public bool Replaces { get; set; }
}

/// <summary>A customer's bucket whose aggregates are known to be wrong until they are counted anew.</summary>
public sealed class DirtyBucketRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Instant BucketStart { get; set; }
    public Instant MarkedAt { get; set; }
}

/// <summary>Up to where a topic was applied; commits together with what was applied. A replaced broker has another cluster id and starts afresh.</summary>
public sealed class ConsumerPositionRow
{
    public string ClusterId { get; set; } = "";
    public string Topic { get; set; } = "";
    public int Partition { get; set; }
    public long NextOffset { get; set; }
}

/// <summary>How far the search for lost batches has come: every batch received before is known to be applied.</summary>
public sealed class HealPositionRow
{
    public int Id { get; set; }
    public Instant ReceivedAt { get; set; }
    public Guid BatchId { get; set; }
}

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
    public Guid PlanVersionId { get; set; }
    public string PlanVersionHash { get; set; } = "";
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
}

public sealed class InvoiceLineRow
{
    public Guid OrgId { get; set; }
    public Guid InvoiceId { get; set; }
    public int Ordinal { get; set; }

    /// <summary>charge, or adjustment: a difference to a line of an earlier invoice. Its count and digest are of all that the charge counts now.</summary>
    public string Kind { get; set; } = InvoiceLineKinds.Charge;

    /// <summary>The earlier invoice that an adjustment corrects, and its number.</summary>
    public Guid? AdjustsInvoiceId { get; set; }

    public string? AdjustsNumber { get; set; }
    public string Charge { get; set; } = "";
    public string Name { get; set; } = "";
    public string? Meter { get; set; }
    public decimal Quantity { get; set; }
    public decimal UnroundedAmount { get; set; }
    public decimal Amount { get; set; }
    public long EventCount { get; set; }
    public decimal EventDigest { get; set; }

    /// <summary>JSON array of steps: label, quantity, unit price and amount as strings.</summary>
    public string Explanation { get; set; } = "[]";
}

/// <summary>A billing event on its way to Kafka; deleted once the broker has it.</summary>
public sealed class OutboxRow
{
    public Guid OrgId { get; set; }
    public Guid EventId { get; set; }

    /// <summary>The protobuf message polaris.billing.events.v1.BillingEvent.</summary>
    public byte[] Message { get; set; } = [];
}

/// <summary>A record that could not be applied, with the reason. Not tenant data: what it holds could not be read.</summary>
public sealed class DeadLetterRow
{
    public string ClusterId { get; set; } = "";
    public string Topic { get; set; } = "";
    public int Partition { get; set; }
    public long RecordOffset { get; set; }
    public string Reason { get; set; } = "";
    public byte[] Payload { get; set; } = [];
    public Instant SeenAt { get; set; }
}
