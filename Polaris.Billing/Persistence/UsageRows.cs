using NodaTime;

namespace Polaris.Billing.Persistence;

/// <summary>
/// A batch whose events are in the aggregates. Its row makes applying it again a no-op; old rows are replaced by
/// <see cref="RecoveryPositionRow.CompactedBefore"/>. Read it only through <c>AppliedBatches</c>.
/// </summary>
public sealed class AppliedBatchRow
{
    public Guid OrgId { get; set; }
    public Guid BatchId { get; set; }
}

/// <summary>One customer's usage of one meter in one 15-minute bucket.</summary>
public sealed class UsageAggregateRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public Instant BucketStart { get; set; }
    public long EventCount { get; set; }
    public decimal Total { get; set; }
    public decimal MaxValue { get; set; }

    /// <summary>Sum of the counted events' hashes modulo 2^64.</summary>
    public decimal Digest { get; set; }

    /// <summary>Values of the meter's dimensions, joined by <see cref="DimensionValues.Join"/>; empty without dimensions.</summary>
    public string Dimensions { get; set; } = "";

    /// <summary>
    /// Only for meters with these aggregations: the minimum, the moment of a level, and the last value with its time and hash.
    /// </summary>
    public decimal? MinValue { get; set; }

    public System.Numerics.BigInteger? Moment { get; set; }
    public long? LatestAt { get; set; }
    public decimal? LatestHash { get; set; }
    public decimal? LatestValue { get; set; }
}

/// <summary>A distinct value counted by a unique_count meter in one bucket.</summary>
public sealed class UsageUniqueRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public Instant BucketStart { get; set; }
    public string Dimensions { get; set; } = "";
    public Guid ValueHash { get; set; }
}

/// <summary>
/// The sum of all buckets of a customer's weighted_sum meter before a time. Read it only through <c>LevelCheckpoints</c>.
/// </summary>
public sealed class LevelCheckpointRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Guid MeterId { get; set; }
    public string Dimensions { get; set; } = "";
    public Instant Before { get; set; }
    public decimal Level { get; set; }
}

/// <summary>The recorded requests behind a customer's usage of a day (UTC), latest first; for <c>UsageTraces</c>.</summary>
public sealed class UsageTraceRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public LocalDate Day { get; set; }
    public string[] TraceLinks { get; set; } = [];
    public Instant RecordedAt { get; set; }
}

/// <summary>All events of an org and partition in one bucket, independent of meters; compared with Ingestion's digest.</summary>
public sealed class UsageBucketRow
{
    public Guid OrgId { get; set; }
    public Instant BucketStart { get; set; }
    public int Partition { get; set; }
    public long EventCount { get; set; }
    public decimal Digest { get; set; }
}

/// <summary>
/// An event that a later one voids or replaces; written when the later one's batch is applied. From then on the earlier event no longer
/// counts.
/// </summary>
public sealed class CorrectionRow
{
    public Guid OrgId { get; set; }
    public Guid CorrectedBatchId { get; set; }
    public string CorrectedKey { get; set; } = "";
    public Guid ByBatchId { get; set; }
    public string ByKey { get; set; } = "";

    /// <summary>The correcting event counts instead of the earlier one; otherwise it is a void and counts for nothing.</summary>
    public bool Replaces { get; set; }
}

/// <summary>A customer's bucket whose aggregates must be rebuilt.</summary>
public sealed class DirtyBucketRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Instant BucketStart { get; set; }
    public Instant MarkedAt { get; set; }
}

/// <summary>
/// The position up to which a topic was applied; commits together with what was applied. A replaced broker has another cluster id and
/// starts from the beginning.
/// </summary>
public sealed class ConsumerPositionRow
{
    public string ClusterId { get; set; } = "";
    public string Topic { get; set; } = "";
    public int Partition { get; set; }
    public long NextOffset { get; set; }
    public Instant MovedAt { get; set; }
}

/// <summary>
/// The position of the search for lost batches: every batch received before it is verified to be applied or is a dead letter.
/// </summary>
public sealed class RecoveryPositionRow
{
    public int Id { get; set; }
    public Instant ReceivedAt { get; set; }
    public Guid BatchId { get; set; }

    /// <summary>Batches with a smaller id count as applied unless they are unresolved dead letters: their ids were deleted.</summary>
    public Guid CompactedBefore { get; set; }
}

/// <summary>A bucket with recent usage, which reconciliation compares often.</summary>
public sealed class FreshBucketRow
{
    public Guid OrgId { get; set; }
    public Instant BucketStart { get; set; }
    public Instant TouchedAt { get; set; }
    public Instant? ReconciledAt { get; set; }
}

/// <summary>An org's reconciliation counters.</summary>
public sealed class ReconciliationRow
{
    public Guid OrgId { get; set; }

    /// <summary>When some of its buckets were last compared, and when the slow cycle last completed a pass.</summary>
    public Instant LastCheckedAt { get; set; }

    public Instant? LastPassAt { get; set; }

    /// <summary>Buckets compared by the slow cycle in the current pass, and in the last complete one.</summary>
    public long RunningBuckets { get; set; }

    public long PassBuckets { get; set; }
    public long DriftFound { get; set; }
    public long DriftRepaired { get; set; }
}

/// <summary>A difference between Ingestion and Billing.</summary>
public sealed class ReconciliationFindingRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Kind { get; set; } = "";
    public Instant BucketStart { get; set; }

    /// <summary>Location of the difference: <c>partition 3</c>, or a customer and a meter.</summary>
    public string Place { get; set; } = "";

    /// <summary>Set for aggregates, which are repaired once the customer's bucket is rebuilt.</summary>
    public string? CustomerKey { get; set; }

    public string Stored { get; set; } = "";
    public string Expected { get; set; } = "";
    public Instant FoundAt { get; set; }
    public Instant? RepairedAt { get; set; }
}

/// <summary>The position of reconciliation's slow cycle, and the replica that holds the lease.</summary>
public sealed class ReconciliationPositionRow
{
    public int Id { get; set; }
    public Guid Owner { get; set; }
    public Instant HeldUntil { get; set; }

    /// <summary>The current org; the empty id before the first.</summary>
    public Guid CurrentOrg { get; set; }

    public Instant NextBucket { get; set; }
    public Instant PassStartedAt { get; set; }
    public bool PassDone { get; set; }
}

/// <summary>Events counted in ten seconds, of all orgs, for operators.</summary>
public sealed class ThroughputRow
{
    /// <summary>When the ten seconds began.</summary>
    public Instant Slot { get; set; }

    public long Events { get; set; }

    /// <summary>The longest time from receipt to being counted, in milliseconds.</summary>
    public long SlowestMs { get; set; }
}

/// <summary>An org's events counted in five minutes, for operators. Usage is in the buckets.</summary>
public sealed class OrgThroughputRow
{
    public Guid OrgId { get; set; }

    /// <summary>When the five minutes began.</summary>
    public Instant Slot { get; set; }

    public long Events { get; set; }
}
