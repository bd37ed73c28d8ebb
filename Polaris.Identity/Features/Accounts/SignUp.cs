using Microsoft.AspNetCore.Identity;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Accounts;

public sealed record NewAccount(string Email, string Password, string OrgName, string Currency, string TimeZone, bool Sandbox);

/// <param name="EmailProof">The token that proves the e-mail address; it is shown once.</param>
internal sealed record SignedUp(Guid UserId, OrgRow Org, CreatedApiKey ApiKey, string EmailProof);

/// <summary>
/// Creates a person, their org with them as owner, and a first API key. The account claims its e-mail address; it holds the address, and
/// can sign in, once <see cref="ProveEmail"/> has the token. Until then any number of accounts may claim the same address.
/// </summary>
internal sealed partial class SignUp(
    UserManager<User> users,
    OrgsDbContext db,
    EditApiKeys keys,
    AddressLimits addresses,
    IHttpContextAccessor http,
    AuditLog audit,
    OutgoingMail mail,
    TenantScope tenant,
    TimeProvider time,
    ILogger<SignUp> log
)
{
    public const int MinPasswordLength = 10;
    public const int MaxPasswordLength = 256;
    public const int MaxNameLength = 100;
    public const int MaxEmailLength = 254;

    /// <summary>How long a new account's e-mail address may be proven.</summary>
    public static readonly Duration ProofLifetime = Duration.FromDays(30);

    internal static Refusal EmailTaken =>
        Refusal.Conflict("email_taken", "An account with this e-mail address already exists.", "input.email");

    public async Task<SignedUp> HandleAsync(NewAccount account, CancellationToken ct)
    {
        Validate(account);
        // A token would bind the request to its org.
        if (tenant.OrgId is not null)
            throw new RefusedException(
                Refusal.Conflict("signed_in", "Sign up without an access token; the token sent belongs to an org already.")
            );
        addresses.Take(AddressLimit.SignUp, ClientAddress.Of(http.HttpContext));
        var proof = AccountTokens.Create(AccountTokens.ProofStart);
        var user = await CreateUserAsync(account.Email, account.Password, proof, ct);
        var now = time.GetUtcNow();
        try
        {
            var org = Guid.CreateVersion7(now);
            tenant.EnterOrg(org);
            return await db.InTransactionAsync(
                async token =>
                {
                    var row = new OrgRow
                    {
                        OrgId = org,
                        Name = account.OrgName,
                        Currency = account.Currency,
                        TimeZone = account.TimeZone,
                        Sandbox = account.Sandbox,
                        CreatedAt = Instant.FromDateTimeOffset(now),
                    };
                    db.Orgs.Add(row);
                    db.Memberships.Add(
                        new MembershipRow
                        {
                            OrgId = org,
                            UserId = user.Id,
                            Role = Roles.Owner,
                            CreatedAt = row.CreatedAt,
                        }
                    );
                    var key = keys.New(org, new NewApiKey("First key", Scopes.OfApiKeys));
                    audit.AddOf(user.Id, AuditActions.OrgCreated, org);
                    audit.AddOf(user.Id, AuditActions.KeyCreated, key.Key.Id, $"{key.Key.Prefix} with {string.Join(' ', key.Key.Scopes)}");
                    mail.Add(db, org, MailKinds.EmailProof, account.Email, proof);
                    await db.SaveChangesAsync(token);
                    LogSignedUp(user.Id, org);
                    return new SignedUp(user.Id, row, key, proof);
                },
                ct
            );
        }
        catch
        {
            // Accounts and orgs are two contexts: without this, a person left without an org could never sign up again.
            await users.DeleteAsync(user);
            throw;
        }
    }

    /// <param name="email">Its address.</param>
    /// <param name="password">Its password.</param>
    /// <param name="proof">The token that will prove the address; null when it is proven already.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="RefusedException">The password is too weak, or an account holds this address.</exception>
    public async Task<User> CreateUserAsync(string email, string password, string? proof, CancellationToken ct)
    {
        if (await users.FindProvenAsync(email, ct) is not null)
            throw new RefusedException(EmailTaken);
        CheckLength(password, "input.password");
        var user = new User
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            Email = email,
            EmailConfirmed = proof is null,
        };
        // A name must be unique, and an address is not before it is proven.
        user.UserName = user.Id.ToString();
        if (proof is not null)
        {
            user.EmailProofHash = AccountTokens.HashOf(AccountTokens.ProofStart, proof);
            user.EmailProofExpiresAt = time.GetCurrentInstant() + ProofLifetime;
        }

        var result = await users.CreateAsync(user, password);
        return result.Succeeded ? user : throw new RefusedException(ToRefusal(result.Errors.First(), "input.password"));
    }

    public static void CheckLength(string password, string path)
    {
        if (password.Length is < MinPasswordLength or > MaxPasswordLength)
            throw new RefusedException(
                Refusal.Invalid(path, "invalid_password", $"'password' must have {MinPasswordLength} to {MaxPasswordLength} characters.")
            );
    }

    public static void ValidateEmail(string email, string path)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (
            at < 1
            || at == email.Length - 1
            || email.Length > MaxEmailLength
            || email.Any(character => char.IsWhiteSpace(character) || char.IsControl(character))
        )
            throw new RefusedException(Refusal.Invalid(path, "invalid_email", "'email' must be an e-mail address."));
    }

    private static void Validate(NewAccount account)
    {
        ValidateEmail(account.Email, "input.email");
        if (
            string.IsNullOrWhiteSpace(account.OrgName)
            || account.OrgName.Length > MaxNameLength
            || account.OrgName.Contains('\0', StringComparison.Ordinal)
        )
            throw new RefusedException(
                Refusal.Invalid("input.orgName", "invalid_name", $"'orgName' must have 1 to {MaxNameLength} characters.")
            );
        if (!Currencies.Exists(account.Currency))
            throw new RefusedException(
                Refusal.Invalid("input.currency", "unknown_currency", $"'currency' must be an ISO 4217 code such as USD.")
            );
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(account.TimeZone) is null)
            throw new RefusedException(
                Refusal.Invalid("input.timeZone", "unknown_time_zone", $"'timeZone' must be an IANA time zone such as Europe/Berlin.")
            );
    }

    internal static Refusal ToRefusal(IdentityError error, string passwordPath) =>
        error.Code switch
        {
            var code when code.StartsWith("Password", StringComparison.Ordinal) => Refusal.Invalid(
                passwordPath,
                "invalid_password",
                error.Description
            ),
            _ => Refusal.Invalid("input.email", "invalid_email", error.Description),
        };

    [LoggerMessage(Level = LogLevel.Information, Message = "User {UserId} signed up with org {OrgId}.")]
    private partial void LogSignedUp(Guid userId, Guid orgId);
}
