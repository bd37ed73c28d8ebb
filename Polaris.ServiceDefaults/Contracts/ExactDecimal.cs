namespace Polaris.ServiceDefaults.Contracts;

/// <summary>
/// Reads decimals as they are written. The library's parser rounds silently what has more digits than a decimal holds (1e-30 becomes 0),
/// so that no rule on decimal places could see it. Every decimal that a client sends is read here.
/// </summary>
public static class ExactDecimal
{
    private const int MaxScale = 28;

    // Beyond it no digit of a text that fits a request has a place in a decimal.
    private const int MaxExponent = 100_000_000;

    private static readonly UInt128 MaxMantissa = ((UInt128)1 << 96) - 1;
    private static readonly UInt128 MaxDigits = UInt128.MaxValue / 10 - 1;

    /// <summary>A number as written: digits × 10^-places, and whether digits that are not zero follow.</summary>
    private readonly record struct Written(bool Negative, UInt128 Digits, int Places, bool More);

    /// <summary>
    /// Reads a number that a decimal holds exactly: an optional sign, ASCII digits with an optional point, an optional exponent.
    /// Other texts, and numbers with more digits, are refused.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out decimal value) => Read(text, out value) == true;

    /// <summary>Reads a number that one of our services wrote.</summary>
    /// <exception cref="FormatException">It is not one that a decimal holds.</exception>
    public static decimal Parse(string text) =>
        TryParse(text, out var value) ? value : throw new FormatException($"Not a decimal: '{text}'.");

    /// <summary>
    /// Reads any number. One that a decimal does not hold is replaced so that no rule takes it for a valid one: beyond the range by the
    /// greatest decimal, and with too many places by a neighbour whose last place is not zero. Null when the text is not a number.
    /// </summary>
    public static decimal? Nearest(ReadOnlySpan<char> text) => Read(text, out var value) is null ? null : value;

    /// <summary>Whether the value has at most that many decimal places; trailing zeros do not count.</summary>
    public static bool HasPlaces(decimal value, int most) => value.Scale <= most || decimal.Round(value, most) == value;

    // Null: not a number. False: the value is not the one that is written.
    private static bool? Read(ReadOnlySpan<char> text, out decimal value)
    {
        value = 0;
        if (Scan(text) is not { } written)
            return null;
        var (digits, places, inexact) = (written.Digits, written.Places, written.More);
        if (digits == 0 && !inexact)
            return true;
        while (places < 0 && digits <= MaxMantissa)
            (digits, places) = (digits * 10, places + 1);
        while (places > 0 && (places > MaxScale || digits > MaxMantissa))
        {
            if (digits == 0)
            {
                places = MaxScale;
                break;
            }

            (digits, var last) = UInt128.DivRem(digits, 10);
            (inexact, places) = (inexact || last != 0, places - 1);
        }

        if (digits > MaxMantissa || places < 0)
        {
            value = written.Negative ? decimal.MinValue : decimal.MaxValue;
            return false;
        }

        if (inexact && digits % 10 == 0)
            digits++;
        value = new decimal(
            unchecked((int)(uint)(digits & uint.MaxValue)),
            unchecked((int)(uint)((digits >> 32) & uint.MaxValue)),
            unchecked((int)(uint)((digits >> 64) & uint.MaxValue)),
            written.Negative,
            (byte)places
        );
        return !inexact;
    }

    private static Written? Scan(ReadOnlySpan<char> text)
    {
        var at = 0;
        var negative = text is ['-', ..];
        if (text is ['-' or '+', ..])
            at++;
        var (digits, places, more, any, pointSeen) = (UInt128.Zero, 0, false, false, false);
        for (; at < text.Length; at++)
        {
            var character = text[at];
            if (character == '.' && !pointSeen)
            {
                pointSeen = true;
                continue;
            }

            if (!char.IsAsciiDigit(character))
                break;
            any = true;
            if (digits > MaxDigits)
            {
                // No room: a digit before the point moves it, one after it only counts when it is not zero.
                (more, places) = (more || character != '0', pointSeen ? places : places - 1);
                continue;
            }

            digits = (digits * 10) + (uint)(character - '0');
            if (pointSeen)
                places++;
        }

        if (!any)
            return null;
        if (at < text.Length)
        {
            if (Exponent(text[at..]) is not { } exponent)
                return null;
            places -= exponent;
        }

        return new Written(negative, digits, places, more);
    }

    private static int? Exponent(ReadOnlySpan<char> text)
    {
        if (text is not ['e' or 'E', ..])
            return null;
        var negative = text is [_, '-', ..];
        var digits = text is [_, '-' or '+', ..] ? text[2..] : text[1..];
        if (digits.IsEmpty)
            return null;
        var value = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit(digit))
                return null;
            value = Math.Min((value * 10) + (digit - '0'), MaxExponent);
        }

        return negative ? -value : value;
    }
}
