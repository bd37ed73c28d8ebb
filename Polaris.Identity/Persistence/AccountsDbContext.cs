using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Metadata;
using NodaTime;
using Polaris.ServiceDefaults.Persistence;

namespace Polaris.Identity.Persistence;

/// <summary>A person who signs in. Not owned by an org: one person may be a member of several.</summary>
public sealed class User : IdentityUser<Guid>
{
    /// <summary>Whether the person operates the installation. Gives no access to any org's data.</summary>
    public bool IsPlatformAdmin { get; set; }

    /// <summary>SHA-256 of the token that proves the e-mail address; null once it is proven.</summary>
    public byte[]? EmailProofHash { get; set; }

    public Instant? EmailProofExpiresAt { get; set; }

    /// <summary>SHA-256 of the token that sets a new password; null when there is none.</summary>
    public byte[]? PasswordResetHash { get; set; }

    public Instant? PasswordResetExpiresAt { get; set; }

    /// <summary>The last time step whose code was accepted: a code is good once.</summary>
    public long LastTotpStep { get; set; }
}

/// <summary>A person's session: from a sign-in until they sign out, or something ends it.</summary>
public sealed class SessionRow
{
    public Guid Id { get; set; }
    public Guid UserId { get; set; }
    public Instant CreatedAt { get; set; }

    /// <summary>However much it is used.</summary>
    public Instant ExpiresAt { get; set; }

    public Instant? EndedAt { get; set; }

    /// <summary>The network address of the sign-in.</summary>
    public string Address { get; set; } = "";

    /// <summary>The OAuth authorization that its refresh tokens belong to; null before the first code.</summary>
    public string? AuthorizationId { get; set; }
}

/// <summary>Failed attempts to sign in to one account from one network address.</summary>
public sealed class SignInFailureRow
{
    /// <summary>SHA-256 of the e-mail address, whether or not it has an account.</summary>
    public byte[] Account { get; set; } = [];

    public string Address { get; set; } = "";
    public int Attempts { get; set; }

    /// <summary>When counting began.</summary>
    public Instant Since { get; set; }
}

/// <summary>A key that signs tokens, encrypted with a key derived from the installation secret. Shared by all replicas.</summary>
public sealed class SigningKeyRow
{
    public Guid Id { get; set; }
    public byte[] Protected { get; set; } = [];

    /// <summary>Published from then on.</summary>
    public Instant CreatedAt { get; set; }

    /// <summary>Signs from then on, until a newer key does.</summary>
    public Instant ActiveAt { get; set; }

    /// <summary>From then on it is not published and its tokens are not valid; null while there is no newer key.</summary>
    public Instant? RetiredAt { get; set; }
}

/// <summary>People, OAuth clients and tokens: tables that are read before the org is known.</summary>
public sealed class AccountsDbContext(DbContextOptions<AccountsDbContext> options)
    : IdentityUserContext<User, Guid>(options),
        IDataProtectionKeyContext
{
    public DbSet<SigningKeyRow> SigningKeys => Set<SigningKeyRow>();

    public DbSet<SessionRow> Sessions => Set<SessionRow>();

    public DbSet<SignInFailureRow> SignInFailures => Set<SignInFailureRow>();

    /// <summary>They protect cookies and forms, and are shared by all replicas.</summary>
    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        base.OnModelCreating(builder);
        builder.UseOpenIddict<Guid>();
        builder.Entity<User>(table =>
        {
            table.ToTable("users");
            // Anyone may claim an address; the one who proves it has it.
            table.HasIndex(user => user.NormalizedEmail).HasDatabaseName("EmailIndex").IsUnique().HasFilter("email_confirmed");
            table.HasIndex(user => user.EmailProofHash).IsUnique();
            table.HasIndex(user => user.PasswordResetHash).IsUnique();
            // Written by TwoFactor alone, in a statement of its own: an update of the whole row would bring back what it was.
            table.Property(user => user.LastTotpStep).Metadata.SetAfterSaveBehavior(PropertySaveBehavior.Ignore);
        });
        builder.Entity<SessionRow>(table =>
        {
            table.ToTable("sessions").HasKey(row => row.Id);
            table.HasIndex(row => row.UserId);
        });
        builder.Entity<SignInFailureRow>(table =>
        {
            table.ToTable("sign_in_failures").HasKey(row => new { row.Account, row.Address });
            table.HasIndex(row => row.Since);
        });
        builder.Entity<DataProtectionKey>().ToTable("data_protection_keys");
        builder.Entity<IdentityUserClaim<Guid>>().ToTable("user_claims");
        builder.Entity<IdentityUserLogin<Guid>>().ToTable("user_logins");
        builder.Entity<IdentityUserToken<Guid>>().ToTable("user_tokens");
        builder.Entity<SigningKeyRow>().ToTable("signing_keys").HasKey(row => row.Id);
    }
}

/// <summary>For <c>dotnet ef</c>, which needs the model but no database.</summary>
public sealed class AccountsDbContextFactory : IDesignTimeDbContextFactory<AccountsDbContext>
{
    public AccountsDbContext CreateDbContext(string[] args) => new(DatabaseExtensions.DesignTimeOptions<AccountsDbContext>());
}
