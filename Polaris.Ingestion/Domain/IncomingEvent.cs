using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Ingestion.Domain;

/// <summary>Why an event is rejected: a stable code, the field, and the rule in words.</summary>
internal sealed record Rejection(string Code, string Field, string Message);

/// <summary>Marks an event as the correction of an earlier one: a replacement, or a void, which is not counted itself.</summary>
/// <param name="Key">The earlier event's idempotency key.</param>
/// <param name="Target">The earlier event; null until it is looked up.</param>
internal sealed record CorrectionOf(string Key, bool Replaces, CorrectedEvent? Target = null);

/// <summary>The event that a correction targets.</summary>
/// <param name="BatchId">The batch it is stored in; null when it is part of the same request.</param>
/// <param name="CorrectedBy">The key of the event that already corrected it; null when there is none.</param>
internal sealed record CorrectedEvent(Guid? BatchId, string Type, string Customer, long TimestampUs, bool IsVoid, string? CorrectedBy);

/// <summary>A validated event that is not stored yet.</summary>
/// <param name="Index">Its index in the request.</param>
/// <param name="Type">Empty, like <paramref name="Customer"/>, while a correction that does not set it has no target yet.</param>
/// <param name="TimestampUs">Microseconds since the Unix epoch.</param>
/// <param name="OwnTimestamp">
/// Whether the client set the timestamp. Otherwise it is the time of receipt (or the target's, of a correction) and not part of the
/// content.
/// </param>
/// <param name="Properties">Canonical JSON; empty when there are none.</param>
internal sealed record IncomingEvent(
    int Index,
    string IdempotencyKey,
    string Type,
    string Customer,
    long TimestampUs,
    bool OwnTimestamp,
    byte[] Properties,
    CorrectionOf? Corrects = null
)
{
    /// <summary>Hashed in place of a timestamp that the client did not set, so that a retry received later has the same hash.</summary>
    private const long NoTimestamp = long.MinValue;

    /// <summary>
    /// Identifies the content: the same key with another hash is a conflict. It is computed from the event as sent; a copy of this record
    /// with the target's fields filled in keeps it.
    /// </summary>
    public Guid ContentHash { get; } =
        HashOf(IdempotencyKey, Type, Customer, OwnTimestamp ? TimestampUs : NoTimestamp, Properties, Corrects);

    /// <summary>
    /// First 16 bytes of SHA-256 over key, type, customer (each with its UTF-8 length), timestamp and canonical properties. A correction
    /// adds a byte for its kind, which canonical JSON never contains, and the corrected key.
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
