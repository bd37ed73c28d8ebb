using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Polaris.Billing.Domain;

/// <summary>How a meter turns events into a quantity.</summary>
public enum Aggregation
{
    Count = 1,
    Sum = 2,
    Max = 3,
    UniqueCount = 4,
}

/// <summary>An equality that an event's property must satisfy, compared as text.</summary>
public sealed record MeterFilter(string Property, string Value);

/// <summary>What one event gives to one meter.</summary>
/// <param name="Value">The number summed or compared; 0 for counts.</param>
/// <param name="ValueHash">Identifies the distinct value of a unique count; empty otherwise.</param>
public readonly record struct Measurement(decimal Value, Guid ValueHash);

/// <summary>A meter as Billing applies it. Immutable: a changed meter is another meter.</summary>
public sealed record MeterDefinition(Guid Id, string Key, string EventType, Aggregation Aggregation, string Property, IReadOnlyList<MeterFilter> Filters)
{
    /// <summary>
    /// What an event gives to this meter, or null when it does not count: another type, a filter that does not hold, or the property
    /// missing or (for sum and max) not a number. Numbers may arrive as JSON strings.
    /// </summary>
    /// <param name="type">The event's type.</param>
    /// <param name="properties">Its properties as canonical JSON; empty when there are none.</param>
    public Measurement? Measure(string type, ReadOnlySpan<byte> properties)
    {
        if (!string.Equals(type, EventType, StringComparison.Ordinal)) return null;
        foreach (var filter in Filters)
        {
            if (!string.Equals(EventProperty.Find(properties, filter.Property), filter.Value, StringComparison.Ordinal)) return null;
        }

        if (Aggregation == Aggregation.Count) return default(Measurement);
        if (EventProperty.Find(properties, Property) is not { } text) return null;
        if (Aggregation == Aggregation.UniqueCount) return new Measurement(0, HashOf(text));
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? new Measurement(number, Guid.Empty)
            : null;
    }

    private static Guid HashOf(string value)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(value), hash);
        return new Guid(hash[..16], bigEndian: true);
    }
}

/// <summary>Reads one property out of an event's canonical JSON.</summary>
internal static class EventProperty
{
    /// <summary>The value as text (<c>true</c>, <c>12.5</c>, or the string itself); null when the event has no such property.</summary>
    public static string? Find(ReadOnlySpan<byte> properties, string name)
    {
        if (properties.IsEmpty) return null;
        var reader = new Utf8JsonReader(properties);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found) return reader.TokenType == JsonTokenType.String ? reader.GetString() : Encoding.UTF8.GetString(reader.ValueSpan);
        }

        return null;
    }
}
