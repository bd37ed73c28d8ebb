using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Platform;

/// <summary>
/// Creates the first platform admin from the settings <c>Platform:AdminEmail</c> and <c>Platform:AdminPassword</c>. An existing account
/// becomes admin only if it has the configured password, so nobody can become one by signing up with that address first.
/// </summary>
internal static class PlatformAdmin
{
    /// <exception cref="InvalidOperationException">The settings are invalid.</exception>
    public static async Task EnsureAsync(IServiceProvider services, IConfiguration configuration)
    {
        var (email, password) = (configuration["Platform:AdminEmail"], configuration["Platform:AdminPassword"]);
        if (string.IsNullOrEmpty(email))
            return;
        if (string.IsNullOrEmpty(password))
            throw new InvalidOperationException("Platform:AdminEmail requires Platform:AdminPassword.");
        await using var scope = services.CreateAsyncScope();
        var users = scope.ServiceProvider.GetRequiredService<UserManager<User>>();
        // Two replicas may start at the same time: the second one finds the account.
        var user = await users.FindProvenAsync(email, CancellationToken.None);
        if (user is null)
        {
            try
            {
                user = await scope
                    .ServiceProvider.GetRequiredService<SignUp>()
                    .CreateUserAsync(email, password, proof: null, CancellationToken.None);
            }
            catch (Exception exception)
                when (exception is Microsoft.EntityFrameworkCore.DbUpdateException
                    || exception is ServiceDefaults.Errors.RefusedException { Refusal.Code: "email_taken" }
                )
            {
                user = await users.FindProvenAsync(email, CancellationToken.None);
                if (user is null)
                    throw;
            }
        }

        if (user is null || user.IsPlatformAdmin)
            return;
        if (!await users.CheckPasswordAsync(user, password))
            throw new InvalidOperationException(
                "The account of Platform:AdminEmail exists with a password other than Platform:AdminPassword."
            );
        user.IsPlatformAdmin = true;
        await users.UpdateAsync(user);
    }
}
