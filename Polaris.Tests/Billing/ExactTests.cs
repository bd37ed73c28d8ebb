using System.Globalization;
using CsCheck;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

public sealed class ExactTests
{
    [Fact]
    public void A_product_is_exact_to_twelve_places_and_rounds_half_of_the_last_away_from_zero()
    {
        // Half of the twelfth place rounds away from zero, for both signs.
        Assert.Equal(121932631112.635269m, Exact.Multiply(123456.789m, 987654.321m));

        Assert.Equal(0.000000000001m, Exact.Multiply(0.000000000001m, 0.5m));
        Assert.Equal(-0.000000000001m, Exact.Multiply(-0.000000000001m, 0.5m));
        Assert.Equal(0m, Exact.Multiply(0.000000000001m, 0.49m));
    }

    [Fact]
    public void Any_product_agrees_with_whole_numbers() =>
        Check.Sample(
            Gen.Select(Gen.Long, Gen.Int[0, 12], Gen.Long[-10_000_000, 10_000_000], Gen.Int[0, 12], Gen.Long[1, 5_000_000]),
            (a, aPlaces, b, bPlaces, divisor) =>
            {
                var (left, right) = (new decimal(a) / Power(aPlaces), new decimal(b) / Power(bPlaces));
                if (Math.Abs((decimal)a) / Power(aPlaces) > 1_000_000_000m)
                    return;
                Assert.Equal(Naive.Round(new Fraction(left) * new Fraction(right), Exact.Places), Exact.Multiply(left, right));
                Assert.Equal(
                    Naive.Round(new Fraction(left) * new Fraction(right) / new Fraction(divisor), Exact.Places),
                    Exact.Divide(left, right, divisor)
                );
            }
        );

    [Fact]
    public void An_amount_at_the_edge_fits_and_one_beyond_it_is_an_error_and_never_a_wrong_figure()
    {
        // 2^96 - 1 units of 10^-12.
        const decimal Edge = 79228162514264337.593543950335m;
        Assert.Equal(Edge, Exact.Divide(Edge, 1, 1));
        Assert.Throws<OverflowException>(() => Exact.Divide(Edge, 1.0000000000000001m, 1));
        Assert.Throws<OverflowException>(() => Exact.Divide(Edge, 2, 1));
        Assert.Throws<OverflowException>(() => Exact.Multiply(decimal.MaxValue, 2));
        Assert.Throws<DivideByZeroException>(() => Exact.Divide(1, 1, 0));
    }

    [Fact]
    public void The_largest_quantity_of_a_meter_at_the_largest_price_that_fits_is_exact()
    {
        var line = RatingEngine.RateLine(
            new Charge("c", "C", "m", new PerUnitPrice(79.000000000001m)),
            new MeterUsage(999_999_999_999_999.999999999m, 1, 0),
            2
        );
        Assert.Equal("79000000000000999.999999921000", line.UnroundedAmount.ToString("F12", CultureInfo.InvariantCulture));
        Assert.Equal(79_000_000_000_001_000.00m, line.Amount);
        var twoTiers = new GraduatedPrice([new(500_000_000_000_000m, 79, 0), new(null, 79.5m, 0)]);
        Assert.Throws<OverflowException>(() =>
            RatingEngine.RateLine(new Charge("c", "C", "m", twoTiers), new MeterUsage(999_999_999_999_999.999999999m, 1, 0), 2)
        );
        Assert.Throws<OverflowException>(() =>
            RatingEngine.RateLine(new Charge("c", "C", "m", new PerUnitPrice(80)), new MeterUsage(999_999_999_999_999.999999999m, 1, 0), 2)
        );
    }

    private static decimal Power(int places) => (decimal)Math.Pow(10, places);
}
