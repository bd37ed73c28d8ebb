using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Ingestion.Domain;

/// <summary>Why an event is not taken: a stable code, the field and the rule.</summary>
internal sealed record Rejection(string Code, string Field, string Message);

/// <summary>A validated event on its way in.</summary>
/// <param name="Index">Its place in the request.</param>
/// <param name="TimestampUs">Microseconds since the Unix epoch.</param>
/// <param name="OwnTimestamp">Whether the client gave the timestamp; otherwise it is the time of receipt and no part of the content.</param>
/// <param name="Properties">Canonical JSON; empty when there are none.</param>
internal sealed record IncomingEvent(int Index, string IdempotencyKey, string Type, string Customer, long TimestampUs, bool OwnTimestamp, byte[] Properties)
{
    /// <summary>Stands in the hash for a timestamp that the client left to us: its retry is the same content, though received later.</summary>
    private const long NoTimestamp = long.MinValue;

    /// <summary>Identifies the content: the same key with another hash is a conflict.</summary>
    public Guid ContentHash { get; } = HashOf(IdempotencyKey, Type, Customer, OwnTimestamp ? TimestampUs : NoTimestamp, Properties);

    /// <summary>First 16 bytes of SHA-256 over key, type, customer (each with its UTF-8 length), timestamp and canonical properties.</summary>
    private static Guid HashOf(string key, string type, string customer, long timestampUs, byte[] properties)
    {
        var needed = 32 + (key.Length + type.Length + customer.Length) * 3 + properties.Length;
        Span<byte> input = needed <= 2048 ? stackalloc byte[needed] : new byte[needed];
        var length = 0;
        foreach (var part in (ReadOnlySpan<string>)[key, type, customer])
        {
            var written = Encoding.UTF8.GetBytes(part, input[(length + 8)..]);
            BinaryPrimitives.WriteInt64LittleEndian(input[length..], written);
            length += 8 + written;
        }

        BinaryPrimitives.WriteInt64LittleEndian(input[length..], timestampUs);
        length += 8;
        properties.CopyTo(input[length..]);
        Span<byte> result = stackalloc byte[32];
        SHA256.HashData(input[..(length + properties.Length)], result);
        return new Guid(result[..16], bigEndian: true);
    }
}

/// <summary>Which partition an event goes to. Part of stored data: a change would split a customer's order.</summary>
internal static class Partitioning
{
    /// <summary>FNV-1a (32 bits) over the org's 16 bytes and the customer's UTF-8, modulo the partitions.</summary>
    public static int Of(Guid org, string customer, int partitions)
    {
        Span<byte> bytes = stackalloc byte[16 + Limits.MaxTextLength * 3];
        org.TryWriteBytes(bytes, bigEndian: true, out _);
        var length = 16 + Encoding.UTF8.GetBytes(customer, bytes[16..]);
        var hash = 2166136261u;
        foreach (var one in bytes[..length]) hash = unchecked((hash ^ one) * 16777619u);
        return (int)(hash % (uint)partitions);
    }
}

/// <summary>The 15-minute buckets by which usage is summed up, compared and replayed.</summary>
internal static class Buckets
{
    public const long SizeMicroseconds = 15L * 60 * 1_000_000;

    public static long StartOf(long timestampUs)
    {
        var rest = timestampUs % SizeMicroseconds;
        return timestampUs - (rest < 0 ? rest + SizeMicroseconds : rest);
    }
}
