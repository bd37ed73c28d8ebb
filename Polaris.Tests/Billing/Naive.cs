using System.Globalization;
using System.Numerics;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing;

/// <summary>A number as a fraction of integers: slow but obviously exact.</summary>
internal readonly record struct Fraction(BigInteger Top, BigInteger Bottom)
{
    public Fraction(decimal value)
        : this(
            BigInteger.Parse(
                value.ToString(CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal),
                CultureInfo.InvariantCulture
            ),
            BigInteger.Pow(10, value.Scale)
        ) { }

    public static Fraction operator +(Fraction a, Fraction b) => new((a.Top * b.Bottom) + (b.Top * a.Bottom), a.Bottom * b.Bottom);

    public static Fraction operator -(Fraction a, Fraction b) => a + new Fraction(-b.Top, b.Bottom);

    public static Fraction operator *(Fraction a, Fraction b) => new(a.Top * b.Top, a.Bottom * b.Bottom);

    public static Fraction operator /(Fraction a, Fraction b) => new(a.Top * b.Bottom, a.Bottom * b.Top);
}

/// <summary>Prices as docs/pricing.md words them, unit by unit where it does.</summary>
internal static class Naive
{
    /// <summary>Rounds half away from zero.</summary>
    public static decimal Round(Fraction value, int places)
    {
        var negative = (value.Top < 0) != (value.Bottom < 0);
        var digits = BigInteger.Abs(value.Top) * BigInteger.Pow(10, places + 1) / BigInteger.Abs(value.Bottom);
        var kept = digits / 10;
        if (digits % 10 >= 5)
            kept++;
        var text = kept.ToString(CultureInfo.InvariantCulture).PadLeft(places + 1, '0');
        var number = decimal.Parse($"{text[..^places]}.{text[^places..]}", CultureInfo.InvariantCulture);
        return negative ? -number : number;
    }

    /// <summary>The unrounded amount of a quantity of some events.</summary>
    public static Fraction Cost(Price price, decimal quantity, long events) =>
        price switch
        {
            PerUnitPrice unit => F(quantity) * F(unit.UnitPrice),
            GraduatedPrice graduated => Sum(
                graduated
                    .Tiers.Select((tier, i) => (tier, Below: i == 0 ? 0 : graduated.Tiers[i - 1].UpTo!.Value))
                    .Where(one => quantity > one.Below)
                    .Select(one =>
                        (F(Math.Min(quantity, one.tier.UpTo ?? quantity)) - F(one.Below)) * F(one.tier.UnitPrice) + F(one.tier.FlatFee)
                    )
            ),
            VolumePrice volume => quantity <= 0
                ? F(0)
                : F(quantity) * F(Reached(volume.Tiers, quantity).UnitPrice) + F(Reached(volume.Tiers, quantity).FlatFee),
            StairStepPrice stairs => quantity <= 0 ? F(0) : F(Reached(stairs.Tiers, quantity).FlatFee),
            PackagePrice package => F(Packages(package, quantity)) * F(package.PackageAmount),
            PercentagePrice percentage => F(quantity - Math.Clamp(percentage.FreeAmount, 0, Math.Max(0, quantity))) * F(percentage.Rate)
                + F(Math.Max(0, events - percentage.FreeEvents)) * F(percentage.FeePerEvent),
            _ => throw new ArgumentOutOfRangeException(nameof(price)),
        };

    private static Tier Reached(IReadOnlyList<Tier> tiers, decimal quantity) =>
        tiers.First(tier => tier.UpTo is null || quantity <= tier.UpTo);

    // Fills one package after another.
    private static long Packages(PackagePrice price, decimal quantity)
    {
        var count = 0L;
        for (var rest = quantity - price.FreeUnits; rest > 0; rest -= price.Size)
        {
            if (rest >= price.Size || !price.RoundDown)
                count++;
        }

        return count;
    }

    private static Fraction Sum(IEnumerable<Fraction> parts) => parts.Aggregate(F(0), (sum, part) => sum + part);

    private static Fraction F(decimal value) => new(value);
}
