using NodaTime;

namespace Polaris.ServiceDefaults.Contracts;

/// <summary>
/// Reads a date and time by RFC 3339, section 5.6, and nothing else: <c>2026-01-31T12:00:00Z</c>, with any number of fractional digits and
/// any offset up to 23:59. Every timestamp that a client sends is read here.
/// </summary>
public static class Rfc3339
{
    private const int DateTimeLength = 19;
    private const int OffsetLength = 6;
    private const int FractionDigits = 6;
    private const int LastMicrosecond = 999_999;
    private static readonly LocalDateTime End = new(9999, 12, 31, 23, 59, 59);

    /// <summary>
    /// Reads an instant. Fractional digits beyond microseconds are cut off. A leap second, 23:59:60 UTC on the last day of a month,
    /// is the last microsecond of the second before it, so that it stays in its month.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Instant instant)
    {
        instant = default;
        if (text.Length <= DateTimeLength || ReadDateTime(text, out var second) is not { } local)
            return false;
        var rest = text[DateTimeLength..];
        if (ReadFraction(ref rest) is not { } microseconds || ReadOffset(rest) is not { } offset)
            return false;
        // The last hours of the year 9999 may be in the year 10000 in UTC, which an instant does not have.
        if (offset < 0 && local > End.PlusSeconds(offset))
        {
            instant = Instant.MaxValue;
            return true;
        }

        var utc = local.PlusSeconds(-offset);
        if (second == 60)
        {
            // The local time has second 59 so far.
            var isLeap = utc.TimeOfDay == new LocalTime(23, 59, 59) && utc.Day == utc.Calendar.GetDaysInMonth(utc.Year, utc.Month);
            if (!isLeap)
                return false;
            microseconds = LastMicrosecond;
        }

        instant = utc.InUtc().ToInstant().PlusNanoseconds(microseconds * NodaConstants.NanosecondsPerMicrosecond);
        return true;
    }

    // The date and the time to the second; a second of 60 is returned as 59.
    private static LocalDateTime? ReadDateTime(ReadOnlySpan<char> text, out int second)
    {
        second = 0;
        if (text[4] != '-' || text[7] != '-' || text[10] is not ('T' or 't') || text[13] != ':' || text[16] != ':')
            return null;
        if (
            Number(text[..4]) is not { } year
            || Number(text[5..7]) is not (>= 1 and <= 12 and var month)
            || Number(text[8..10]) is not (>= 1 and <= 31 and var day)
            || Number(text[11..13]) is not (<= 23 and var hour)
            || Number(text[14..16]) is not (<= 59 and var minute)
            || Number(text[17..19]) is not (<= 60 and var read)
        )
            return null;
        second = read;
        return day <= CalendarSystem.Iso.GetDaysInMonth(year, month)
            ? new LocalDateTime(year, month, day, hour, minute, Math.Min(second, 59))
            : null;
    }

    private static int? ReadFraction(ref ReadOnlySpan<char> rest)
    {
        if (rest[0] != '.')
            return 0;
        var length = 1;
        var microseconds = 0;
        for (; length < rest.Length && char.IsAsciiDigit(rest[length]); length++)
        {
            if (length <= FractionDigits)
                microseconds = (microseconds * 10) + (rest[length] - '0');
        }

        if (length == 1)
            return null;
        for (var digits = length - 1; digits < FractionDigits; digits++)
            microseconds *= 10;
        rest = rest[length..];
        return microseconds;
    }

    private static int? ReadOffset(ReadOnlySpan<char> rest)
    {
        if (rest is ['Z' or 'z'])
            return 0;
        if (
            rest.Length != OffsetLength
            || rest[0] is not ('+' or '-')
            || rest[3] != ':'
            || Number(rest[1..3]) is not (<= 23 and var hours)
            || Number(rest[4..]) is not (<= 59 and var minutes)
        )
            return null;
        var seconds = (hours * 3600) + (minutes * 60);
        return rest[0] == '-' ? -seconds : seconds;
    }

    private static int? Number(ReadOnlySpan<char> digits)
    {
        var number = 0;
        foreach (var digit in digits)
        {
            if (!char.IsAsciiDigit(digit))
                return null;
            number = (number * 10) + (digit - '0');
        }

        return number;
    }
}
