using System.Security.Cryptography;
using System.Text;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>
/// A key is <c>pk_</c>, eight hex digits that identify it (also when it leaks), and 40 random letters and digits (238 bits). That much
/// randomness needs no slow hash: SHA-256 is kept, and found by equality.
/// </summary>
internal static class ApiKeySecrets
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;
    private const int MaxLength = 200;

    public static (string Secret, string Prefix) Create()
    {
        var prefix = "pk_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        return ($"{prefix}_{RandomNumberGenerator.GetString(Alphabet, RandomLength)}", prefix);
    }

    /// <summary>Null for text that is no key at all.</summary>
    public static byte[]? HashOf(string secret) =>
        secret.Length <= MaxLength && secret.StartsWith("pk_", StringComparison.Ordinal) ? SHA256.HashData(Encoding.UTF8.GetBytes(secret)) : null;
}
