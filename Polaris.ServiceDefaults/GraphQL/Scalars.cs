using System.Globalization;
using System.Text.Json;
using GraphQL.Types;
using GraphQLParser.AST;
using NodaTime;
using NodaTime.Text;
using Polaris.ServiceDefaults.Contracts;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>A decimal as a JSON string, so that no client rounds it. Input: a string or number, also with an exponent.</summary>
public sealed class DecimalScalar : ScalarGraphType
{
    public DecimalScalar()
    {
        Name = "Decimal";
        Description = "An exact decimal, as a string such as \"12.50\".";
    }

    public override object? ParseLiteral(GraphQLValue value) =>
        value switch
        {
            GraphQLNullValue => null,
            GraphQLStringValue text => Parse(text.Value.ToString()),
            GraphQLIntValue number => Parse(number.Value.ToString()),
            GraphQLFloatValue number => Parse(number.Value.ToString()),
            _ => ThrowLiteralConversionError(value),
        };

    public override object? ParseValue(object? value) =>
        value switch
        {
            null => null,
            string text => Parse(text),
            int number => (decimal)number,
            long number => (decimal)number,
            decimal number => number,
            System.Numerics.BigInteger number => Parse(number.ToString(CultureInfo.InvariantCulture)),
            // RequestReader keeps a JSON number as it was sent; a double comes from elsewhere.
            double number => Parse(number.ToString("R", CultureInfo.InvariantCulture)),
            _ => ThrowValueConversionError(value),
        };

    public override object? Serialize(object? value) =>
        value switch
        {
            null => null,
            decimal number => number.ToString(CultureInfo.InvariantCulture),
            int number => number.ToString(CultureInfo.InvariantCulture),
            long number => number.ToString(CultureInfo.InvariantCulture),
            _ => ThrowSerializationError(value),
        };

    // A number that a decimal does not hold becomes one that no rule accepts, so that the refusal has the rule and the path of its field.
    private decimal Parse(string text) => ExactDecimal.Nearest(text) ?? (decimal)ThrowValueConversionError(text)!;
}

/// <summary>
/// A whole number as JSON number, wider than GraphQL's Int: a count of events passes 2^31 within days at some thousand events a second,
/// but not 2^53 within 285 years at a million. Within 2^53 it is exact in every client, JavaScript included, so it need be no string.
/// </summary>
public sealed class LongScalar : ScalarGraphType
{
    /// <summary>The greatest whole number up to which a double has all whole numbers.</summary>
    public const long Max = (1L << 53) - 1;

    public LongScalar()
    {
        Name = "Long";
        Description =
            "A whole number from -(2^53 - 1) to 2^53 - 1, as a JSON number: JavaScript holds all of them exactly. "
            + "Counts of events exceed the 32 bits of Int; they do not reach 2^53.";
    }

    public override object? ParseLiteral(GraphQLValue value) =>
        value switch
        {
            GraphQLNullValue => null,
            GraphQLIntValue number
                when long.TryParse(number.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed) => Bounded(
                parsed
            ),
            _ => ThrowLiteralConversionError(value),
        };

    public override object? ParseValue(object? value) =>
        value switch
        {
            null => null,
            int number => (long)number,
            long number => Bounded(number),
            _ => ThrowValueConversionError(value),
        };

    public override object? Serialize(object? value) =>
        value switch
        {
            null => null,
            int number => (long)number,
            long number and >= -Max and <= Max => number,
            _ => ThrowSerializationError(value),
        };

    private object Bounded(long number) => number is >= -Max and <= Max ? number : ThrowValueConversionError(number)!;
}

/// <summary>Any JSON value, as it was sent: numbers keep their digits. Only in answers.</summary>
public sealed class JsonScalar : ScalarGraphType
{
    public JsonScalar()
    {
        Name = "JSON";
        Description = "Any JSON value. Numbers keep the digits with which they were sent.";
    }

    public override object? ParseLiteral(GraphQLValue value) => ThrowLiteralConversionError(value);

    public override object? ParseValue(object? value) => ThrowValueConversionError(value);

    public override object? Serialize(object? value) => value is JsonElement or null ? value : ThrowSerializationError(value);
}

/// <summary>An instant. Input: RFC 3339, see <see cref="Rfc3339"/>; output: UTC with <c>Z</c>.</summary>
public sealed class InstantScalar : ScalarGraphType
{
    public InstantScalar()
    {
        Name = "DateTime";
        Description = "An instant by RFC 3339, such as \"2015-05-17T10:05:03Z\".";
    }

    public override object? ParseLiteral(GraphQLValue value) =>
        value switch
        {
            GraphQLNullValue => null,
            GraphQLStringValue text => Parse(text.Value.ToString()),
            _ => ThrowLiteralConversionError(value),
        };

    public override object? ParseValue(object? value) =>
        value switch
        {
            null => null,
            string text => Parse(text),
            Instant instant => instant,
            DateTime { Kind: DateTimeKind.Utc } time => Instant.FromDateTimeUtc(time),
            DateTimeOffset time => Instant.FromDateTimeOffset(time),
            _ => ThrowValueConversionError(value),
        };

    public override object? Serialize(object? value) =>
        value switch
        {
            null => null,
            Instant instant => InstantPattern.ExtendedIso.Format(instant),
            _ => ThrowSerializationError(value),
        };

    /// <summary>A year before 0 is no RFC 3339, but plainly a date out of any use's bounds, which are checked there.</summary>
    private object Parse(string text) =>
        Rfc3339.TryParse(text, out var instant) ? instant
        : text.StartsWith('-') && OffsetDateTimePattern.ExtendedIso.Parse(text).Success ? Instant.MinValue
        : ThrowValueConversionError(text)!;
}
