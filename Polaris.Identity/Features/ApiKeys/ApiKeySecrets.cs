using System.Security.Cryptography;
using System.Text;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>
/// A key is <c>pk_</c>, eight hex digits that identify it (also when it leaks, and after its secret was replaced), and 40 random letters and
/// digits (238 bits). That much randomness needs no slow hash: SHA-256 is kept. An index finds it by its first bytes, which say nothing about
/// the rest; the whole is compared in constant time.
/// </summary>
internal static class ApiKeySecrets
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;
    private const int MaxLength = 200;

    /// <summary>So much of a hash may be found by an index.</summary>
    private const int FoundBy = 8;

    /// <param name="prefix">The key's, when it gets another secret; null for a new key.</param>
    public static (string Secret, string Prefix) Create(string? prefix = null)
    {
        prefix ??= "pk_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        return ($"{prefix}_{RandomNumberGenerator.GetString(Alphabet, RandomLength)}", prefix);
    }

    /// <summary>Null for text that is no key at all.</summary>
    public static byte[]? HashOf(string secret) =>
        secret.Length <= MaxLength && secret.StartsWith("pk_", StringComparison.Ordinal) ? SHA256.HashData(Encoding.UTF8.GetBytes(secret)) : null;

    /// <summary>The least and greatest hash that begin as this one does.</summary>
    public static (byte[] From, byte[] To) Neighbours(byte[] hash)
    {
        var (from, to) = (new byte[hash.Length], new byte[hash.Length]);
        to.AsSpan().Fill(0xff);
        hash.AsSpan(0, FoundBy).CopyTo(from);
        hash.AsSpan(0, FoundBy).CopyTo(to);
        return (from, to);
    }

    public static bool Same(byte[] one, byte[] other) => CryptographicOperations.FixedTimeEquals(one, other);
}
