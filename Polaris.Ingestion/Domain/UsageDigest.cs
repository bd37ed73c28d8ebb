using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Ingestion.Domain;

/// <summary>
/// Proves which events were counted, whatever their order: each event has a hash, and a set's digest is the sum of its events' hashes
/// modulo 2^64. With the count beside it, a lost, doubled or changed event shows. Ingestion and Billing compile this same file.
/// </summary>
internal static class UsageDigest
{
    /// <summary>First 8 bytes, little endian, of SHA-256 over the key's UTF-8, a zero byte and the content hash.</summary>
    public static ulong EventHash(string idempotencyKey, ReadOnlySpan<byte> contentHash)
    {
        var length = Encoding.UTF8.GetMaxByteCount(idempotencyKey.Length) + 1 + contentHash.Length;
        Span<byte> input = length <= 1024 ? stackalloc byte[length] : new byte[length];
        var written = Encoding.UTF8.GetBytes(idempotencyKey, input);
        input[written++] = 0;
        contentHash.CopyTo(input[written..]);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(input[..(written + contentHash.Length)], hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    public static ulong Add(ulong digest, ulong eventHash) => unchecked(digest + eventHash);
}
