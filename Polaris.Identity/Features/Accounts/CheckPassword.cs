using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// Checks a person's password and, where they have set it up, the code of their second factor. The answer and its duration are the same for
/// a wrong password and for an address without an account, and <see cref="SignInGuard"/> counts both alike, so that it does not reveal who
/// has an account.
/// </summary>
internal sealed partial class CheckPassword(
    UserManager<User> users,
    SignInGuard guard,
    TwoFactor twoFactor,
    AuditLog audit,
    IOptions<ThrottleOptions> limits,
    ILogger<CheckPassword> log
)
{
    public const string FailedMessage = "E-mail or password is wrong, or the e-mail address is not proven yet.";

    private static readonly User Nobody = new();
    private static readonly Lazy<string> NobodysHash = new(() => new PasswordHasher<User>().HashPassword(Nobody, "nobody's password"));

    private static RefusedException Failed => new(new Refusal(RefusalKind.Unauthenticated, "invalid_credentials", FailedMessage));

    /// <summary>The person, who may need a code besides; null when the password is wrong.</summary>
    /// <exception cref="RefusedException">There were too many attempts.</exception>
    public async Task<User?> FindAsync(string email, string password, CancellationToken ct)
    {
        // PostgreSQL text cannot contain this character, so no account has such an address.
        var possible = email.Length <= SignUp.MaxEmailLength && !email.Contains('\0', StringComparison.Ordinal);
        var attempts = await guard.EnterAsync(possible ? email : "", ct);
        var user = possible ? await users.FindProvenAsync(email, ct) : null;
        if (user is null || password.Length > SignUp.MaxPasswordLength)
        {
            TakeAsLong(password[..Math.Min(password.Length, SignUp.MaxPasswordLength)]);
            return null;
        }

        return await IsRightAsync(user, password, attempts, ct) ? user : null;
    }

    /// <summary>Checks password and code of a known person.</summary>
    /// <exception cref="RefusedException">One of them is wrong or missing, or there were too many attempts.</exception>
    public async Task RequireAsync(User user, string password, string? code, CancellationToken ct)
    {
        var attempts = await guard.EnterAsync(user.Email ?? "", ct);
        if (password.Length > SignUp.MaxPasswordLength || !await IsRightAsync(user, password, attempts, ct))
            throw Failed;
        if (user.TwoFactorEnabled && (code is null || !await twoFactor.IsRightAsync(user, code, ct)))
            throw new RefusedException(
                new Refusal(RefusalKind.Unauthenticated, "invalid_code", "'code' must be the current code of the second factor.")
            );
        await guard.ForgiveAsync(user.Email ?? "", ct);
    }

    private async Task<bool> IsRightAsync(User user, string password, int attempts, CancellationToken ct)
    {
        if (await users.CheckPasswordAsync(user, password))
        {
            if (!user.TwoFactorEnabled)
                await guard.ForgiveAsync(user.Email ?? "", ct);
            return true;
        }

        var last = attempts >= limits.Value.SignInsPerAddressAndAccount;
        await audit.WriteForUserAsync(user.Id, last ? AuditActions.LockedOut : AuditActions.SignInFailed, ct);
        if (last)
            LogLockedOut(user.Id);
        return false;
    }

    private void TakeAsLong(string password) => users.PasswordHasher.VerifyHashedPassword(Nobody, NobodysHash.Value, password);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Too many attempts from one address to sign in as user {UserId} failed.")]
    private partial void LogLockedOut(Guid userId);
}
