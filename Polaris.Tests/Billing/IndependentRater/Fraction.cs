using System.Numerics;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>A rational number of any size, in lowest terms. It shares no arithmetic with what it checks.</summary>
internal readonly struct Fraction : IEquatable<Fraction>, IComparable<Fraction>
{
    private readonly BigInteger top;
    private readonly BigInteger bottomLessOne;

    public Fraction(BigInteger top, BigInteger bottom)
    {
        if (bottom.IsZero)
            throw new DivideByZeroException();
        var divisor = BigInteger.GreatestCommonDivisor(top, bottom) * bottom.Sign;
        this.top = top / divisor;
        bottomLessOne = (bottom / divisor) - 1;
    }

    public static Fraction Zero => default;

    public static Fraction One => new(1, 1);

    public int Sign => top.Sign;

    // Stored less one, so that the default value is 0 and not 0 ÷ 0.
    private BigInteger Bottom => bottomLessOne + 1;

    public static implicit operator Fraction(decimal value)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value, bits);
        var units = unchecked(((BigInteger)(uint)bits[2] << 64) + ((BigInteger)(uint)bits[1] << 32) + (uint)bits[0]);
        return new Fraction(value < 0 ? -units : units, BigInteger.Pow(10, (bits[3] >> 16) & 0xff));
    }

    public static implicit operator Fraction(BigInteger value) => new(value, 1);

    public static implicit operator Fraction(long value) => new(value, 1);

    public static Fraction operator +(Fraction left, Fraction right) =>
        new((left.top * right.Bottom) + (right.top * left.Bottom), left.Bottom * right.Bottom);

    public static Fraction operator -(Fraction left, Fraction right) => left + -right;

    public static Fraction operator -(Fraction value) => new(-value.top, value.Bottom);

    public static Fraction operator *(Fraction left, Fraction right) => new(left.top * right.top, left.Bottom * right.Bottom);

    public static Fraction operator /(Fraction left, Fraction right) => new(left.top * right.Bottom, left.Bottom * right.top);

    public static bool operator <(Fraction left, Fraction right) => left.CompareTo(right) < 0;

    public static bool operator >(Fraction left, Fraction right) => left.CompareTo(right) > 0;

    public static bool operator <=(Fraction left, Fraction right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Fraction left, Fraction right) => left.CompareTo(right) >= 0;

    public static bool operator ==(Fraction left, Fraction right) => left.Equals(right);

    public static bool operator !=(Fraction left, Fraction right) => !left.Equals(right);

    public static Fraction Max(Fraction left, Fraction right) => left > right ? left : right;

    public static Fraction Min(Fraction left, Fraction right) => left < right ? left : right;

    public Fraction Abs() => new(BigInteger.Abs(top), Bottom);

    /// <summary>The least whole number that is not below this one, which must not be negative.</summary>
    public BigInteger Ceiling() => (top + Bottom - 1) / Bottom;

    /// <summary>The greatest whole number that is not above this one, which must not be negative.</summary>
    public BigInteger Floor() => top / Bottom;

    /// <summary>Half away from zero.</summary>
    public Fraction Round(int places)
    {
        var scale = BigInteger.Pow(10, places);
        var units = ((2 * BigInteger.Abs(top) * scale) + Bottom) / (2 * Bottom);
        return new Fraction(units * top.Sign, scale);
    }

    public int CompareTo(Fraction other) => (top * other.Bottom).CompareTo(other.top * Bottom);

    public bool Equals(Fraction other) => top == other.top && bottomLessOne == other.bottomLessOne;

    public override bool Equals(object? obj) => obj is Fraction other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(top, bottomLessOne);

    public override string ToString() => Bottom.IsOne ? top.ToString() : ToDecimalText();

    private string ToDecimalText()
    {
        for (var places = 1; places <= 20; places++)
        {
            var scaled = this * BigInteger.Pow(10, places);
            if (scaled.Bottom.IsOne)
            {
                var digits = BigInteger.Abs(scaled.top).ToString().PadLeft(places + 1, '0');
                return $"{(top.Sign < 0 ? "-" : "")}{digits[..^places]}.{digits[^places..]}";
            }
        }

        return $"{top}/{Bottom}";
    }
}
