using System.Globalization;
using System.Numerics;
using CsCheck;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Sums of more digits than a decimal has: exact, or an error, and never a wrong figure.</summary>
public sealed class ExactTotalTests
{
    [Fact]
    public void A_total_is_exact_in_any_order_and_tells_when_it_is_no_decimal() =>
        Check.Sample(
            Gen.Select(
                Gen.Select(
                    Gen.Long[-999_999_999_999_999, 999_999_999_999_999],
                    Gen.Int[0, 999_999_999],
                    Gen.OneOf(Gen.Int[1, 10_000], Gen.Int[1, 2_000_000])
                ).Array[0, 8],
                Gen.Int
            ),
            (values, seed) =>
            {
                var all = values
                    .Select(one => (Value: one.Item1 + (Math.Sign(one.Item1) * one.Item2 / 1_000_000_000m), Times: one.Item3))
                    .ToArray();
                var exact = all.Aggregate(
                    BigInteger.Zero,
                    (sum, one) =>
                        sum + (new BigInteger(one.Value * 1_000_000m) * 1000 + (BigInteger)(one.Value * 1_000_000m % 1 * 1000)) * one.Times
                );
                new Random(seed).Shuffle(all);
                var total = default(ExactTotal);
                foreach (var (value, times) in all)
                    total += new ExactTotal(((ExactTotal)value).Units * times);
                Assert.Equal(exact, (BigInteger)total.Units);
                var digits = BigInteger.Abs(exact);
                for (var i = 0; i < ExactTotal.Places && digits % 10 == 0; i++)
                    digits /= 10;
                if (digits >= BigInteger.Pow(2, 96))
                    Assert.Throws<OverflowException>(() => total.ToDecimal());
                else
                    Assert.Equal(
                        exact,
                        BigInteger.Parse(
                            total.ToDecimal().ToString("F9", CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal),
                            CultureInfo.InvariantCulture
                        )
                    );
                Assert.Equal(exact, BigInteger.Parse(Scaled(total.ToString()), CultureInfo.InvariantCulture));
            }
        );

    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0.000000001", "-0.000000001")]
    [InlineData("79228162514264337593543950335", "79228162514264337593543950335")]
    [InlineData("1.50", "1.5")]
    public void A_total_reads_as_it_was_written(string value, string text)
    {
        ExactTotal total = decimal.Parse(value, CultureInfo.InvariantCulture);
        Assert.Equal((text, text), (total.ToString(), total.ToDecimal().ToString(CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void A_sum_that_would_lose_places_is_an_error()
    {
        Assert.Equal(79228162514264337593.543950335m, Exact.Add(79228162514264337593.543950334m, 0.000000001m));
        Assert.Throws<OverflowException>(() => Exact.Add(79228162514264337593.543950335m, 0.000000001m));
        // Tiers and free units with twelve places of a quantity that has none to spare.
        foreach (
            var price in new Price[]
            {
                new GraduatedPrice([new(0.000000000001m, 0, 0), new(null, 0.000000000001m, 0)]),
                new PackagePrice(1_000_000, 1, 0.000000000001m),
                new PercentagePrice(0.000000000001m, 0, 0.000000000001m, 0),
            }
        )
            Assert.Throws<OverflowException>(() =>
                RatingEngine.RateLine(new Charge("c", "C", "m", price), new MeterUsage(79228162514264337593.543950335m, 1, 0), 2)
            );
    }

    private static string Scaled(string text)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var places = point < 0 ? 0 : text.Length - point - 1;
        return text.Replace(".", "", StringComparison.Ordinal) + new string('0', ExactTotal.Places - places);
    }
}
