using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Notifications.Persistence;

/// <summary>A message to a customer about a billing event. Each event creates one delivery, however often it is received.</summary>
public sealed class DeliveryRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public Guid EventId { get; set; }

    /// <summary>The event's name, such as <c>invoice.generated</c>.</summary>
    public string Kind { get; set; } = "";

    public Guid? InvoiceId { get; set; }

    /// <summary>The customer's e-mail, or its key when it has none.</summary>
    public string Recipient { get; set; } = "";

    public string Subject { get; set; } = "";

    /// <summary><c>recorded</c>: stored, but not sent.</summary>
    public string Status { get; set; } = "";

    public Instant CreatedAt { get; set; }
}

public sealed class NotificationsDbContext(DbContextOptions<NotificationsDbContext> options) : PolarisDbContext(options)
{
    public DbSet<DeliveryRow> Deliveries => Set<DeliveryRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<DeliveryRow>(table =>
        {
            table.ToTable("deliveries").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.EventId }).IsUnique();
        });
        RecordDeadLetterRow.Configure(modelBuilder);
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model but no database.</summary>
public sealed class NotificationsDbContextFactory : IDesignTimeDbContextFactory<NotificationsDbContext>
{
    public NotificationsDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<NotificationsDbContext>());
}
