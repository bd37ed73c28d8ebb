using System.Security.Cryptography;
using System.Text;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>
/// A key is <c>pk_</c>, eight hex digits that identify it (also after a leak, and after its secret is rotated), and 40 random letters and
/// digits (238 bits). With that much randomness no slow hash is needed: SHA-256 is stored. An index finds the hash by its first bytes,
/// which reveal nothing about the rest; the whole hash is compared in constant time.
/// </summary>
internal static class ApiKeySecrets
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;
    private const int MaxLength = 200;

    /// <summary>The bytes of the hash that the index lookup uses.</summary>
    private const int FoundBy = 8;

    /// <param name="prefix">The prefix of the key whose secret is rotated; null for a new key.</param>
    public static (string Secret, string Prefix) Create(string? prefix = null)
    {
        prefix ??= "pk_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        return ($"{prefix}_{RandomNumberGenerator.GetString(Alphabet, RandomLength)}", prefix);
    }

    /// <summary>Null for text that is not in the form of a key.</summary>
    public static byte[]? HashOf(string secret) =>
        secret.Length <= MaxLength && secret.StartsWith("pk_", StringComparison.Ordinal)
            ? SHA256.HashData(Encoding.UTF8.GetBytes(secret))
            : null;

    /// <summary>The smallest and largest hash with the same first bytes.</summary>
    public static (byte[] From, byte[] To) RangeAround(byte[] hash)
    {
        var (from, to) = (new byte[hash.Length], new byte[hash.Length]);
        to.AsSpan().Fill(0xff);
        hash.AsSpan(0, FoundBy).CopyTo(from);
        hash.AsSpan(0, FoundBy).CopyTo(to);
        return (from, to);
    }

    public static bool Same(byte[] left, byte[] right) => CryptographicOperations.FixedTimeEquals(left, right);
}
