using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Plans.Persistence;

/// <summary>A meter. What it measures is immutable, so that earlier usage keeps its meaning.</summary>
public sealed class MeterRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public string EventType { get; set; } = "";

    /// <summary>The name of a MeterAggregation.</summary>
    public string Aggregation { get; set; } = "";

    public string? Property { get; set; }

    /// <summary>JSON array of { property, equals }.</summary>
    public string Filters { get; set; } = "[]";

    /// <summary>JSON array of the properties by which usage is grouped.</summary>
    public string Dimensions { get; set; } = "[]";

    /// <summary>JSON of an EventFee; null for none.</summary>
    public string? EventFee { get; set; }

    public Instant CreatedAt { get; set; }

    /// <summary>Since when no new charge may use it; null when it is not archived.</summary>
    public Instant? ArchivedAt { get; set; }
}

public sealed class PlanRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public string Currency { get; set; } = "";
    public string Interval { get; set; } = "";
    public Instant CreatedAt { get; set; }

    /// <summary>Since when it takes no new subscriptions and no new versions; null when it is not archived.</summary>
    public Instant? ArchivedAt { get; set; }

    public List<PlanVersionRow> Versions { get; set; } = [];
}

/// <summary>A version with its charges as one document, since it is written once and always read and hashed as a whole.</summary>
public sealed class PlanVersionRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public Guid PlanId { get; set; }
    public int Number { get; set; }

    /// <summary>DRAFT, PUBLISHED or ARCHIVED.</summary>
    public string Status { get; set; } = "";

    public string Charges { get; set; } = "[]";

    /// <summary>JSON object: commitment, minimum, maximum, discounts, taxes.</summary>
    public string Terms { get; set; } = "{}";

    public string Hash { get; set; } = "";
    public Instant CreatedAt { get; set; }
    public Instant? PublishedAt { get; set; }
}

public sealed class PlansDbContext(DbContextOptions<PlansDbContext> options) : PolarisDbContext(options)
{
    public DbSet<MeterRow> Meters => Set<MeterRow>();

    public DbSet<PlanRow> Plans => Set<PlanRow>();

    public DbSet<PlanVersionRow> Versions => Set<PlanVersionRow>();

    public DbSet<AuditRow> AuditLog => Set<AuditRow>();

    protected override bool AuditsMutations => true;

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<MeterRow>(table =>
        {
            table.ToTable("meters").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.Key }).IsUnique();
            table.Property(row => row.Filters).HasColumnType("jsonb");
            table.Property(row => row.Dimensions).HasColumnType("jsonb").HasDefaultValueSql("'[]'");
            table.Property(row => row.EventFee).HasColumnType("jsonb");
        });
        modelBuilder.Entity<PlanRow>(table =>
        {
            table.ToTable("plans").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.Key }).IsUnique();
            table.HasMany(row => row.Versions).WithOne().HasForeignKey(version => new { version.OrgId, version.PlanId });
        });
        modelBuilder.Entity<PlanVersionRow>(table =>
        {
            table.ToTable("plan_versions").HasKey(row => new { row.OrgId, row.Id });
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.PlanId,
                    row.Number,
                })
                .IsUnique();
            table.Property(row => row.Charges).HasColumnType("jsonb");
            table.Property(row => row.Terms).HasColumnType("jsonb").HasDefaultValueSql("'{}'");
        });
        modelBuilder.Entity<AuditRow>(table =>
        {
            table.ToTable("audit_log").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new
            {
                row.OrgId,
                row.Subject,
                row.Id,
            });
            table.Property(row => row.Detail).HasColumnType("jsonb");
        });
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model but no database.</summary>
public sealed class PlansDbContextFactory : IDesignTimeDbContextFactory<PlansDbContext>
{
    public PlansDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<PlansDbContext>());
}
