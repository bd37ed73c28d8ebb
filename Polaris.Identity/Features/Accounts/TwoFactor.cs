using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using OtpNet;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Identity.Features.Accounts;

/// <summary>A secret for an authenticator app, as text and as the address that is shown as a QR code.</summary>
internal sealed record TwoFactorSecret(string Secret, string Uri);

/// <summary>
/// The second factor: codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds), one step of leeway either way, each
/// good once; and recovery codes for a lost device.
/// </summary>
internal sealed class TwoFactor(UserManager<User> users, AccountsDbContext db, TimeProvider time)
{
    public const int RecoveryCodes = 10;
    private const int MaxCodeLength = 32;
    private const string AppName = "Polaris";

    public static Refusal IsOn => Refusal.Conflict("two_factor_on", "The second factor is on. Turn it off first.");

    private static readonly VerificationWindow Leeway = new(previous: 1, future: 1);

    /// <summary>A new secret, which counts for nothing before <see cref="ConfirmAsync"/>.</summary>
    public async Task<TwoFactorSecret> StartAsync(User user)
    {
        if (user.TwoFactorEnabled)
            throw new RefusedException(IsOn);
        Require(await users.ResetAuthenticatorKeyAsync(user));
        var secret = await users.GetAuthenticatorKeyAsync(user) ?? throw new InvalidOperationException("There is no secret.");
        return new TwoFactorSecret(secret, new OtpUri(OtpType.Totp, secret, user.Email, AppName).ToString());
    }

    /// <summary>Turns the second factor on, when the app gives the right code; with the recovery codes.</summary>
    public async Task<IReadOnlyList<string>> ConfirmAsync(User user, string code, CancellationToken ct)
    {
        if (user.TwoFactorEnabled)
            throw new RefusedException(IsOn);
        if (!await IsCurrentAsync(user, code, ct))
            throw new RefusedException(Refusal.Invalid("code", "invalid_code", "'code' must be the current code of the app."));
        Require(await users.SetTwoFactorEnabledAsync(user, enabled: true));
        return [.. await users.GenerateNewTwoFactorRecoveryCodesAsync(user, RecoveryCodes) ?? []];
    }

    public async Task TurnOffAsync(User user)
    {
        Require(await users.SetTwoFactorEnabledAsync(user, enabled: false));
        Require(await users.ResetAuthenticatorKeyAsync(user));
    }

    /// <summary>Whether it is the app's code now, or an unused recovery code; it is used with that.</summary>
    public async Task<bool> IsRightAsync(User user, string code, CancellationToken ct) =>
        code.Length <= MaxCodeLength
        && (await IsCurrentAsync(user, code, ct) || (await users.RedeemTwoFactorRecoveryCodeAsync(user, code)).Succeeded);

    private async Task<bool> IsCurrentAsync(User user, string code, CancellationToken ct)
    {
        if (await users.GetAuthenticatorKeyAsync(user) is not { } secret)
            return false;
        var totp = new Totp(Base32Encoding.ToBytes(secret));
        if (!totp.VerifyTotp(time.GetUtcNow().UtcDateTime, code.Trim(), out var step, Leeway))
            return false;
        // In one statement: of two requests with the same code one gets in.
        return await db
                .Users.Where(row => row.Id == user.Id && row.LastTotpStep < step)
                .ExecuteUpdateAsync(change => change.SetProperty(row => row.LastTotpStep, step), ct) == 1;
    }

    private static void Require(IdentityResult result)
    {
        if (!result.Succeeded)
            throw new RefusedException(Refusal.Conflict("conflict", "Another request changed the account at the same time. Try again."));
    }
}
