using System.Globalization;

namespace Polaris.Billing.Domain;

/// <summary>
/// An exact sum in units of 10^-9, the finest unit that a meter counts. Up to 10^14 of the largest values fit, in any order. (A decimal
/// silently drops places beyond 7.9 × 10^19, and which ones depends on the order of addition.)
/// </summary>
/// <param name="Units">The sum, in units of 10^-9.</param>
public readonly record struct ExactTotal(Int128 Units)
{
    public const int Places = Limits.MaxDecimalPlaces;
    public const long UnitsInOne = 1_000_000_000;

    // The largest mantissa of a decimal (96 bits).
    private static readonly Int128 MaxMantissa = ((Int128)1 << 96) - 1;

    /// <param name="value">
    /// At most <see cref="Places"/> decimal places; further ones are truncated, so meters do not count such a value.
    /// </param>
    public static implicit operator ExactTotal(decimal value)
    {
        var whole = decimal.Truncate(value);
        return new ExactTotal(((Int128)whole * UnitsInOne) + (long)((value - whole) * UnitsInOne));
    }

    public static ExactTotal operator +(ExactTotal left, ExactTotal right) => new(left.Units + right.Units);

    /// <summary>Converts to a decimal.</summary>
    /// <exception cref="OverflowException">The sum has more digits than a decimal holds.</exception>
    public decimal ToDecimal()
    {
        var (units, places) = (Int128.Abs(Units), Places);
        for (; places > 0 && units > MaxMantissa && units % 10 == 0; places--)
            units /= 10;
        if (units > MaxMantissa)
            throw new OverflowException($"A quantity has more digits than a decimal holds: {this}.");
        var whole = (decimal)units;
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(whole, parts);
        return Exact.Trim(new decimal(parts[0], parts[1], parts[2], Units < 0, (byte)places));
    }

    /// <summary>All digits, without exponent.</summary>
    public override string ToString()
    {
        var digits = Int128.Abs(Units).ToString(CultureInfo.InvariantCulture).PadLeft(Places + 1, '0');
        var text = $"{digits[..^Places]}.{digits[^Places..]}".TrimEnd('0').TrimEnd('.');
        return Units < 0 ? "-" + text : text;
    }
}
