using System.Buffers.Binary;

namespace Polaris.Ingestion.Domain;

/// <summary>
/// Proves which events were counted, whatever their order: each event has a hash, and a set's digest is the sum of its events' hashes
/// modulo 2^64. With the count beside it, a lost, doubled or changed event shows. Ingestion and Billing compile this same file.
/// </summary>
internal static class UsageDigest
{
    /// <summary>First 8 bytes, little endian, of the content hash, which covers the key too: hashed once, where the event comes in.</summary>
    public static ulong EventHash(ReadOnlySpan<byte> contentHash) => BinaryPrimitives.ReadUInt64LittleEndian(contentHash);

    public static ulong Add(ulong digest, ulong eventHash) => unchecked(digest + eventHash);
}
