using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Ingestion.Domain;

/// <summary>Why an event is not taken: a stable code, the field and the rule.</summary>
internal sealed record Rejection(string Code, string Field, string Message);

/// <summary>That an event corrects an earlier one: it replaces it, or voids it and counts for nothing itself.</summary>
/// <param name="Key">The earlier event's idempotency key.</param>
/// <param name="Target">The earlier event, as soon as it is found.</param>
internal sealed record CorrectionOf(string Key, bool Replaces, CorrectedEvent? Target = null);

/// <summary>What is known of an event that another one wants to correct.</summary>
/// <param name="BatchId">The batch it is in; null when it comes in the same request.</param>
/// <param name="CorrectedBy">The key of the event that corrected it already.</param>
internal sealed record CorrectedEvent(Guid? BatchId, string Type, string Customer, long TimestampUs, bool IsVoid, string? CorrectedBy);

/// <summary>A validated event on its way in.</summary>
/// <param name="Index">Its place in the request.</param>
/// <param name="Type">Empty, like <paramref name="Customer"/>, when a correction leaves it to its target and that is not found yet.</param>
/// <param name="TimestampUs">Microseconds since the Unix epoch.</param>
/// <param name="OwnTimestamp">Whether the client gave the timestamp; otherwise it is the time of receipt (of a correction: its target's) and no part of the content.</param>
/// <param name="Properties">Canonical JSON; empty when there are none.</param>
internal sealed record IncomingEvent(
    int Index, string IdempotencyKey, string Type, string Customer, long TimestampUs, bool OwnTimestamp, byte[] Properties, CorrectionOf? Corrects = null)
{
    /// <summary>Stands in the hash for a timestamp that the client left to us: its retry is the same content, though received later.</summary>
    private const long NoTimestamp = long.MinValue;

    /// <summary>
    /// Identifies the content: the same key with another hash is a conflict. It is of the event as it was sent: a copy of this record in which
    /// the target's fields are filled in keeps it.
    /// </summary>
    public Guid ContentHash { get; } = HashOf(IdempotencyKey, Type, Customer, OwnTimestamp ? TimestampUs : NoTimestamp, Properties, Corrects);

    /// <summary>
    /// First 16 bytes of SHA-256 over key, type, customer (each with its UTF-8 length), timestamp and canonical properties, and of a correction also
    /// a byte for its kind, which canonical JSON never holds, and the corrected key.
    /// </summary>
    private static Guid HashOf(string key, string type, string customer, long timestampUs, byte[] properties, CorrectionOf? corrects)
    {
        var needed = 33 + (key.Length + type.Length + customer.Length + (corrects?.Key.Length ?? 0)) * 3 + properties.Length;
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
        length += properties.Length;
        if (corrects is not null)
        {
            input[length++] = corrects.Replaces ? (byte)2 : (byte)1;
            length += Encoding.UTF8.GetBytes(corrects.Key, input[length..]);
        }

        Span<byte> result = stackalloc byte[32];
        SHA256.HashData(input[..length], result);
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
