namespace Polaris.Billing.Domain;

/// <summary>Values of a meter's dimensions as one text, which is also how usage is stored by them.</summary>
public static class DimensionValues
{
    /// <summary>Between two values: U+001F. A value that holds one itself is cut there.</summary>
    public const char Separator = '\u001f';

    /// <summary>A longer value is cut: a dimension is for grouping, not for free text, and it must fit into an index beside the customer's key.</summary>
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

    /// <summary>For people: "eu, gold"; "(none)" for the empty value.</summary>
    public static string Show(string joined)
    {
        ArgumentNullException.ThrowIfNull(joined);
        return string.Join(", ", joined.Split(Separator).Select(value => value.Length == 0 ? "(none)" : value));
    }

    private static string Clean(string value)
    {
        var end = value.IndexOf(Separator, StringComparison.Ordinal);
        if (end < 0 && value.Length <= MaxLength) return value;
        var length = Math.Min(end < 0 ? value.Length : end, MaxLength);
        // Half a surrogate pair is no text.
        return value[..(length > 0 && char.IsHighSurrogate(value[length - 1]) ? length - 1 : length)];
    }
}

/// <summary>A meter's quantity where its dimensions have these values, joined by <see cref="DimensionValues.Join"/>.</summary>
public readonly record struct DimensionUsage(string Values, MeterUsage Usage);

/// <summary>What was used in a period.</summary>
/// <param name="Totals">By meter key; a meter without an entry counts as zero.</param>
/// <param name="ByDimension">By meter key, for meters with dimensions that a plan prices, in any order.</param>
public sealed record PeriodUsage(IReadOnlyDictionary<string, MeterUsage> Totals, IReadOnlyDictionary<string, IReadOnlyList<DimensionUsage>> ByDimension)
{
    /// <summary>Nothing was used.</summary>
    public static readonly PeriodUsage Empty = new(new Dictionary<string, MeterUsage>(), new Dictionary<string, IReadOnlyList<DimensionUsage>>());

    private readonly HashSet<string> tooLarge = [];

    public PeriodUsage(IReadOnlyDictionary<string, MeterUsage> totals)
        : this(totals, Empty.ByDimension)
    {
    }

    /// <summary>Meters whose quantity has more digits than a decimal holds. Whoever is charged by one gets no invoice; others are not concerned.</summary>
    public IReadOnlyCollection<string> TooLarge => tooLarge;

    /// <summary>One that meters are added to.</summary>
    public static PeriodUsage New() => new(new Dictionary<string, MeterUsage>(), new Dictionary<string, IReadOnlyList<DimensionUsage>>());

    /// <summary>Only to what <see cref="New"/> gave.</summary>
    public void Add(string meter, MeterUsage total, IReadOnlyList<DimensionUsage> byDimension)
    {
        ((Dictionary<string, MeterUsage>)Totals)[meter] = total;
        if (byDimension is { Count: > 0 }) ((Dictionary<string, IReadOnlyList<DimensionUsage>>)ByDimension)[meter] = byDimension;
    }

    public void AddTooLarge(string meter) => tooLarge.Add(meter);

    /// <exception cref="OverflowException">The plan charges by a meter that is too large.</exception>
    internal void Check(PlanVersion plan)
    {
        if (tooLarge.Count == 0) return;
        if (plan.Charges.FirstOrDefault(charge => charge.Meter is not null && tooLarge.Contains(charge.Meter)) is { } charge)
            throw new OverflowException($"The quantity of the meter '{charge.Meter}' has more digits than a decimal holds.");
    }
}
