using System.Numerics;

namespace Polaris.Billing.Domain;

/// <summary>
/// Arithmetic of amounts. A product or quotient is exact to <see cref="Places"/> decimal places and rounded once there, half away from
/// zero. (System.Decimal rounds half to even, at a place that depends on the magnitude.) An amount that does not fit throws an
/// <see cref="OverflowException"/>: 96 bits with 12 decimal places hold up to 7.9 × 10^16.
/// </summary>
public static class Exact
{
    /// <summary>Decimal places of an amount before it is rounded to its currency.</summary>
    public const int Places = 12;

    /// <summary>The first amount that does not fit with all its decimal places: 2^96 × 10^-12.</summary>
    public const decimal Limit = 79_228_162_514_264_338m;

    private const int MaxScale = 28;

    private static readonly BigInteger Scale = BigInteger.Pow(10, Places);

    public static decimal Multiply(decimal left, decimal right)
    {
        if (left == 0 || right == 0)
            return 0;
        var places = left.Scale + right.Scale;
        if (places <= Places)
        {
            var product = left * right;
            // A decimal drops places only when its 96 bits are full. If all places are there, the product is exact.
            if (product.Scale == places && Math.Abs(product) < Limit)
                return product;
        }

        return Divide(left, right, 1);
    }

    /// <summary><paramref name="left"/> × <paramref name="right"/> ÷ <paramref name="divisor"/>, rounded once.</summary>
    public static decimal Divide(decimal left, decimal right, decimal divisor) =>
        Ratio(
            Mantissa(left) * Mantissa(right) * BigInteger.Pow(10, divisor.Scale),
            Mantissa(divisor) * BigInteger.Pow(10, left.Scale + right.Scale)
        );

    /// <summary>The quotient of integers of any size, rounded once to <see cref="Places"/> places.</summary>
    public static decimal Ratio(BigInteger top, BigInteger bottom)
    {
        if (bottom.IsZero)
            throw new DivideByZeroException();
        if (bottom.Sign < 0)
            (top, bottom) = (-top, -bottom);
        var rounded = ((2 * BigInteger.Abs(top) * Scale) + bottom) / (2 * bottom);
        // The conversion throws when 96 bits are not enough. Dividing by a power of ten then only moves the decimal point.
        var whole = (decimal)rounded;
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(whole, parts);
        return Trim(new decimal(parts[0], parts[1], parts[2], top.Sign < 0, Places));
    }

    /// <exception cref="OverflowException">The sum has more digits than a decimal holds.</exception>
    public static decimal Add(decimal left, decimal right)
    {
        var sum = left + right;
        // A decimal keeps all places unless its 96 bits are full.
        return sum.Scale >= Math.Max(left.Scale, right.Scale)
            ? sum
            : throw new OverflowException("A sum has more digits than a decimal holds.");
    }

    /// <summary>The exact sum in any order, whatever the magnitudes between.</summary>
    /// <exception cref="OverflowException">The sum has more digits than a decimal holds.</exception>
    public static decimal Sum(IReadOnlyList<decimal> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var (units, places) = (BigInteger.Zero, MaxScale);
        foreach (var value in values)
            units += Mantissa(value) * BigInteger.Pow(10, MaxScale - value.Scale);
        for (; places > 0 && (units % 10).IsZero; places--)
            units /= 10;
        // The conversion throws when 96 bits are not enough.
        var whole = (decimal)BigInteger.Abs(units);
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(whole, parts);
        return new decimal(parts[0], parts[1], parts[2], units.Sign < 0, (byte)places);
    }

    /// <summary>The exact sum of the steps' amounts.</summary>
    internal static decimal Sum(List<ExplanationStep> steps)
    {
        var sum = 0m;
        foreach (var step in steps)
        {
            var next = sum + step.Amount;
            // Places were dropped on the way: add without decimals.
            if (next.Scale < sum.Scale || next.Scale < step.Amount.Scale)
                return Checked(Sum([.. steps.Select(one => one.Amount)]));
            sum = next;
        }

        return Checked(sum);
    }

    /// <summary>The same number without trailing zeros.</summary>
    public static decimal Trim(decimal value) => value / 1.0000000000000000000000000000m;

    /// <summary>Returns the sum unchanged after checking that it lost no decimal places.</summary>
    /// <exception cref="OverflowException">The sum may have lost places.</exception>
    public static decimal Checked(decimal sum) =>
        Math.Abs(sum) < Limit ? sum : throw new OverflowException("An amount has more digits than a decimal holds.");

    private static BigInteger Mantissa(decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        return (BigInteger)new decimal(parts[0], parts[1], parts[2], value < 0, 0);
    }
}
