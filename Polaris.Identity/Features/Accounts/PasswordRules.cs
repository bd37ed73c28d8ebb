using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// Refuses common passwords, in addition to the minimum length. There are no rules about kinds of characters: they make passwords hard to
/// remember and hardly harder to guess.
/// </summary>
internal sealed class PasswordRules : IPasswordValidator<User>
{
    private const int MinDistinct = 5;
    private const int MinPartOfEmail = 5;

    public Task<IdentityResult> ValidateAsync(UserManager<User> manager, User user, string? password) =>
        Task.FromResult(
            Refusal(user.Email, password ?? "") is { } reason
                ? IdentityResult.Failed(new IdentityError { Code = "PasswordTooCommon", Description = reason })
                : IdentityResult.Success
        );

    /// <summary>Why the password is refused; null when it is allowed.</summary>
    public static string? Refusal(string? email, string password)
    {
        if (password.Distinct().Count() < MinDistinct)
            return $"'password' must have at least {MinDistinct} different characters.";
        if (CommonPasswords.Contains(password))
            return "'password' must not be a commonly used password.";
        var name = email?.Split('@')[0];
        return name is { Length: >= MinPartOfEmail } && password.Contains(name, StringComparison.OrdinalIgnoreCase)
            ? "'password' must not contain the e-mail address."
            : null;
    }
}
