using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Identity.Persistence;

/// <summary>A tenant.</summary>
public sealed class OrgRow
{
    public Guid OrgId { get; set; }
    public string Name { get; set; } = "";
    public string Currency { get; set; } = "";
    public string TimeZone { get; set; } = "";
    public Instant CreatedAt { get; set; }
}

public sealed class MembershipRow
{
    public Guid OrgId { get; set; }
    public Guid UserId { get; set; }

    /// <summary>owner, admin, billing or viewer.</summary>
    public string Role { get; set; } = "";

    public Instant CreatedAt { get; set; }

    /// <summary>When the person last signed in to this org rather than another of theirs.</summary>
    public Instant? LastUsedAt { get; set; }
}

/// <summary>An offer of membership. Its token is shown once and kept as SHA-256.</summary>
public sealed class InvitationRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }

    /// <summary>As the inviter wrote it.</summary>
    public string Email { get; set; } = "";

    public string Role { get; set; } = "";
    public byte[] TokenHash { get; set; } = [];
    public Guid InvitedBy { get; set; }
    public Instant CreatedAt { get; set; }
    public Instant ExpiresAt { get; set; }
    public Instant? AcceptedAt { get; set; }
    public Instant? RevokedAt { get; set; }
}

/// <summary>Something security-relevant that happened. Only ever added: the database refuses services any change.</summary>
public sealed class AuditRow
{
    public Guid OrgId { get; set; }

    /// <summary>Version 7: its order is that of time.</summary>
    public Guid Id { get; set; }

    public Instant At { get; set; }

    /// <summary>One of <see cref="Features.Audit.AuditActions"/>.</summary>
    public string Action { get; set; } = "";

    /// <summary>user, api_key or system.</summary>
    public string ActorKind { get; set; } = "";

    public string? ActorId { get; set; }

    /// <summary>The id of what was acted on: a key, a person, an invitation, a customer.</summary>
    public string? Subject { get; set; }

    /// <summary>A few words more, such as a role. Never a secret.</summary>
    public string? Detail { get; set; }
}

/// <summary>An API key without its secret, which is shown once and never kept.</summary>
public sealed class ApiKeyRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Name { get; set; } = "";

    /// <summary>The first characters of the key, by which a person recognizes it.</summary>
    public string Prefix { get; set; } = "";

    public string[] Scopes { get; set; } = [];
    public bool Backfill { get; set; }
    public Instant CreatedAt { get; set; }
    public Instant? RevokedAt { get; set; }
    public Instant? ExpiresAt { get; set; }

    /// <summary>When it last got another secret.</summary>
    public Instant? RotatedAt { get; set; }

    /// <summary>To about a minute: written now and then, never on a request's path.</summary>
    public Instant? LastUsedAt { get; set; }
}

/// <summary>Which key has this secret: looked up before the org is known, hence without an org's policy.</summary>
public sealed class ApiKeyLookupRow
{
    public byte[] SecretHash { get; set; } = [];
    public Guid OrgId { get; set; }
    public Guid KeyId { get; set; }

    /// <summary>When a secret that was replaced stops working; null for the current one.</summary>
    public Instant? ValidUntil { get; set; }
}

/// <summary>What belongs to orgs.</summary>
public sealed class OrgsDbContext(DbContextOptions<OrgsDbContext> options) : PolarisDbContext(options)
{
    /// <summary>Tables that name an org but are read before one is known.</summary>
    public static readonly string[] WithoutPolicy = ["api_key_lookup"];

    public DbSet<OrgRow> Orgs => Set<OrgRow>();

    public DbSet<MembershipRow> Memberships => Set<MembershipRow>();

    public DbSet<InvitationRow> Invitations => Set<InvitationRow>();

    public DbSet<AuditRow> AuditLog => Set<AuditRow>();

    public DbSet<ApiKeyRow> ApiKeys => Set<ApiKeyRow>();

    public DbSet<ApiKeyLookupRow> ApiKeyLookup => Set<ApiKeyLookupRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<OrgRow>().ToTable("orgs").HasKey(row => row.OrgId);
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
        modelBuilder.Entity<AuditRow>().ToTable("audit_log").HasKey(row => new { row.OrgId, row.Id });
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model and no database.</summary>
public sealed class OrgsDbContextFactory : IDesignTimeDbContextFactory<OrgsDbContext>
{
    public OrgsDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<OrgsDbContext>());
}
