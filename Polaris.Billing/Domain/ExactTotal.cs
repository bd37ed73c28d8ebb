using System.Globalization;

namespace Polaris.Billing.Domain;

/// <summary>
/// A sum of values in whole 10^-9 units, which every value that a meter counts is a number of. It is exact whatever it adds up and in whatever
/// order: 10^14 of the largest values fit. (A decimal drops places beyond 7.9 × 10^19 without a word, which ones depends on the order.)
/// </summary>
/// <param name="Units">How many 10^-9.</param>
public readonly record struct ExactTotal(Int128 Units)
{
    public const int Places = MeterDefinition.MaxPlaces;
    public const long UnitsInOne = 1_000_000_000;

    // What a decimal's 96 bits hold.
    private static readonly Int128 MaxMantissa = ((Int128)1 << 96) - 1;

    /// <param name="value">With at most <see cref="Places"/> decimal places; finer ones are cut off, so meters do not count such a value.</param>
    public static implicit operator ExactTotal(decimal value)
    {
        var whole = decimal.Truncate(value);
        return new ExactTotal(((Int128)whole * UnitsInOne) + (long)((value - whole) * UnitsInOne));
    }

    public static ExactTotal operator +(ExactTotal one, ExactTotal other) => new(one.Units + other.Units);

    /// <summary>The same number.</summary>
    /// <exception cref="OverflowException">It has more digits than a decimal holds.</exception>
    public decimal ToDecimal()
    {
        var (units, places) = (Int128.Abs(Units), Places);
        for (; places > 0 && units > MaxMantissa && units % 10 == 0; places--) units /= 10;
        if (units > MaxMantissa) throw new OverflowException($"A quantity has more digits than a decimal holds: {this}.");
        var whole = (decimal)units;
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(whole, parts);
        return Exact.Trim(new decimal(parts[0], parts[1], parts[2], Units < 0, (byte)places));
    }

    /// <summary>In plain notation, all of it.</summary>
    public override string ToString()
    {
        var digits = Int128.Abs(Units).ToString(CultureInfo.InvariantCulture).PadLeft(Places + 1, '0');
        var text = $"{digits[..^Places]}.{digits[^Places..]}".TrimEnd('0').TrimEnd('.');
        return Units < 0 ? "-" + text : text;
    }
}
