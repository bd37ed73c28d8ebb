using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Polaris.Ingestion.Domain;

/// <summary>
/// Properties in one canonical form, so that the same content always hashes alike: names in ordinal order, no white space, numbers in plain
/// decimal notation without trailing zeros. Values are strings, numbers and booleans.
/// </summary>
internal static class PropertyCanon
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly record struct Property(string Name, JsonTokenType Type, string? Text);

    /// <summary>Reads the object the reader stands on. The bytes are empty when it has no properties.</summary>
    /// <param name="at">What the client calls the object: <c>properties</c> or, in a CloudEvent, <c>data</c>.</param>
    public static (byte[] Json, Rejection? Why) Read(ref Utf8JsonReader reader, string at)
    {
        var properties = new List<Property>(8);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (properties.Count == Limits.MaxProperties)
                return ([], new Rejection("too_many_properties", at, $"An event has at most {Limits.MaxProperties} properties."));
            if (EventParser.Text(ref reader) is not { } name || name.Contains('\0', StringComparison.Ordinal))
                return ([], new Rejection("invalid_property", at, "A property's name is valid Unicode without U+0000."));
            if (name.Length is 0 or > Limits.MaxTextLength)
                return ([], new Rejection("invalid_property", FieldOf(at, name), $"A property's name has 1 to {Limits.MaxTextLength} characters."));
            reader.Read();
            var (value, why) = ReadValue(ref reader, at, name);
            if (why is not null) return ([], why);
            properties.Add(new Property(name, reader.TokenType, value));
        }

        if (properties.Count == 0) return ([], null);
        properties.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        for (var i = 1; i < properties.Count; i++)
        {
            if (properties[i].Name == properties[i - 1].Name)
                return ([], new Rejection("invalid_property", FieldOf(at, properties[i].Name), "The property stands twice."));
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
                    : (null, new Rejection("invalid_property", FieldOf(at, name), "A string is valid Unicode without U+0000."));
            case JsonTokenType.Number:
                return Number(reader.HasValueSequence ? "" : Encoding.ASCII.GetString(reader.ValueSpan)) is { } number
                    ? (number, null)
                    : (null, new Rejection("number_out_of_range", FieldOf(at, name), $"A number is below 10^15 in magnitude and has at most {Limits.MaxDecimalPlaces} decimal places; send others as strings."));
            case JsonTokenType.True or JsonTokenType.False:
                return (null, null);
            default:
                return (null, new Rejection("invalid_property", FieldOf(at, name), "A property's value is a string, a number or a boolean."));
        }
    }

    /// <summary>Plain notation; null when it is out of range. Scientific notation is read exactly or not at all.</summary>
    private static string? Number(string text)
    {
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)) return null;
        if (number is <= -Limits.MaxNumber or >= Limits.MaxNumber || decimal.Round(number, Limits.MaxDecimalPlaces) != number) return null;
        // decimal.Parse rounds what it cannot hold: more digits than its 28 are only harmless when they are zeros.
        if (SignificantDecimals(text) > Limits.MaxDecimalPlaces) return null;
        var plain = (number / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);
        return plain == "-0" ? "0" : plain;
    }

    /// <summary>Decimal places of the number as written, without trailing zeros.</summary>
    private static int SignificantDecimals(string text)
    {
        var e = text.IndexOfAny(['e', 'E']);
        var exponent = e < 0 ? 0 : int.TryParse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed) ? Math.Clamp(parsed, -10_000, 10_000) : 10_000;
        var mantissa = e < 0 ? text : text[..e];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var trimmed = digits.TrimEnd('0');
        if (trimmed.Trim('-').Length == 0) return 0;
        var places = point < 0 ? 0 : mantissa.Length - point - 1;
        return places - (digits.Length - trimmed.Length) - exponent;
    }

    private static byte[] Write(List<Property> properties)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
        {
            writer.WriteStartObject();
            foreach (var property in properties)
            {
                writer.WritePropertyName(property.Name);
                if (property.Type == JsonTokenType.String) writer.WriteStringValue(property.Text);
                else if (property.Type == JsonTokenType.Number) writer.WriteRawValue(property.Text!, skipInputValidation: true);
                else writer.WriteBooleanValue(property.Type == JsonTokenType.True);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
