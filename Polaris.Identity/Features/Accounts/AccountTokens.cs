using System.Security.Cryptography;
using System.Text;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// Tokens that are shown once and prove something: an e-mail address, or the right to set a new password. They are stored as SHA-256.
/// </summary>
internal static class AccountTokens
{
    public const string ProofStart = "proof_";
    public const string ResetStart = "reset_";

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;

    public static string Create(string start) => start + RandomNumberGenerator.GetString(Alphabet, RandomLength);

    /// <summary>Null for text that is not in the form of such a token.</summary>
    public static byte[]? HashOf(string start, string token) =>
        token.Length == start.Length + RandomLength && token.StartsWith(start, StringComparison.Ordinal)
            ? SHA256.HashData(Encoding.UTF8.GetBytes(token))
            : null;
}
