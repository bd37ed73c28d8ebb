using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Identity.Features.Accounts;

/// <summary>A token that sets a new password once.</summary>
internal sealed record PasswordReset(string Token, Instant ExpiresAt);

/// <summary>
/// Changes a person's password, or sets a new one with a token in place of a forgotten one. Either ends the person's other sessions and all
/// that was made from them.
/// </summary>
internal sealed class EditPassword(
    UserManager<User> users,
    CheckPassword check,
    Sessions sessions,
    CallerAccess caller,
    AddressLimits addresses,
    AuditLog audit,
    OutgoingMail mail,
    IHttpContextAccessor http,
    TimeProvider time
)
{
    public static readonly Duration ResetLifetime = Duration.FromHours(1);

    /// <summary>The least time between two mails that anyone asks for to one account.</summary>
    public static readonly Duration ResetPause = Duration.FromMinutes(5);

    /// <summary>Everything but the given session ends.</summary>
    public async Task ChangeAsync(Guid id, Guid? session, string current, string wanted, string? code, CancellationToken ct)
    {
        SignUp.CheckLength(wanted, "newPassword");
        var user = await users.FindByIdAsync(id.ToString()) ?? throw new RefusedException(Refusal.NotFound("account"));
        await check.RequireAsync(user, current, code, ct);
        await SetAsync(user, wanted, "newPassword");
        await sessions.EndAllAsync(id, session, ct);
        await audit.WriteForUserAsync(id, AuditActions.PasswordChanged, ct);
    }

    /// <summary>
    /// For the account that holds the address. Only an operator asks for it, and passes it on: whoever has the token has the account.
    /// </summary>
    public async Task<PasswordReset> StartResetAsync(string email, CancellationToken ct)
    {
        SignUp.ValidateEmail(email, "email");
        await caller.RequireNowAsync(Scopes.Platform, ct);
        var user = await users.FindProvenAsync(email, ct) ?? throw new RefusedException(Refusal.NotFound("account"));
        var reset = await MailResetAsync(user, ct);
        await audit.WriteForInstallationAsync(AuditActions.PasswordResetCreated, user.Id.ToString(), null, ct);
        return reset;
    }

    /// <summary>
    /// For whoever says that an address is theirs: the token goes to the address alone. Nobody learns whether an account holds it, and it
    /// gets no second mail within <see cref="ResetPause"/>.
    /// </summary>
    /// <exception cref="RefusedException">There were too many requests from this network address, or it is no e-mail address.</exception>
    public async Task RequestResetAsync(string email, CancellationToken ct)
    {
        addresses.Take(AddressLimit.SignUp, ClientAddress.Of(http.HttpContext));
        SignUp.ValidateEmail(email, "email");
        if (await users.FindProvenAsync(email, ct) is not { } user)
            return;
        if (user.PasswordResetExpiresAt > time.GetCurrentInstant() + ResetLifetime - ResetPause)
            return;
        await MailResetAsync(user, ct);
        await audit.WriteForUserAsync(user.Id, AuditActions.PasswordResetCreated, ct);
    }

    private async Task<PasswordReset> MailResetAsync(User user, CancellationToken ct)
    {
        var token = AccountTokens.Create(AccountTokens.ResetStart);
        user.PasswordResetHash = AccountTokens.HashOf(AccountTokens.ResetStart, token);
        user.PasswordResetExpiresAt = time.GetCurrentInstant() + ResetLifetime;
        Require(await users.UpdateAsync(user), "email");
        await mail.WriteAsync(MailKinds.PasswordReset, user.Email!, token, ct);
        return new PasswordReset(token, user.PasswordResetExpiresAt.Value);
    }

    public async Task<User> ResetAsync(string token, string wanted, CancellationToken ct)
    {
        addresses.Take(AddressLimit.SignIn, ClientAddress.Of(http.HttpContext));
        SignUp.CheckLength(wanted, "newPassword");
        var (hash, now) = (AccountTokens.HashOf(AccountTokens.ResetStart, token), time.GetCurrentInstant());
        var user =
            (
                hash is null
                    ? null
                    : await users.Users.SingleOrDefaultAsync(row => row.PasswordResetHash == hash && row.PasswordResetExpiresAt > now, ct)
            ) ?? throw new RefusedException(Refusal.NotFound("password reset"));
        user.PasswordResetHash = null;
        user.PasswordResetExpiresAt = null;
        await SetAsync(user, wanted, "newPassword");
        await sessions.EndAllAsync(user.Id, except: null, ct);
        await audit.WriteForUserAsync(user.Id, AuditActions.PasswordReset, ct);
        return user;
    }

    /// <summary>One update with the new hash: where two requests have the same token, the second finds the row changed.</summary>
    private async Task SetAsync(User user, string wanted, string path)
    {
        foreach (var rule in users.PasswordValidators)
            Require(await rule.ValidateAsync(users, user, wanted), path);
        user.PasswordHash = users.PasswordHasher.HashPassword(user, wanted);
        Require(await users.UpdateSecurityStampAsync(user), path);
    }

    private static void Require(IdentityResult result, string path)
    {
        if (result.Succeeded)
            return;
        var error = result.Errors.First();
        throw new RefusedException(
            error.Code == nameof(IdentityErrorDescriber.ConcurrencyFailure)
                ? Refusal.Conflict("conflict", "Another request changed the account at the same time. Try again.")
                : SignUp.ToRefusal(error, path)
        );
    }
}
