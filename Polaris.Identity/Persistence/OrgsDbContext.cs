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
}

/// <summary>Which key has this secret: looked up before the org is known, hence without an org's policy.</summary>
public sealed class ApiKeyLookupRow
{
    public byte[] SecretHash { get; set; } = [];
    public Guid OrgId { get; set; }
    public Guid KeyId { get; set; }
}

/// <summary>What belongs to orgs.</summary>
public sealed class OrgsDbContext(DbContextOptions<OrgsDbContext> options) : PolarisDbContext(options)
{
    /// <summary>Tables that name an org but are read before one is known.</summary>
    public static readonly string[] WithoutPolicy = ["api_key_lookup"];

    public DbSet<OrgRow> Orgs => Set<OrgRow>();

    public DbSet<MembershipRow> Memberships => Set<MembershipRow>();

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
        modelBuilder.Entity<ApiKeyLookupRow>().ToTable("api_key_lookup").HasKey(row => row.SecretHash);
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model and no database.</summary>
public sealed class OrgsDbContextFactory : IDesignTimeDbContextFactory<OrgsDbContext>
{
    public OrgsDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<OrgsDbContext>());
}
