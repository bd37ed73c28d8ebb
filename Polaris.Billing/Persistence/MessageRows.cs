using NodaTime;

namespace Polaris.Billing.Persistence;

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
