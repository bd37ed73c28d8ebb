using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// Whether this person knows the password. The answer is the same, and takes as long, for a wrong password, an unknown e-mail address and an
/// account that is locked for five minutes after five failures: it must not tell who has an account.
/// </summary>
internal sealed partial class CheckPassword(UserManager<User> users, SignInManager<User> signIn, AuditLog audit, ILogger<CheckPassword> log)
{
    public const string Wrong = "E-mail or password is wrong. After several failures an account is locked for five minutes.";

    private static readonly User Nobody = new();
    private static readonly Lazy<string> NobodysHash = new(() => new PasswordHasher<User>().HashPassword(Nobody, "nobody's password"));

    /// <summary>The person, if it is right.</summary>
    public async Task<User?> FindAsync(string email, string password, CancellationToken ct)
    {
        // PostgreSQL has no such character, so nobody's address has it.
        var user = email.Contains('\0', StringComparison.Ordinal) ? null : await users.FindByEmailAsync(email);
        if (user is null) TakeAsLong(password);
        return user is not null && await IsRightAsync(user, password, ct) ? user : null;
    }

    public async Task<bool> IsRightAsync(User user, string password, CancellationToken ct)
    {
        if (await users.IsLockedOutAsync(user))
        {
            TakeAsLong(password);
            return false;
        }

        var result = await signIn.CheckPasswordSignInAsync(user, password, lockoutOnFailure: true);
        if (result.Succeeded) return true;
        await audit.WriteForUserAsync(user.Id, result.IsLockedOut ? AuditActions.LockedOut : AuditActions.SignInFailed, ct);
        if (result.IsLockedOut) LogLockedOut(user.Id);
        return false;
    }

    private void TakeAsLong(string password) => users.PasswordHasher.VerifyHashedPassword(Nobody, NobodysHash.Value, password);

    [LoggerMessage(Level = LogLevel.Warning, Message = "User {UserId} is locked out after too many failed attempts to sign in.")]
    private partial void LogLockedOut(Guid userId);
}
