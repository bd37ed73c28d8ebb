using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Identity.Persistence;

/// <summary>A tenant.</summary>
public sealed class OrgRow
{
    public Guid OrgId { get; set; }
    public string Name { get; set; } = "";
    public string Currency { get; set; } = "";
    public string TimeZone { get; set; } = "";

    /// <summary>For trying things out: only a sandbox has a test clock. It never changes.</summary>
    public bool Sandbox { get; set; }

    /// <summary>Where pages of its customers may show what is theirs, see <see cref="Features.Orgs.SetEmbedOrigins"/>.</summary>
    public string[] EmbedOrigins { get; set; } = [];

    public Instant CreatedAt { get; set; }
}

public sealed class MembershipRow
{
    public Guid OrgId { get; set; }
    public Guid UserId { get; set; }

    /// <summary>owner, admin, billing or viewer.</summary>
    public string Role { get; set; } = "";

    public Instant CreatedAt { get; set; }

    /// <summary>When the person last signed in to this org.</summary>
    public Instant? LastUsedAt { get; set; }
}

/// <summary>An invitation to become a member. Its token is shown once and stored as SHA-256.</summary>
public sealed class InvitationRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }

    /// <summary>The address as the inviter entered it.</summary>
    public string Email { get; set; } = "";

    public string Role { get; set; } = "";
    public byte[] TokenHash { get; set; } = [];
    public Guid InvitedBy { get; set; }
    public Instant CreatedAt { get; set; }
    public Instant ExpiresAt { get; set; }
    public Instant? AcceptedAt { get; set; }
    public Instant? RevokedAt { get; set; }
}

/// <summary>An API key without its secret, which is shown once and not stored.</summary>
public sealed class ApiKeyRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Name { get; set; } = "";

    /// <summary>The first characters of the key, by which people recognize it.</summary>
    public string Prefix { get; set; } = "";

    public string[] Scopes { get; set; } = [];
    public bool Backfill { get; set; }
    public Instant CreatedAt { get; set; }
    public Instant? RevokedAt { get; set; }
    public Instant? ExpiresAt { get; set; }

    /// <summary>When its secret was last rotated.</summary>
    public Instant? RotatedAt { get; set; }

    /// <summary>Accurate to about a minute: written periodically, not by requests.</summary>
    public Instant? LastUsedAt { get; set; }
}

/// <summary>Finds the key of a secret. Read before the org is known, so it has no row-level security policy.</summary>
public sealed class ApiKeyLookupRow
{
    public byte[] SecretHash { get; set; } = [];
    public Guid OrgId { get; set; }
    public Guid KeyId { get; set; }

    /// <summary>When a rotated secret stops working; null for the current one.</summary>
    public Instant? ValidUntil { get; set; }
}

/// <summary>A mail to one person that Notifications has not taken over yet, see <see cref="Features.Mail.OutgoingMail"/>.</summary>
public sealed class OutgoingMailRow
{
    /// <summary>Empty when it is about a person's own account.</summary>
    public Guid OrgId { get; set; }

    public Guid Id { get; set; }
    public string Kind { get; set; } = "";
    public string Recipient { get; set; } = "";

    /// <summary>Encrypted.</summary>
    public string Token { get; set; } = "";

    /// <summary>Of an invitation, else empty.</summary>
    public string Role { get; set; } = "";

    public Instant CreatedAt { get; set; }
}

/// <summary>What is left of an org's rate, see <see cref="Features.RateLimits.OrgBudgets"/>.</summary>
public sealed class RateBudgetRow
{
    public Guid OrgId { get; set; }

    /// <summary>One of <see cref="ServiceDefaults.RateLimiting.RateBudgets"/>.</summary>
    public string Budget { get; set; } = "";

    /// <summary>The org's own limit; null when it has the installation's.</summary>
    public long? PerSecond { get; set; }

    public double Tokens { get; set; }

    public Instant UpdatedAt { get; set; }
}

/// <summary>The tables of orgs' data.</summary>
public sealed class OrgsDbContext(DbContextOptions<OrgsDbContext> options) : PolarisDbContext(options)
{
    /// <summary>Tables with an <c>org_id</c> that are read before the org is known.</summary>
    public static readonly string[] WithoutPolicy = ["api_key_lookup"];

    public DbSet<OrgRow> Orgs => Set<OrgRow>();

    public DbSet<MembershipRow> Memberships => Set<MembershipRow>();

    public DbSet<InvitationRow> Invitations => Set<InvitationRow>();

    public DbSet<AuditRow> AuditLog => Set<AuditRow>();

    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();

    public DbSet<RateBudgetRow> RateBudgets => Set<RateBudgetRow>();

    public DbSet<OutgoingMailRow> OutgoingMail => Set<OutgoingMailRow>();

    public DbSet<ApiKeyLookupRow> ApiKeyLookup => Set<ApiKeyLookupRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<OrgRow>(table =>
        {
            table.ToTable("orgs").HasKey(row => row.OrgId);
            table.Property(row => row.EmbedOrigins).HasDefaultValueSql("'{}'");
        });
        modelBuilder.Entity<MembershipRow>(table =>
        {
            table.ToTable("memberships").HasKey(row => new { row.OrgId, row.UserId });
            table.HasIndex(row => row.UserId);
        });
        modelBuilder.Entity<ApiKeyRow>().ToTable("api_keys").HasKey(row => new { row.OrgId, row.Id });
        modelBuilder.Entity<ApiKeyLookupRow>(table =>
        {
            table.ToTable("api_key_lookup").HasKey(row => row.SecretHash);
            table.HasIndex(row => new { row.OrgId, row.KeyId });
        });
        modelBuilder.Entity<InvitationRow>(table =>
        {
            table.ToTable("invitations").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => new { row.OrgId, row.TokenHash }).IsUnique();
        });
        modelBuilder.Entity<OutgoingMailRow>(table =>
        {
            table.ToTable("outgoing_mail").HasKey(row => new { row.OrgId, row.Id });
            table.HasIndex(row => row.Id);
        });
        modelBuilder.Entity<RateBudgetRow>().ToTable("rate_budgets").HasKey(row => new { row.OrgId, row.Budget });
        modelBuilder.Entity<AuditRow>().ToTable("audit_log").HasKey(row => new { row.OrgId, row.Id });
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model but no database.</summary>
public sealed class OrgsDbContextFactory : IDesignTimeDbContextFactory<OrgsDbContext>
{
    public OrgsDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<OrgsDbContext>());
}
