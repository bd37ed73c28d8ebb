using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Accounts;

internal static class FindUser
{
    /// <summary>
    /// The account that holds the address; null when none does. (UserManager's own search fails when several accounts claim an address.)
    /// </summary>
    public static Task<User?> FindProvenAsync(this UserManager<User> users, string email, CancellationToken ct)
    {
        var normalized = users.NormalizeEmail(email);
        return users.Users.SingleOrDefaultAsync(user => user.NormalizedEmail == normalized && user.EmailConfirmed, ct);
    }
}
