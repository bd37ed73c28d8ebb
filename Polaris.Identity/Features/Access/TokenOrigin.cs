using System.Security.Cryptography;

namespace Polaris.Identity.Features.Access;

/// <summary>
/// What an access token was made from, as its claim <c>origin</c> says: a person's session, or an API key and one of its secrets. The
/// secret is named by the first bytes of its hash, by which the index finds it and which reveal nothing about the rest.
/// </summary>
internal readonly record struct TokenOrigin
{
    /// <summary>Bytes of the hash of a key's secret.</summary>
    public const int SecretBytes = 8;

    private const string SessionStart = "session:";
    private const string KeyStart = "key:";

    /// <summary>The session; null for a key.</summary>
    public Guid? Session { get; private init; }

    /// <summary>Whose session it is.</summary>
    public Guid User { get; private init; }

    public Guid Key { get; private init; }

    /// <summary>The first bytes of the hash of the secret, in lower-case hexadecimal digits.</summary>
    public string Secret { get; private init; }

    public static TokenOrigin OfSession(Guid session, Guid user) => new() { Session = session, User = user };

    public static TokenOrigin OfKey(Guid key, ReadOnlySpan<byte> secretHash) =>
        new() { Key = key, Secret = Convert.ToHexStringLower(secretHash[..SecretBytes]) };

    /// <summary>Null for text in no such form.</summary>
    public static TokenOrigin? Parse(string? text)
    {
        if (text is null)
            return null;
        var start = text.StartsWith(SessionStart, StringComparison.Ordinal) ? SessionStart : KeyStart;
        if (!text.StartsWith(start, StringComparison.Ordinal) || text[start.Length..].Split(':') is not [var id, var more])
            return null;
        if (!Guid.TryParse(id, out var first))
            return null;
        if (start == SessionStart)
            return Guid.TryParse(more, out var user) ? OfSession(first, user) : null;
        return more.Length == SecretBytes * 2 && more.All(char.IsAsciiHexDigitLower) ? new() { Key = first, Secret = more } : null;
    }

    /// <summary>The smallest and the largest hash that begin with <see cref="Secret"/>.</summary>
    public (byte[] From, byte[] To) SecretRange()
    {
        var (from, to) = (new byte[SHA256.HashSizeInBytes], new byte[SHA256.HashSizeInBytes]);
        to.AsSpan().Fill(0xff);
        var bytes = Convert.FromHexString(Secret);
        bytes.CopyTo(from, 0);
        bytes.CopyTo(to, 0);
        return (from, to);
    }

    public override string ToString() => Session is { } session ? $"{SessionStart}{session}:{User}" : $"{KeyStart}{Key}:{Secret}";
}
