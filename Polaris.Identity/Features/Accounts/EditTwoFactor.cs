using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Identity.Features.Accounts;

/// <summary>Turns a person's second factor on and off; either needs the password again.</summary>
internal sealed class EditTwoFactor(UserManager<User> users, TwoFactor twoFactor, CheckPassword check, SignInGuard guard, AuditLog audit)
{
    public async Task<TwoFactorSecret> StartAsync(Guid id, string password, CancellationToken ct)
    {
        var user = await FindAsync(id);
        if (user.TwoFactorEnabled)
            throw new RefusedException(TwoFactor.IsOn);
        await check.RequireAsync(user, password, code: null, ct);
        return await twoFactor.StartAsync(user);
    }

    public async Task<IReadOnlyList<string>> ConfirmAsync(Guid id, string code, CancellationToken ct)
    {
        var user = await FindAsync(id);
        await guard.EnterAsync(user.Email ?? "", ct);
        var codes = await twoFactor.ConfirmAsync(user, code, ct);
        await guard.ForgiveAsync(user.Email ?? "", ct);
        await audit.WriteForUserAsync(id, AuditActions.TwoFactorOn, ct);
        return codes;
    }

    public async Task TurnOffAsync(Guid id, string password, string code, CancellationToken ct)
    {
        var user = await FindAsync(id);
        await check.RequireAsync(user, password, code, ct);
        await twoFactor.TurnOffAsync(user);
        await audit.WriteForUserAsync(id, AuditActions.TwoFactorOff, ct);
    }

    private async Task<User> FindAsync(Guid id) =>
        await users.FindByIdAsync(id.ToString()) ?? throw new RefusedException(Refusal.NotFound("account"));
}
