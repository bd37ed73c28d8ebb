using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NodaTime;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Identity.Persistence;

/// <summary>A person who signs in. Not an org's: one person may be a member of several.</summary>
public sealed class User : IdentityUser<Guid>
{
    /// <summary>Operates the installation. Gives no access to any org.</summary>
    public bool IsPlatformAdmin { get; set; }
}

/// <summary>A key that signs tokens, encrypted under the installation's service secret. Shared by all replicas.</summary>
public sealed class SigningKeyRow
{
    public Guid Id { get; set; }
    public byte[] Protected { get; set; } = [];

    /// <summary>Published from then on.</summary>
    public Instant CreatedAt { get; set; }

    /// <summary>Signs from then on, until a newer one does.</summary>
    public Instant ActiveAt { get; set; }

    /// <summary>No longer published, and what it signed no longer valid, from then on; null while no newer key is known.</summary>
    public Instant? RetiredAt { get; set; }
}

/// <summary>People, OAuth clients and tokens: what must be found before any org is known.</summary>
public sealed class AccountsDbContext(DbContextOptions<AccountsDbContext> options) : IdentityUserContext<User, Guid>(options)
{
    public DbSet<SigningKeyRow> SigningKeys => Set<SigningKeyRow>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        base.OnModelCreating(builder);
        builder.UseOpenIddict<Guid>();
        builder.Entity<User>().ToTable("users");
        builder.Entity<IdentityUserClaim<Guid>>().ToTable("user_claims");
        builder.Entity<IdentityUserLogin<Guid>>().ToTable("user_logins");
        builder.Entity<IdentityUserToken<Guid>>().ToTable("user_tokens");
        builder.Entity<SigningKeyRow>().ToTable("signing_keys").HasKey(row => row.Id);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model and no database.</summary>
public sealed class AccountsDbContextFactory : IDesignTimeDbContextFactory<AccountsDbContext>
{
    public AccountsDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<AccountsDbContext>());
}
