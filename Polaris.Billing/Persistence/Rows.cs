using NodaTime;
using Polaris.Billing.Domain;

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

    /// <summary>What it began with; <see cref="Changes"/> tell what it is on since.</summary>
    public string PlanKey { get; set; } = "";

    public Guid PlanVersionId { get; set; }
    public Instant StartAt { get; set; }
    public Instant? EndAt { get; set; }

    /// <summary>Set when the end was moved into a period whose fees in advance had been billed already: that period's end as it was.</summary>
    public Instant? PaidUntil { get; set; }
    public int AnchorDay { get; set; }
    public string TimeZone { get; set; } = "UTC";

    /// <summary>The first period that is not invoiced yet; both null when the last one is.</summary>
    public Instant? NextPeriodStart { get; set; }

    public Instant? NextPeriodEnd { get; set; }

    /// <summary>Its invoice could not be made: nothing is tried before then, by the real clock.</summary>
    public Instant? HeldUntil { get; set; }

    public Instant CreatedAt { get; set; }

    /// <summary>In order of time; every query brings them along.</summary>
    public List<PlanChangeRow> Changes { get; set; } = [];
}

/// <summary>From a moment on a subscription is on another plan version.</summary>
public sealed class PlanChangeRow
{
    public Guid OrgId { get; set; }
    public Guid SubscriptionId { get; set; }
    public Instant StartsAt { get; set; }
    public string PlanKey { get; set; } = "";
    public Guid PlanVersionId { get; set; }
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

/// <summary>
/// A batch whose events are in the aggregates. Its presence is what makes applying it again do nothing; old ones fold into
/// <see cref="HealPositionRow.FoldedBefore"/>. Only <c>AppliedBatches</c> reads it.
/// </summary>
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

    /// <summary>Values of the meter's dimensions, as <see cref="DimensionValues.Join"/> writes them; empty without dimensions.</summary>
    public string Dimensions { get; set; } = "";

    /// <summary>Only of meters with this aggregation: the lowest value, the moment of a level, and the last value with its time and event.</summary>
    public decimal? Low { get; set; }

    public System.Numerics.BigInteger? Moment { get; set; }
    public long? LatestAt { get; set; }
    public decimal? LatestHash { get; set; }
    public decimal? LatestValue { get; set; }
}

/// <summary>A distinct value seen by a unique_count meter in one bucket.</summary>
public sealed class UsageUniqueRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public Instant BucketStart { get; set; }
    public string Dimensions { get; set; } = "";
    public Guid ValueHash { get; set; }
}

/// <summary>The sum of all buckets of a customer's weighted_sum meter before a moment; only <c>LevelCheckpoints</c> knows how to use it.</summary>
public sealed class LevelCheckpointRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public string Dimensions { get; set; } = "";
    public Instant Before { get; set; }
    public decimal Level { get; set; }
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
    public Instant MovedAt { get; set; }
}

/// <summary>How far the search for lost batches has come: every batch received before is known to be applied.</summary>
public sealed class HealPositionRow
{
    public int Id { get; set; }
    public Instant ReceivedAt { get; set; }
    public Guid BatchId { get; set; }

    /// <summary>Batches with a smaller id count as applied, unless they wait as dead letters: their ids are no longer kept.</summary>
    public Guid FoldedBefore { get; set; }
}

/// <summary>A bucket whose usage came lately; the auditor looks at it again and again.</summary>
public sealed class FreshBucketRow
{
    public Guid OrgId { get; set; }
    public Instant BucketStart { get; set; }
    public Instant TouchedAt { get; set; }
    public Instant? AuditedAt { get; set; }
}

/// <summary>What the auditor has done for an org so far.</summary>
public sealed class AuditRow
{
    public Guid OrgId { get; set; }

    /// <summary>When some of its buckets were last compared, and when the slow cycle last came to its end.</summary>
    public Instant LastCheckedAt { get; set; }

    public Instant? LastPassAt { get; set; }

    /// <summary>Buckets that the slow cycle compared so far in the pass under way, and in the last whole one.</summary>
    public long RunningBuckets { get; set; }

    public long PassBuckets { get; set; }
    public long DriftFound { get; set; }
    public long DriftHealed { get; set; }
}

/// <summary>A difference that the auditor found between Ingestion and Billing.</summary>
public sealed class AuditFindingRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Kind { get; set; } = "";
    public Instant BucketStart { get; set; }

    /// <summary>Where the difference is: <c>partition 3</c>, or a customer and a meter.</summary>
    public string Place { get; set; } = "";

    /// <summary>Set for aggregates: healed as soon as the customer's bucket is rebuilt.</summary>
    public string? CustomerKey { get; set; }

    public string Stored { get; set; } = "";
    public string Expected { get; set; } = "";
    public Instant FoundAt { get; set; }
    public Instant? HealedAt { get; set; }
}

/// <summary>Where the auditor's slow cycle stands, and which replica audits until when.</summary>
public sealed class AuditPositionRow
{
    public int Id { get; set; }
    public Guid Owner { get; set; }
    public Instant HeldUntil { get; set; }

    /// <summary>The org under audit; the empty id before the first.</summary>
    public Guid CurrentOrg { get; set; }

    public Instant NextBucket { get; set; }
    public Instant PassStartedAt { get; set; }
    public bool PassDone { get; set; }
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

/// <summary>A billing event on its way to Kafka; deleted once the broker has it.</summary>
public sealed class OutboxRow
{
    public Guid OrgId { get; set; }
    public Guid EventId { get; set; }

    /// <summary>The protobuf message polaris.billing.events.v1.BillingEvent.</summary>
    public byte[] Message { get; set; } = [];
}

/// <summary>
/// A record that could not be applied, with the reason. It is its org's where the org can be read, else the empty org's, which nobody but
/// the service itself sees.
/// </summary>
public sealed class DeadLetterRow
{
    public Guid OrgId { get; set; }

    /// <summary>The batch's id where the org can be read, else made from where the record lay: the same one again is the same dead letter.</summary>
    public Guid Id { get; set; }

    /// <summary>The broker's cluster id, or <c>store</c> for a batch that was fetched from Ingestion.</summary>
    public string ClusterId { get; set; } = "";

    public string Topic { get; set; } = "";
    public int Partition { get; set; }
    public long RecordOffset { get; set; }
    public string Reason { get; set; } = "";
    public byte[] Payload { get; set; } = [];
    public Instant SeenAt { get; set; }
    public int Attempts { get; set; }

    /// <summary>When it was applied after all; null while it waits.</summary>
    public Instant? ResolvedAt { get; set; }
}
