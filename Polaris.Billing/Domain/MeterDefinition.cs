using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Polaris.Billing.Domain;

internal static class Aggregations
{
    /// <summary>
    /// Whether the quantities of parts of a time add up to that of all of it. Averages over the whole period's length (weighted_sum) do.
    /// </summary>
    public static bool IsSum(this MeterAggregation aggregation) =>
        aggregation is MeterAggregation.Count or MeterAggregation.Sum or MeterAggregation.WeightedSum;
}

/// <summary>An equality that an event's property must satisfy, compared as text.</summary>
public sealed record MeterFilter(string Property, string Value);

/// <summary>What one event contributes to one meter.</summary>
/// <param name="Value">The number that is summed or compared; 0 for counts.</param>
/// <param name="ValueHash">Identifies the distinct value of a unique count; empty otherwise.</param>
/// <param name="At">The event's timestamp in microseconds since the Unix epoch.</param>
/// <param name="ChangesLevel">The value changes a level (weighted_sum), so its timestamp contributes too.</param>
/// <param name="Dimensions">
/// Values of the meter's dimensions, joined by <see cref="DimensionValues.Join"/>; empty or null without dimensions.
/// </param>
public readonly record struct Measurement(decimal Value, Guid ValueHash, long At = 0, bool ChangesLevel = false, string? Dimensions = null);

/// <summary>Why a meter does not count an event of its type.</summary>
public enum LeftOutReason
{
    /// <summary>A filter of the meter wants another value of the property, or the event does not have it.</summary>
    Filter,

    /// <summary>The event does not have the meter's property.</summary>
    PropertyMissing,

    /// <summary>The meter's property is not a decimal number.</summary>
    NotANumber,

    /// <summary>The meter's property is a number of too many digits to be counted: 10^15 or more, or beyond 9 decimal places.</summary>
    OutOfRange,

    /// <summary>A later event voided or replaced it.</summary>
    TakenBack,
}

/// <param name="Reason">The first that applies.</param>
/// <param name="Property">The property that it is about; null when it is about none.</param>
public readonly record struct LeftOut(LeftOutReason Reason, string? Property);

/// <summary>A meter as Billing applies it. Immutable: a change creates a new meter.</summary>
public sealed record MeterDefinition(
    Guid Id,
    string Key,
    string EventType,
    MeterAggregation Aggregation,
    string Property,
    IReadOnlyList<MeterFilter> Filters,
    IReadOnlyList<string>? Dimensions = null,
    EventFee? EventFee = null
)
{
    /// <summary>
    /// What an event contributes to this meter. Null when the event does not count: another type, a filter that does not match, or a
    /// missing property, or one that is not a number within <see cref="Limits"/> where a number is needed. Numbers may be JSON strings.
    /// </summary>
    /// <param name="type">The event's type.</param>
    /// <param name="properties">Its properties as canonical JSON; empty when there are none.</param>
    /// <param name="at">Its timestamp in microseconds since the Unix epoch, used by latest and weighted_sum.</param>
    public Measurement? Measure(string type, ReadOnlySpan<byte> properties, long at = 0)
    {
        if (!string.Equals(type, EventType, StringComparison.Ordinal))
            return null;
        foreach (var filter in Filters)
        {
            if (!string.Equals(EventProperty.Find(properties, filter.Property), filter.Value, StringComparison.Ordinal))
                return null;
        }

        if (Aggregation == MeterAggregation.Count)
            return new Measurement(0, Guid.Empty, at, Dimensions: DimensionsOf(properties));
        if (EventProperty.Find(properties, Property) is not { } text)
            return null;
        if (Aggregation == MeterAggregation.UniqueCount)
            return new Measurement(0, HashOf(text), at, Dimensions: DimensionsOf(properties));
        return ExactDecimal.TryParse(text, out var number) && Limits.IsCountable(number)
            ? new Measurement(
                EventFee?.Of(number) ?? number,
                Guid.Empty,
                at,
                Aggregation == MeterAggregation.WeightedSum,
                DimensionsOf(properties)
            )
            : null;
    }

    /// <summary>Why <see cref="Measure"/> has nothing of an event of the meter's type; null when it counts.</summary>
    /// <param name="properties">Its properties as canonical JSON; empty when there are none.</param>
    public LeftOut? WhyNot(ReadOnlySpan<byte> properties)
    {
        foreach (var filter in Filters)
        {
            if (!string.Equals(EventProperty.Find(properties, filter.Property), filter.Value, StringComparison.Ordinal))
                return new LeftOut(LeftOutReason.Filter, filter.Property);
        }

        if (Aggregation == MeterAggregation.Count)
            return null;
        if (EventProperty.Find(properties, Property) is not { } text)
            return new LeftOut(LeftOutReason.PropertyMissing, Property);
        if (Aggregation == MeterAggregation.UniqueCount)
            return null;
        if (ExactDecimal.Nearest(text) is null)
            return new LeftOut(LeftOutReason.NotANumber, Property);
        return ExactDecimal.TryParse(text, out var number) && Limits.IsCountable(number)
            ? null
            : new LeftOut(LeftOutReason.OutOfRange, Property);
    }

    private string? DimensionsOf(ReadOnlySpan<byte> properties)
    {
        if (Dimensions is not { Count: > 0 })
            return null;
        var values = new string[Dimensions.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = EventProperty.Find(properties, Dimensions[i]) ?? "";
        return DimensionValues.Join(values);
    }

    private static Guid HashOf(string value)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(value), hash);
        return new Guid(hash[..16], bigEndian: true);
    }
}

/// <summary>Reads one property from an event's canonical JSON.</summary>
internal static class EventProperty
{
    /// <summary>The value as text (<c>true</c>, <c>12.5</c>, or the string itself); null when the event has no such property.</summary>
    public static string? Find(ReadOnlySpan<byte> properties, string name)
    {
        if (properties.IsEmpty)
            return null;
        var reader = new Utf8JsonReader(properties);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found)
                return reader.TokenType == JsonTokenType.String ? reader.GetString() : Encoding.UTF8.GetString(reader.ValueSpan);
        }

        return null;
    }
}
