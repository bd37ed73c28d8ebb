using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Persistence;

/// <summary>Billing's tables. Every key of an org's table starts with org_id, so that the schema can be sharded by org.</summary>
public sealed class BillingDbContext(DbContextOptions<BillingDbContext> options) : PolarisDbContext(options)
{
    public DbSet<OrgRow> Orgs => Set<OrgRow>();

    public DbSet<CustomerRow> Customers => Set<CustomerRow>();

    public DbSet<SubscriptionRow> Subscriptions => Set<SubscriptionRow>();

    public DbSet<CouponRow> Coupons => Set<CouponRow>();

    public DbSet<AppliedCouponRow> AppliedCoupons => Set<AppliedCouponRow>();

    public DbSet<OneOffChargeRow> OneOffCharges => Set<OneOffChargeRow>();

    public DbSet<PlanVersionRow> PlanVersions => Set<PlanVersionRow>();

    public DbSet<MeterRow> Meters => Set<MeterRow>();

    public DbSet<InvoiceRow> Invoices => Set<InvoiceRow>();

    public DbSet<LedgerEntryRow> LedgerEntries => Set<LedgerEntryRow>();

    public DbSet<AccountBalanceRow> AccountBalances => Set<AccountBalanceRow>();

    public DbSet<CreditGrantRow> CreditGrants => Set<CreditGrantRow>();

    public DbSet<CreditNoteRow> CreditNotes => Set<CreditNoteRow>();
    public DbSet<InvoiceSettingsRow> InvoiceSettings => Set<InvoiceSettingsRow>();

    public DbSet<CorrectionRow> Corrections => Set<CorrectionRow>();

    public DbSet<DirtyBucketRow> DirtyBuckets => Set<DirtyBucketRow>();

    public DbSet<OutboxRow> Outbox => Set<OutboxRow>();

    public DbSet<AuditRow> AuditLog => Set<AuditRow>();

    public DbSet<ThresholdRow> Thresholds => Set<ThresholdRow>();

    public DbSet<ThresholdCrossingRow> ThresholdCrossings => Set<ThresholdCrossingRow>();

    public DbSet<InvoiceVerificationRow> InvoiceVerifications => Set<InvoiceVerificationRow>();

    protected override bool AuditsMutations => true;

