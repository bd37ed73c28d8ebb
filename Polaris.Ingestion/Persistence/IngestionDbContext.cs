using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Ingestion.Persistence;

/// <summary>A stored batch: the very bytes that go to Kafka. The truth about usage.</summary>
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

/// <summary>Every idempotency key that ever counted, for ever: where its event is and what it held.</summary>
public sealed class EventKeyRow
{
    public Guid OrgId { get; set; }
    public string IdempotencyKey { get; set; } = "";
    public Guid BatchId { get; set; }
    public Guid ContentHash { get; set; }
}

/// <summary>Which buckets a batch has events in, with count and digest: replay and audit find and prove without opening payloads.</summary>
public sealed class UsageBatchBucketRow
{
    public Guid OrgId { get; set; }
    public Instant BucketStart { get; set; }
    public Guid BatchId { get; set; }
    public int Partition { get; set; }
    public int EventCount { get; set; }
    public decimal Digest { get; set; }
}

/// <summary>A batch that the broker does not have yet.</summary>
public sealed class OutboxRow
{
    public Guid OrgId { get; set; }
    public Guid BatchId { get; set; }
    public int Partition { get; set; }
}

/// <summary>That an event was voided or replaced: at most once, by whoever's row is first.</summary>
public sealed class EventCorrectionRow
{
    public Guid OrgId { get; set; }
    public string CorrectedKey { get; set; } = "";
    public Guid CorrectedBatchId { get; set; }
    public string ByKey { get; set; } = "";
    public Guid ByBatchId { get; set; }
}

/// <summary>Until when a customer's usage is invoiced already, as far as Billing's events told: an older event that comes now is late.</summary>
public sealed class InvoicedPeriodRow
{
    public Guid OrgId { get; set; }
    public string CustomerKey { get; set; } = "";
    public Instant InvoicedThrough { get; set; }
}

/// <summary>Which replica publishes a partition's outbox, and until when.</summary>
public sealed class RelayLeaseRow
{
    public int Partition { get; set; }
    public Guid Owner { get; set; }
    public Instant HeldUntil { get; set; }
}

/// <summary>Ingestion's tables. What is hot is written and read by SQL; this model makes the migrations.</summary>
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
            table.ToTable("usage_batch_buckets").HasKey(row => new { row.OrgId, row.BucketStart, row.BatchId });
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
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model and no database.</summary>
public sealed class IngestionDbContextFactory : IDesignTimeDbContextFactory<IngestionDbContext>
{
    public IngestionDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<IngestionDbContext>());
}
