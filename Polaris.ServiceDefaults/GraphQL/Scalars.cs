using System.Globalization;
using GraphQL.Types;
using GraphQLParser.AST;
using NodaTime;
using NodaTime.Text;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>A decimal as a JSON string, so that no client rounds it. Input: a string or a number in plain notation.</summary>
public sealed class DecimalScalar : ScalarGraphType
{
    private const int MaxDigits = 28;

    public DecimalScalar()
    {
        Name = "Decimal";
        Description = "An exact decimal, as a string such as \"12.50\".";
    }

    public override object? ParseLiteral(GraphQLValue value) => value switch
    {
        GraphQLNullValue => null,
        GraphQLStringValue text => Parse(text.Value.ToString()),
        GraphQLIntValue number => Parse(number.Value.ToString()),
        GraphQLFloatValue number => Parse(number.Value.ToString()),
        _ => ThrowLiteralConversionError(value),
    };

    public override object? ParseValue(object? value) => value switch
    {
        null => null,
        string text => Parse(text),
        int number => (decimal)number,
        long number => (decimal)number,
        decimal number => number,
        System.Numerics.BigInteger number => (decimal)number,
        // A JSON number with a point arrives as double; its shortest text is what the client wrote for up to 15 digits.
        double number => Parse(number.ToString("R", CultureInfo.InvariantCulture)),
        _ => ThrowValueConversionError(value),
    };

    public override object? Serialize(object? value) => value switch
    {
        null => null,
        decimal number => number.ToString(CultureInfo.InvariantCulture),
        int number => number.ToString(CultureInfo.InvariantCulture),
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => ThrowSerializationError(value),
    };

    // More digits than a decimal surely holds would be rounded on the way in, where no rule could refuse them any more.
    private decimal Parse(string text) =>
        Digits(text) <= MaxDigits && decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number)
            ? number
            : (decimal)ThrowValueConversionError(text)!;

    private static int Digits(string text)
    {
        var plain = text.Contains('.', StringComparison.Ordinal) && !text.Contains('e', StringComparison.OrdinalIgnoreCase) ? text.TrimEnd('0') : text;
        return plain.Count(char.IsAsciiDigit);
    }
}

/// <summary>An instant: ISO 8601 with offset in, UTC with <c>Z</c> out.</summary>
public sealed class InstantScalar : ScalarGraphType
{
    public InstantScalar()
    {
        Name = "DateTime";
        Description = "An instant in ISO 8601, such as \"2015-05-17T10:05:03Z\".";
    }

    public override object? ParseLiteral(GraphQLValue value) => value switch
    {
        GraphQLNullValue => null,
        GraphQLStringValue text => Parse(text.Value.ToString()),
        _ => ThrowLiteralConversionError(value),
    };

    public override object? ParseValue(object? value) => value switch
    {
        null => null,
        string text => Parse(text),
        Instant instant => instant,
        DateTime { Kind: DateTimeKind.Utc } time => Instant.FromDateTimeUtc(time),
        DateTimeOffset time => Instant.FromDateTimeOffset(time),
        _ => ThrowValueConversionError(value),
    };

    public override object? Serialize(object? value) => value switch
    {
        null => null,
        Instant instant => InstantPattern.ExtendedIso.Format(instant),
        _ => ThrowSerializationError(value),
    };

    private object Parse(string text)
    {
        var parsed = OffsetDateTimePattern.ExtendedIso.Parse(text);
        return parsed.Success ? parsed.Value.ToInstant() : ThrowValueConversionError(text)!;
    }
}
