using NodaTime;

namespace Polaris.Billing.Persistence;

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
