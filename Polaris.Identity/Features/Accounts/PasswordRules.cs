using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Persistence;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// Beside the least length: nothing that a guesser tries first. Rules about kinds of characters are left out, since they make passwords hard to
/// remember and hardly harder to guess.
/// </summary>
internal sealed class PasswordRules : IPasswordValidator<User>
{
    private const int MinDistinct = 5;
    private const int MinPartOfEmail = 5;

    /// <summary>The beginnings of what is tried first among passwords of this length.</summary>
    private static readonly string[] Common = ["password", "passw0rd", "1234567890", "0123456789", "qwertyuiop", "qwerty12345", "1q2w3e4r", "iloveyou", "letmein", "welcome123", "administrator", "changeme"];

    public Task<IdentityResult> ValidateAsync(UserManager<User> manager, User user, string? password) => Task.FromResult(Refusal(user.Email, password ?? "") is { } reason
        ? IdentityResult.Failed(new IdentityError { Code = "PasswordTooCommon", Description = reason })
        : IdentityResult.Success);

    /// <summary>Why not; null for a password that may be used.</summary>
    public static string? Refusal(string? email, string password)
    {
        if (password.Distinct().Count() < MinDistinct) return $"A password has at least {MinDistinct} different characters.";
        if (Common.Any(start => password.StartsWith(start, StringComparison.OrdinalIgnoreCase))) return "This password is among the first that are guessed.";
        var name = email?.Split('@')[0];
        return name is { Length: >= MinPartOfEmail } && password.Contains(name, StringComparison.OrdinalIgnoreCase) ? "A password does not contain your e-mail address." : null;
    }
}
