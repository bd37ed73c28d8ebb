using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Notifications.Persistence;

public sealed class NotificationsDbContext(DbContextOptions<NotificationsDbContext> options) : PolarisDbContext(options)
{
    public DbSet<EventRow> Events => Set<EventRow>();

    public DbSet<EndpointRow> Endpoints => Set<EndpointRow>();

    public DbSet<QueueRow> Queues => Set<QueueRow>();

    public DbSet<AddressRow> Addresses => Set<AddressRow>();

    public DbSet<MailSettingsRow> MailSettings => Set<MailSettingsRow>();

    public DbSet<DeliveryRow> Deliveries => Set<DeliveryRow>();

    public DbSet<AttemptRow> Attempts => Set<AttemptRow>();

    public DbSet<AuditRow> AuditLog => Set<AuditRow>();

    protected override bool AuditsMutations => true;

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<EventRow>(table =>
        {
            table.ToTable("events").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.ReceivedAt });
        });
        modelBuilder.Entity<EndpointRow>(table => table.ToTable("endpoints").HasKey(row => new { row.OrgId, row.Id }));
        modelBuilder.Entity<QueueRow>(table =>
        {
            table.ToTable("queues").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => row.TurnAt).HasFilter("due_at IS NOT NULL");
        });
        modelBuilder.Entity<AddressRow>(table => table.ToTable("addresses").HasKey(row => new { row.OrgId, row.Id }));
        modelBuilder.Entity<MailSettingsRow>(table => table.ToTable("mail_settings").HasKey(row => row.OrgId));
        modelBuilder.Entity<DeliveryRow>(table =>
        {
            table.ToTable("deliveries").HasKey(row => new { row.OrgId, row.Id });
            // An event goes once to each receiver.
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.EventId,
                    row.QueueId,
                    row.Recipient,
                })
                .IsUnique();
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.QueueId,
                    row.NextAt,
                    row.EventId,
                })
                .HasFilter("status = 'waiting'")
                .HasDatabaseName("ix_deliveries_due");
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.QueueId,
                    row.EventId,
                })
                .HasFilter("status = 'waiting'")
                .HasDatabaseName("ix_deliveries_in_order");
            // What is listed by endpoint or by status.
            table.HasIndex(row => new
            {
                row.OrgId,
                row.QueueId,
                row.Id,
            });
            table.HasIndex(row => new
            {
                row.OrgId,
                row.Status,
                row.Id,
            });
        });
        modelBuilder.Entity<AttemptRow>(table =>
            table
                .ToTable("attempts")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.DeliveryId,
                    row.Number,
                })
        );
        modelBuilder.Entity<AuditRow>(table =>
        {
            table.ToTable("audit_log").HasKey(row => new { row.OrgId, row.Id });
            table.Property(row => row.Detail).HasColumnType("jsonb");
            table.HasIndex(row => new
            {
                row.OrgId,
                row.Subject,
                row.Id,
            });
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
