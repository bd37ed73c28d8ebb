using NodaTime;

namespace Polaris.Billing.Persistence;

/// <summary>
/// A billing event to publish to Kafka. It stays until Notifications says that it has it: a broker may lose what it has acknowledged.
/// </summary>
public sealed class OutboxRow
{
    public Guid OrgId { get; set; }
    public Guid EventId { get; set; }

    /// <summary>The protobuf message polaris.billing.events.v1.BillingEvent.</summary>
    public byte[] Message { get; set; } = [];

    /// <summary>The span that caused it, as written by <c>TraceLinks</c>; null when none was recorded.</summary>
    public string? TraceLinks { get; set; }

    /// <summary>When the broker acknowledged it; null while it waits for the relay.</summary>
    public Instant? PublishedAt { get; set; }
}

/// <summary>The replica that publishes the outbox, and the end of its lease: a single row.</summary>
public sealed class RelayLeaseRow
{
    public int Id { get; set; }
    public Guid Owner { get; set; }
    public Instant HeldUntil { get; set; }
}

/// <summary>
/// A record that could not be applied, with the reason. When its org cannot be parsed it belongs to the empty org, which only the service
/// itself reads.
/// </summary>
public sealed class DeadLetterRow
{
    public Guid OrgId { get; set; }

    /// <summary>
    /// The batch's id when the org can be parsed, else an id derived from the record's position, so that the same record is the same row.
    /// </summary>
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

    /// <summary>When it was applied after all; null while unresolved.</summary>
    public Instant? ResolvedAt { get; set; }
}