    /// <summary>EF's current transaction, for statements that EF cannot express.</summary>
    internal ScopedTransaction BorrowTransaction() =>
        ScopedTransaction.Borrow(
            (NpgsqlConnection)Database.GetDbConnection(),
            (NpgsqlTransaction)Database.CurrentTransaction!.GetDbTransaction()
        );

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<OrgRow>(table =>
        {
            table.ToTable("orgs").HasKey(row => row.OrgId);
            // Rows are also written by statements that name only what they know.
            table.Property(row => row.NextInvoiceSequence).HasDefaultValue(1L);
            table.Property(row => row.NextCreditNoteNumber).HasDefaultValue(1L);
            table.Property(row => row.NextLedgerEntry).HasDefaultValue(1L);
            table.HasIndex(row => new { row.ClockSetAt, row.OrgId }).HasFilter("clock_set_at IS NOT NULL");
        });
        modelBuilder.Entity<CustomerRow>(table =>
        {
            table.ToTable("customers").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.Key }).IsUnique();
            table.Property(row => row.Address).HasColumnType("jsonb");
        });
        Subscribing(modelBuilder);
        modelBuilder.Entity<PlanVersionRow>().ToTable("plan_versions").HasKey(row => new { row.OrgId, row.Id });
        modelBuilder.Entity<MeterRow>(table =>
        {
            table.ToTable("meters").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.Key }).IsUnique();
        });
        Usage(modelBuilder);
        Reconciling(modelBuilder);
        Operating(modelBuilder);
        Invoicing(modelBuilder);
        Ledger(modelBuilder);
        Documents(modelBuilder);
        Watching(modelBuilder);
        Auditing(modelBuilder);
        base.OnModelCreating(modelBuilder);
    }

    private static void Subscribing(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<SubscriptionRow>(table =>
        {
            table.ToTable("subscriptions").HasKey(row => new { row.OrgId, row.Id });
            table.Property(row => row.Interval).HasConversion<string>();
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.CustomerKey,
                    row.PlanKey,
                    row.StartAt,
                })
                .IsUnique();
            // In the order in which they are drafted, so a chunk costs the same however many are due.
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.NextPeriodEnd,
                    row.CustomerKey,
                })
                .HasFilter("next_period_end IS NOT NULL")
                .HasDatabaseName("ix_subscriptions_due");
            table
                .HasIndex(row => new { row.OrgId, row.HeldUntil })
                .HasFilter("held_code IS NOT NULL")
                .HasDatabaseName("ix_subscriptions_held");
            table.HasMany(row => row.Changes).WithOne().HasForeignKey(change => new { change.OrgId, change.SubscriptionId });
            table.Navigation(row => row.Changes).AutoInclude();
        });
        modelBuilder
            .Entity<PlanChangeRow>()
            .ToTable("plan_changes")
            .HasKey(row => new
            {
                row.OrgId,
                row.SubscriptionId,
                row.StartsAt,
            });
        modelBuilder.Entity<CouponRow>().ToTable("coupons").HasKey(row => new { row.OrgId, row.Key });
        modelBuilder.Entity<AppliedCouponRow>(table =>
        {
            table
                .ToTable("applied_coupons")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.SubscriptionId,
                    row.CouponKey,
                });
            table.HasOne<SubscriptionRow>().WithMany().HasForeignKey(row => new { row.OrgId, row.SubscriptionId });
            table.HasOne<CouponRow>().WithMany().HasForeignKey(row => new { row.OrgId, row.CouponKey });
        });
        modelBuilder.Entity<OneOffChargeRow>(table =>
        {
            table
                .ToTable("one_off_charges")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.SubscriptionId,
                    row.Key,
                });
            table.HasOne<SubscriptionRow>().WithMany().HasForeignKey(row => new { row.OrgId, row.SubscriptionId });
        });
    }

    private static void Usage(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<AppliedBatchRow>().ToTable("applied_batches").HasKey(row => new { row.OrgId, row.BatchId });
        modelBuilder.Entity<UsageAggregateRow>(table =>
        {
            table
                .ToTable("usage_aggregates")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.CustomerKey,
                    row.MeterId,
                    row.BucketStart,
                    row.Dimensions,
                });
            table.HasIndex(row => new
            {
                row.OrgId,
                row.MeterId,
                row.BucketStart,
            });
            table.Property(row => row.Digest).HasColumnType("numeric(20,0)");
            table.Property(row => row.LatestHash).HasColumnType("numeric(20,0)");
            table.Property(row => row.Dimensions).HasDefaultValue("");
        });
        modelBuilder.Entity<UsageUniqueRow>(table =>
        {
            table
                .ToTable("usage_uniques")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.CustomerKey,
                    row.MeterId,
                    row.BucketStart,
                    row.Dimensions,
                    row.ValueHash,
                });
            table.Property(row => row.Dimensions).HasDefaultValue("");
            table.HasIndex(row => new
            {
                row.OrgId,
                row.MeterId,
                row.BucketStart,
            });
        });
        modelBuilder
            .Entity<LevelCheckpointRow>()
            .ToTable("level_checkpoints")
            .HasKey(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.MeterId,
                row.Dimensions,
            });
        modelBuilder
            .Entity<UsageTraceRow>()
            .ToTable("usage_traces")
            .HasKey(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.Day,
            });
        modelBuilder.Entity<UsageBucketRow>(table =>
        {
            table
                .ToTable("usage_buckets")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.BucketStart,
                    row.Partition,
                });
            table.Property(row => row.Digest).HasColumnType("numeric(20,0)");
        });
        modelBuilder.Entity<CorrectionRow>(table =>
        {
            table
                .ToTable("corrections")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.CorrectedBatchId,
                    row.CorrectedKey,
                });
            table.HasIndex(row => new { row.OrgId, row.ByBatchId });
        });
        modelBuilder
            .Entity<DirtyBucketRow>()
            .ToTable("dirty_buckets")
            .HasKey(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.BucketStart,
            });
        modelBuilder
            .Entity<ConsumerPositionRow>()
            .ToTable("consumer_positions")
            .HasKey(row => new
            {
                row.ClusterId,
                row.Topic,
                row.Partition,
            });
        modelBuilder.Entity<RecoveryPositionRow>(table =>
        {
            table.ToTable("recovery_position").HasKey(row => row.Id);
            table.Property(row => row.Id).ValueGeneratedNever();
        });
        modelBuilder.Entity<DeadLetterRow>(table =>
        {
            table.ToTable("dead_letters").HasKey(row => new { row.OrgId, row.Id });
            table
                .HasIndex(row => new { row.OrgId, row.SeenAt })
                .HasFilter("resolved_at IS NULL")
                .HasDatabaseName("ix_dead_letters_waiting");
        });
    }

    private static void Operating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<ThroughputRow>().ToTable("throughput").HasKey(row => row.Slot);
        modelBuilder.Entity<OrgThroughputRow>().ToTable("org_throughput").HasKey(row => new { row.OrgId, row.Slot });
    }

    private static void Reconciling(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<FreshBucketRow>().ToTable("fresh_buckets").HasKey(row => new { row.OrgId, row.BucketStart });
        modelBuilder.Entity<ReconciliationRow>().ToTable("reconciliations").HasKey(row => row.OrgId);
        modelBuilder.Entity<ReconciliationFindingRow>(table =>
        {
            table.ToTable("reconciliation_findings").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => row.OrgId).HasFilter("repaired_at IS NULL").HasDatabaseName("ix_reconciliation_findings_open");
        });
        modelBuilder.Entity<ReconciliationPositionRow>(table =>
        {
            table.ToTable("reconciliation_position").HasKey(row => row.Id);
            table.Property(row => row.Id).ValueGeneratedNever();
        });
    }

    private static void Ledger(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<LedgerEntryRow>(table =>
        {
            table.ToTable("ledger_entries", of => of.HasCheckConstraint("ck_ledger_entries_amount", "amount <> 0"));
            table.HasKey(row => new { row.OrgId, row.Id });
            table.Property(row => row.Id).ValueGeneratedNever();
            table.HasIndex(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.Id,
            });
            table.HasIndex(row => new { row.OrgId, row.InvoiceId }).HasFilter("invoice_id IS NOT NULL");
        });
        modelBuilder
            .Entity<AccountBalanceRow>()
            .ToTable("account_balances")
            .HasKey(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.Currency,
                row.Account,
            });
        modelBuilder.Entity<CreditGrantRow>(table =>
        {
            table.ToTable("credit_grants", of => of.HasCheckConstraint("ck_credit_grants_remaining", "remaining BETWEEN 0 AND amount"));
            table.HasKey(row => new { row.OrgId, row.Id });
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.CustomerKey,
                    row.Key,
                })
                .IsUnique();
            table.HasIndex(row => new { row.OrgId, row.ExpiresAt }).HasFilter("remaining > 0 AND expires_at IS NOT NULL");
        });
        modelBuilder.Entity<CreditNoteRow>(table =>
        {
            table.ToTable("credit_notes").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.Number }).IsUnique();
            table.HasIndex(row => new { row.OrgId, row.InvoiceId });
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.InvoiceId,
                    row.Key,
                })
                .IsUnique()
                .HasFilter("key IS NOT NULL");
            table.HasMany(row => row.Lines).WithOne().HasForeignKey(line => new { line.OrgId, line.CreditNoteId });
        });
        modelBuilder
            .Entity<CreditNoteLineRow>()
            .ToTable("credit_note_lines")
            .HasKey(row => new
            {
                row.OrgId,
                row.CreditNoteId,
                row.Ordinal,
            });
    }

    private static void Watching(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<ThresholdRow>(table =>
        {
            table.ToTable("thresholds").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.Key }).IsUnique();
            table.Property(row => row.On).HasConversion<string>().HasColumnName("measure");
        });
        modelBuilder.Entity<ThresholdCrossingRow>(table =>
        {
            // What counting asks first is what a subscription has crossed in a period.
            table
                .ToTable("threshold_crossings")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.SubscriptionId,
                    row.PeriodStart,
                    row.ThresholdId,
                    row.Value,
                });
            table.HasIndex(row => new { row.OrgId, row.EventId }).IsUnique();
            table.HasIndex(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.EventId,
            });
            table.HasOne<ThresholdRow>().WithMany().HasForeignKey(row => new { row.OrgId, row.ThresholdId });
        });
        modelBuilder.Entity<ThresholdCheckRow>().ToTable("threshold_checks").HasKey(row => new { row.OrgId, row.Id });
    }

    private static void Auditing(ModelBuilder modelBuilder) =>
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

    private static void Invoicing(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<InvoiceRow>(table =>
        {
            table.ToTable("invoices").HasKey(row => new { row.OrgId, row.Id });
            // An invoice with only adjustments has an empty period.
            table
                .HasIndex(row => new
                {
                    row.OrgId,
                    row.SubscriptionId,
                    row.PeriodStart,
                })
                .IsUnique()
                .HasFilter("period_start < period_end AND status <> 'void'");
            table.HasIndex(row => new { row.OrgId, row.Sequence }).IsUnique();
            table.HasIndex(row => new { row.OrgId, row.Number }).IsUnique().HasFilter("number IS NOT NULL");
            table.HasIndex(row => new { row.OrgId, row.DraftedAt }).HasFilter("status = 'draft'").HasDatabaseName("ix_invoices_drafts");
            table.HasIndex(row => new
            {
                row.OrgId,
                row.CustomerKey,
                row.PeriodStart,
            });
            table.HasIndex(row => new { row.OrgId, row.Sequence }, "Stale").HasFilter("stale").HasDatabaseName("ix_invoices_stale");
            table.HasMany(row => row.Lines).WithOne().HasForeignKey(line => new { line.OrgId, line.InvoiceId });
            table.HasMany(row => row.CreditNotes).WithOne().HasForeignKey(note => new { note.OrgId, note.InvoiceId });
        });
        modelBuilder.Entity<InvoiceLineRow>(table =>
        {
            table
                .ToTable("invoice_lines")
                .HasKey(row => new
                {
                    row.OrgId,
                    row.InvoiceId,
                    row.Ordinal,
                });
            table.Property(row => row.EventDigest).HasColumnType("numeric(20,0)");
            table.Property(row => row.Explanation).HasColumnType("jsonb");
            table.Property(row => row.Kind).HasDefaultValue(InvoiceLineKinds.Charge);
            table.HasIndex(row => new { row.OrgId, row.AdjustsInvoiceId }).HasFilter("adjusts_invoice_id IS NOT NULL");
        });
        modelBuilder.Entity<InvoiceVerificationRow>(table =>
        {
            table.ToTable("invoice_verifications").HasKey(row => new { row.OrgId, row.Id });
            table
                .HasIndex(row => row.OrgId)
                .IsUnique()
                .HasFilter("finished_at IS NULL")
                .HasDatabaseName("ix_invoice_verifications_running");
        });
        modelBuilder.Entity<OutboxRow>(table =>
        {
            table.ToTable("outbox").HasKey(row => new { row.OrgId, row.EventId });
            // The relay reads what waits; Notifications asks for what was published a while ago.
            table.HasIndex(row => row.EventId).HasFilter("published_at IS NULL").HasDatabaseName("ix_outbox_waiting");
            table.HasIndex(row => row.PublishedAt).HasFilter("published_at IS NOT NULL").HasDatabaseName("ix_outbox_published");
        });
        modelBuilder.Entity<RelayLeaseRow>(table =>
        {
            table.ToTable("relay_lease").HasKey(row => row.Id);
            table.Property(row => row.Id).ValueGeneratedNever();
        });
    }

    private static void Documents(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<InvoiceRow>().Property(row => row.Document).HasColumnType("jsonb");
        modelBuilder.Entity<InvoiceSettingsRow>(table =>
        {
            table.ToTable("invoice_settings").HasKey(row => row.OrgId);
            table.Property(row => row.Address).HasColumnType("jsonb");
        });
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model and no database.</summary>
public sealed class BillingDbContextFactory : IDesignTimeDbContextFactory<BillingDbContext>
{
    public BillingDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<BillingDbContext>());
}
