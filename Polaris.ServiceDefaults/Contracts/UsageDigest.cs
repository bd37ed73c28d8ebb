using System.Buffers.Binary;

namespace Polaris.ServiceDefaults.Contracts;

/// <summary>
/// Verifies which events were counted, independent of their order: a set's digest is the sum of its events' hashes modulo 2^64. Together
/// with the count it reveals a lost, duplicated or changed event.
/// </summary>
public static class UsageDigest
{
    /// <summary>First 8 bytes, little endian, of the content hash, which also covers the key. It is computed once, at ingestion.</summary>
    public static ulong EventHash(ReadOnlySpan<byte> contentHash) => BinaryPrimitives.ReadUInt64LittleEndian(contentHash);

    public static ulong Add(ulong digest, ulong eventHash) => unchecked(digest + eventHash);
}
