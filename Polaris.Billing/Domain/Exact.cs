using System.Numerics;

namespace Polaris.Billing.Domain;

/// <summary>
/// Arithmetic of amounts. A product or quotient has at most <see cref="Places"/> decimal places and is exact up to there; finer is rounded
/// half away from zero, once. (System.Decimal alone rounds half to even in its 28th digit, wherever that happens to be.) An amount that does
/// not fit throws an <see cref="OverflowException"/>: 96 bits less 12 places leave 7.9 × 10^16 in front of the point.
/// </summary>
public static class Exact
{
    /// <summary>Decimal places of an amount before it is rounded to its currency.</summary>
    public const int Places = 12;

    /// <summary>The first whole amount that does not fit with all its places: 2^96 × 10^-12.</summary>
    public const decimal Limit = 79_228_162_514_264_338m;

    private static readonly BigInteger Scale = BigInteger.Pow(10, Places);

    public static decimal Multiply(decimal left, decimal right)
    {
        if (left == 0 || right == 0) return 0;
        var places = left.Scale + right.Scale;
        if (places <= Places)
        {
            var product = left * right;
            // A decimal drops places only when its 96 bits are full: with all of them kept, the product is exact.
            if (product.Scale == places && Math.Abs(product) < Limit) return product;
        }

        return Divide(left, right, 1);
    }

    /// <summary><paramref name="left"/> × <paramref name="right"/> ÷ <paramref name="divisor"/>, rounded once.</summary>
    public static decimal Divide(decimal left, decimal right, decimal divisor) => Ratio(
        Mantissa(left) * Mantissa(right) * BigInteger.Pow(10, divisor.Scale),
        Mantissa(divisor) * BigInteger.Pow(10, left.Scale + right.Scale));

    /// <summary>The quotient of whole numbers of any size.</summary>
    public static decimal Ratio(BigInteger top, BigInteger bottom)
    {
        if (bottom.IsZero) throw new DivideByZeroException();
        if (bottom.Sign < 0) (top, bottom) = (-top, -bottom);
        var rounded = ((2 * BigInteger.Abs(top) * Scale) + bottom) / (2 * bottom);
        // The conversion throws when 96 bits are not enough; dividing by a power of ten then only moves the point.
        var whole = (decimal)rounded;
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(whole, parts);
        return Trim(new decimal(parts[0], parts[1], parts[2], top.Sign < 0, Places));
    }

    /// <exception cref="OverflowException">The sum has more digits than a decimal holds.</exception>
    public static decimal Add(decimal left, decimal right)
    {
        var sum = left + right;
        // Places are kept unless the 96 bits are full.
        return sum.Scale >= Math.Max(left.Scale, right.Scale) ? sum : throw new OverflowException("A sum has more digits than a decimal holds.");
    }

    /// <summary>The same number without trailing zeros.</summary>
    public static decimal Trim(decimal value) => value / 1.0000000000000000000000000000m;

    /// <summary>The same amount.</summary>
    /// <exception cref="OverflowException">It is a sum that may have lost places.</exception>
    public static decimal Checked(decimal sum) => Math.Abs(sum) < Limit ? sum : throw new OverflowException("An amount has more digits than a decimal holds.");

    private static BigInteger Mantissa(decimal value)
    {
        Span<int> parts = stackalloc int[4];
        decimal.GetBits(value, parts);
        return (BigInteger)new decimal(parts[0], parts[1], parts[2], value < 0, 0);
    }
}
