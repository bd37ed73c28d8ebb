using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Polaris.Ingestion.Domain;

/// <summary>
/// Canonical form of properties, so that equal content has an equal hash: names in ordinal order, no white space, numbers in plain decimal
/// notation without trailing zeros. Values are strings, numbers and booleans.
/// </summary>
internal static class PropertyCanon
{
    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private readonly record struct Property(string Name, JsonTokenType Type, string? Text);

    /// <summary>Reads the object at the reader's position. The bytes are empty when it has no properties.</summary>
    /// <param name="at">The client's name of the object: <c>properties</c> or, in a CloudEvent, <c>data</c>.</param>
    public static (byte[] Json, Rejection? Why) Read(ref Utf8JsonReader reader, string at)
    {
        var properties = new List<Property>(8);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (properties.Count == Limits.MaxProperties)
                return ([], new Rejection("too_many_properties", at, $"An event must have at most {Limits.MaxProperties} properties."));
            if (EventParser.Text(ref reader) is not { } name || name.Contains('\0', StringComparison.Ordinal))
                return ([], new Rejection("invalid_property", at, "A property name must be valid Unicode without U+0000."));
            if (name.Length is 0 or > Limits.MaxTextLength)
                return (
                    [],
                    new Rejection(
                        "invalid_property",
                        FieldOf(at, name),
                        $"A property name must have 1 to {Limits.MaxTextLength} characters."
                    )
                );
            reader.Read();
            var (value, why) = ReadValue(ref reader, at, name);
            if (why is not null)
                return ([], why);
            properties.Add(new Property(name, reader.TokenType, value));
        }

        if (properties.Count == 0)
            return ([], null);
        properties.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        for (var i = 1; i < properties.Count; i++)
        {
            if (properties[i].Name == properties[i - 1].Name)
                return ([], new Rejection("invalid_property", FieldOf(at, properties[i].Name), "Duplicate property."));
        }

        return (Write(properties), null);
    }

    private static string FieldOf(string at, string name) => at + "." + EventParser.Shorten(name);

    private static (string? Value, Rejection? Why) ReadValue(ref Utf8JsonReader reader, string at, string name)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return EventParser.Text(ref reader) is { } text && !text.Contains('\0', StringComparison.Ordinal)
                    ? (text, null)
                    : (null, new Rejection("invalid_property", FieldOf(at, name), "A string must be valid Unicode without U+0000."));
            case JsonTokenType.Number:
                return Number(reader.HasValueSequence ? "" : Encoding.ASCII.GetString(reader.ValueSpan)) is { } number
                    ? (number, null)
                    : (
                        null,
                        new Rejection(
                            "number_out_of_range",
                            FieldOf(at, name),
                            $"A number must be below 10^15 in magnitude, with at most {Limits.MaxDecimalPlaces} decimal places."
                                + " Send others as strings."
                        )
                    );
            case JsonTokenType.True or JsonTokenType.False:
                return (null, null);
            default:
                return (
                    null,
                    new Rejection("invalid_property", FieldOf(at, name), "A property value must be a string, a number or a boolean.")
                );
        }
    }

    /// <summary>Plain notation; null when it is out of range. Scientific notation is converted exactly or not at all.</summary>
    private static string? Number(string text) =>
        ExactDecimal.TryParse(text, out var number) && Limits.IsCountable(number)
            ? (number / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture)
            : null;

    private static byte[] Write(List<Property> properties)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var property in properties)
            {
                writer.WritePropertyName(property.Name);
                if (property.Type == JsonTokenType.String)
                    writer.WriteStringValue(property.Text);
                else if (property.Type == JsonTokenType.Number)
                    writer.WriteRawValue(property.Text!, skipInputValidation: true);
                else
                    writer.WriteBooleanValue(property.Type == JsonTokenType.True);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
