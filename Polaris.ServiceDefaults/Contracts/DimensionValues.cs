namespace Polaris.ServiceDefaults.Contracts;

/// <summary>Joins the values of a meter's dimensions into one string, the form in which usage is stored.</summary>
public static class DimensionValues
{
    /// <summary>Separator between two values: U+001F. A value that contains one is cut there.</summary>
    public const char Separator = '\u001f';

    /// <summary>
    /// Longer values are cut: a dimension is for grouping, not for free text, and must fit into an index together with the customer's key.
    /// </summary>
    public const int MaxLength = 100;

    public static string Join(IReadOnlyList<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Count switch
        {
            0 => "",
            1 => Clean(values[0]),
            _ => string.Join(Separator, values.Select(Clean)),
        };
    }

    /// <summary>For display: "eu, gold"; "(none)" for the empty value.</summary>
    public static string Show(string joined)
    {
        ArgumentNullException.ThrowIfNull(joined);
        return string.Join(", ", joined.Split(Separator).Select(value => value.Length == 0 ? "(none)" : value));
    }

    private static string Clean(string value)
    {
        var end = value.IndexOf(Separator, StringComparison.Ordinal);
        if (end < 0 && value.Length <= MaxLength)
            return value;
        var length = Math.Min(end < 0 ? value.Length : end, MaxLength);
        // Do not cut a surrogate pair in half.
        return value[..(length > 0 && char.IsHighSurrogate(value[length - 1]) ? length - 1 : length)];
    }
}
