using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Platform;

/// <summary>
/// The first operator of the installation, from the settings <c>Platform:AdminEmail</c> and <c>Platform:AdminPassword</c>. Whoever signs up with that
/// address beforehand does not become one: an account that is there needs the password of the settings.
/// </summary>
internal static class PlatformAdmin
{
    /// <exception cref="InvalidOperationException">The settings are not usable.</exception>
    public static async Task EnsureAsync(IServiceProvider services, IConfiguration configuration)
    {
        var (email, password) = (configuration["Platform:AdminEmail"], configuration["Platform:AdminPassword"]);
        if (string.IsNullOrEmpty(email)) return;
        if (string.IsNullOrEmpty(password)) throw new InvalidOperationException("Platform:AdminEmail needs Platform:AdminPassword.");
        await using var scope = services.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        // Two replicas may start at once: who comes second finds the account.
        var user = await users.FindByEmailAsync(email);
        if (user is null)
        {
            try
            {
                user = await scope.ServiceProvider.GetRequiredService<SignUp>().CreateUserAsync(email, password);
            }
            catch (ServiceDefaults.Errors.RefusedException refused) when (refused.Refusal.Code == "email_taken")
            {
                user = await users.FindByEmailAsync(email);
            }
        }

        if (user is null || user.IsPlatformAdmin) return;
        if (!await users.CheckPasswordAsync(user, password)) throw new InvalidOperationException("There is an account of Platform:AdminEmail with another password than Platform:AdminPassword.");
        user.IsPlatformAdmin = true;
        await users.UpdateAsync(user);
    }
}
