using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Ingestion.Persistence;

/// <summary>A stored batch: the exact bytes that go to Kafka. The source of truth about usage.</summary>
public sealed class UsageBatchRow
{
    public Guid OrgId { get; set; }
    public Guid BatchId { get; set; }
    public int Partition { get; set; }
    public int EventCount { get; set; }
    public Instant ReceivedAt { get; set; }

    /// <summary>The protobuf message polaris.usage.v1.UsageBatch.</summary>
    public byte[] Payload { get; set; } = [];
}

/// <summary>Every stored idempotency key, kept for ever: where its event is, and the hash of its content.</summary>
public sealed class EventKeyRow
{
    public Guid OrgId { get; set; }
    public string IdempotencyKey { get; set; } = "";
    public Guid BatchId { get; set; }
    public Guid ContentHash { get; set; }
}

/// <summary>
/// The buckets that a batch has events in, with count and digest, so that replay and reconciliation need not open payloads.
/// </summary>
public sealed class UsageBatchBucketRow
{
    public Guid OrgId { get; set; }
    public Instant BucketStart { get; set; }
    public Guid BatchId { get; set; }
    public int Partition { get; set; }
    public int EventCount { get; set; }
    public decimal Digest { get; set; }

    /// <summary>
    /// The batch's bucket before this one; null for its first. A reader of a span takes a batch at its first bucket within the span, and so
    /// reads it once without looking at the other buckets.
    /// </summary>
    public Instant? PreviousBucket { get; set; }
}

/// <summary>A batch that is not published yet.</summary>
public sealed class OutboxRow
{
    public Guid OrgId { get; set; }
    public Guid BatchId { get; set; }
    public int Partition { get; set; }

    /// <summary>Links to the recorded requests of its events, in the format of <c>TraceLinks</c>; null when there are none.</summary>
    public string? TraceLinks { get; set; }
}

/// <summary>An event's correction; the primary key allows only one.</summary>
public sealed class EventCorrectionRow
{
    public Guid OrgId { get; set; }
    public string CorrectedKey { get; set; } = "";
    public Guid CorrectedBatchId { get; set; }
    public string ByKey { get; set; } = "";
    public Guid ByBatchId { get; set; }
}

/// <summary>The end of a customer's last invoiced period, according to Billing's events: older events that arrive now are late.</summary>
public sealed class InvoicedPeriodRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Instant InvoicedThrough { get; set; }
}

/// <summary>The replica that publishes a partition's outbox, and the end of its lease.</summary>
public sealed class RelayLeaseRow
{
    public int Partition { get; set; }
    public Guid Owner { get; set; }
    public Instant HeldUntil { get; set; }
}

/// <summary>Ingestion's tables. Hot paths use SQL directly; this model is the source of the migrations.</summary>
public sealed class IngestionDbContext(DbContextOptions<IngestionDbContext> options) : PolarisDbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<UsageBatchRow>(table =>
        {
            table.ToTable("usage_batches").HasKey(row => new { row.OrgId, row.BatchId });
            table.HasIndex(row => new { row.ReceivedAt, row.BatchId });
        });
        modelBuilder.Entity<EventKeyRow>().ToTable("event_keys").HasKey(row => new { row.OrgId, row.IdempotencyKey });
        modelBuilder.Entity<UsageBatchBucketRow>(table =>
        {
            table
                .ToTable("usage_batch_buckets")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.BucketStart,
                    row.BatchId,
                });
            table.Property(row => row.Digest).HasColumnType("numeric(20,0)");
        });
        modelBuilder.Entity<OutboxRow>(table =>
        {
            table.ToTable("outbox").HasKey(row => new { row.OrgId, row.BatchId });
            table.HasIndex(row => new { row.Partition, row.BatchId });
        });
        modelBuilder.Entity<EventCorrectionRow>(table =>
        {
            table.ToTable("event_corrections").HasKey(row => new { row.OrgId, row.CorrectedKey });
            table.HasIndex(row => new { row.OrgId, row.CorrectedBatchId });
        });
        modelBuilder.Entity<InvoicedPeriodRow>(table =>
        {
            table.ToTable("invoiced_periods").HasKey(row => new { row.OrgId, row.CustomerKey });
            table.HasIndex(row => new { row.OrgId, row.InvoicedThrough });
        });
        modelBuilder.Entity<RelayLeaseRow>(table =>
        {
            table.ToTable("relay_leases").HasKey(row => row.Partition);
            table.Property(row => row.Partition).ValueGeneratedNever();
        });
        RecordDeadLetterRow.Configure(modelBuilder);
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model but no database.</summary>
public sealed class IngestionDbContextFactory : IDesignTimeDbContextFactory<IngestionDbContext>
{
    public IngestionDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<IngestionDbContext>());
}
