using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Polaris.Billing.Domain;

/// <summary>How a meter turns events into a quantity; docs/adr/0006 tells how each is merged from buckets.</summary>
public enum Aggregation
{
    Count = 1,
    Sum = 2,
    Max = 3,
    UniqueCount = 4,
    Min = 5,

    /// <summary>Sum by count, divided once.</summary>
    Average = 6,

    /// <summary>The value of the last event by timestamp; of two at the same microsecond, of the one with the greater hash.</summary>
    Latest = 7,

    /// <summary>Events change a level, which lasts until the next change, also into the next period; its average over time.</summary>
    WeightedSum = 8,
}

/// <summary>An equality that an event's property must satisfy, compared as text.</summary>
public sealed record MeterFilter(string Property, string Value);

/// <summary>What one event gives to one meter.</summary>
/// <param name="Value">The number summed or compared; 0 for counts.</param>
/// <param name="ValueHash">Identifies the distinct value of a unique count; empty otherwise.</param>
/// <param name="At">The event's time in microseconds since the Unix epoch.</param>
/// <param name="ChangesLevel">The value is a change of a level: its moment counts too.</param>
/// <param name="Dimensions">Values of the meter's dimensions, joined by <see cref="DimensionValues.Join"/>; empty (or null) without dimensions.</param>
public readonly record struct Measurement(decimal Value, Guid ValueHash, long At = 0, bool ChangesLevel = false, string? Dimensions = null);

/// <summary>A meter as Billing applies it. Immutable: a changed meter is another meter.</summary>
public sealed record MeterDefinition(Guid Id, string Key, string EventType, Aggregation Aggregation, string Property, IReadOnlyList<MeterFilter> Filters, IReadOnlyList<string>? Dimensions = null)
{
    /// <summary>A number counts below this magnitude and with at most <see cref="MaxPlaces"/> decimal places, the limits that ingestion sets to JSON numbers.</summary>
    public const decimal MaxMagnitude = 1_000_000_000_000_000m;
    public const int MaxPlaces = 9;

    /// <summary>
    /// What an event gives to this meter, or null when it does not count: another type, a filter that does not hold, or the property
    /// missing or, where it is needed as one, not a number within limits. Numbers may arrive as JSON strings.
    /// </summary>
    /// <param name="type">The event's type.</param>
    /// <param name="properties">Its properties as canonical JSON; empty when there are none.</param>
    /// <param name="at">Its time in microseconds since the Unix epoch; latest and weighted_sum go by it.</param>
    public Measurement? Measure(string type, ReadOnlySpan<byte> properties, long at = 0)
    {
        if (!string.Equals(type, EventType, StringComparison.Ordinal)) return null;
        foreach (var filter in Filters)
        {
            if (!string.Equals(EventProperty.Find(properties, filter.Property), filter.Value, StringComparison.Ordinal)) return null;
        }

        if (Aggregation == Aggregation.Count) return new Measurement(0, Guid.Empty, at, Dimensions: DimensionsOf(properties));
        if (EventProperty.Find(properties, Property) is not { } text) return null;
        if (Aggregation == Aggregation.UniqueCount) return new Measurement(0, HashOf(text), at, Dimensions: DimensionsOf(properties));
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number is > -MaxMagnitude and < MaxMagnitude && decimal.Round(number, MaxPlaces) == number
            ? new Measurement(number, Guid.Empty, at, Aggregation == Aggregation.WeightedSum, DimensionsOf(properties))
            : null;
    }

    private string? DimensionsOf(ReadOnlySpan<byte> properties)
    {
        if (Dimensions is not { Count: > 0 }) return null;
        var values = new string[Dimensions.Count];
        for (var i = 0; i < values.Length; i++) values[i] = EventProperty.Find(properties, Dimensions[i]) ?? "";
        return DimensionValues.Join(values);
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
