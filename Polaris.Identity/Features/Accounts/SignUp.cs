using Microsoft.AspNetCore.Identity;
using NodaTime;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.Plans.Domain;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Accounts;

public sealed record NewAccount(string Email, string Password, string OrgName, string Currency, string TimeZone);

internal sealed record SignedUp(Guid UserId, OrgRow Org, CreatedApiKey ApiKey);

/// <summary>A person, their org, their ownership of it, and a first API key.</summary>
internal sealed partial class SignUp(UserManager<User> users, OrgsDbContext db, EditApiKeys keys, AuditLog audit, TenantScope tenant, TimeProvider time, ILogger<SignUp> log)
{
    public const int MinPasswordLength = 10;
    public const int MaxPasswordLength = 256;
    public const int MaxNameLength = 100;

    public async Task<SignedUp> HandleAsync(NewAccount account, CancellationToken ct)
    {
        Validate(account);
        // The request works for the org of its token, and only for that.
        if (tenant.OrgId is not null) throw new RefusedException(Refusal.Conflict("signed_in", "Sign up without a token: the one that was sent belongs to an org already."));
        var user = await CreateUserAsync(account.Email, account.Password);
        var now = time.GetUtcNow();
        try
        {
            var org = Guid.CreateVersion7(now);
            tenant.EnterOrg(org);
            return await db.InTransactionAsync(async token =>
            {
                var row = new OrgRow { OrgId = org, Name = account.OrgName, Currency = account.Currency, TimeZone = account.TimeZone, CreatedAt = Instant.FromDateTimeOffset(now) };
                db.Orgs.Add(row);
                db.Memberships.Add(new MembershipRow { OrgId = org, UserId = user.Id, Role = Roles.Owner, CreatedAt = row.CreatedAt });
                var key = keys.New(org, new NewApiKey("First key", Scopes.OfApiKeys));
                audit.AddOf(user.Id, AuditActions.OrgCreated, org);
                audit.AddOf(user.Id, AuditActions.KeyCreated, key.Key.Id, $"{key.Key.Prefix} with {string.Join(' ', key.Key.Scopes)}");
                await db.SaveChangesAsync(token);
                LogSignedUp(user.Id, org);
                return new SignedUp(user.Id, row, key);
            }, ct);
        }
        catch
        {
            // Accounts and orgs are two contexts: a person without an org could never sign up again.
            await users.DeleteAsync(user);
            throw;
        }
    }

    /// <exception cref="RefusedException">The password is too weak, or there is an account with this address.</exception>
    public async Task<User> CreateUserAsync(string email, string password)
    {
        if (password.Length is < MinPasswordLength or > MaxPasswordLength)
            throw new RefusedException(Refusal.Invalid("input.password", "invalid_password", $"A password has {MinPasswordLength} to {MaxPasswordLength} characters."));
        var user = new User { Id = Guid.CreateVersion7(time.GetUtcNow()), UserName = email, Email = email };
        var result = await users.CreateAsync(user, password);
        return result.Succeeded ? user : throw new RefusedException(ToRefusal(result.Errors.First()));
    }

    public static void ValidateEmail(string email, string path)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (at < 1 || at == email.Length - 1 || email.Length > 254 || email.Any(one => char.IsWhiteSpace(one) || char.IsControl(one)))
            throw new RefusedException(Refusal.Invalid(path, "invalid_email", "'email' is an e-mail address."));
    }

    private static void Validate(NewAccount account)
    {
        ValidateEmail(account.Email, "input.email");
        if (string.IsNullOrWhiteSpace(account.OrgName) || account.OrgName.Length > MaxNameLength || account.OrgName.Contains('\0', StringComparison.Ordinal))
            throw new RefusedException(Refusal.Invalid("input.orgName", "invalid_name", $"An org's name has 1 to {MaxNameLength} characters."));
        if (!Currencies.Exists(account.Currency))
            throw new RefusedException(Refusal.Invalid("input.currency", "unknown_currency", $"'{account.Currency}' is not an ISO 4217 currency such as USD."));
        if (DateTimeZoneProviders.Tzdb.GetZoneOrNull(account.TimeZone) is null)
            throw new RefusedException(Refusal.Invalid("input.timeZone", "unknown_time_zone", $"'{account.TimeZone}' is not an IANA time zone such as Europe/Berlin."));
    }

    private static Refusal ToRefusal(IdentityError error) => error.Code switch
    {
        "DuplicateUserName" or "DuplicateEmail" => Refusal.Conflict("email_taken", "There is an account with this e-mail address already.", "input.email"),
        var code when code.StartsWith("Password", StringComparison.Ordinal) => Refusal.Invalid("input.password", "invalid_password", error.Description),
        _ => Refusal.Invalid("input.email", "invalid_email", error.Description),
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "User {UserId} signed up with org {OrgId}.")]
    private partial void LogSignedUp(Guid userId, Guid orgId);
}
