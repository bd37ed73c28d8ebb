using System.Globalization;
using System.Numerics;
using Xunit;

namespace Polaris.Tests.Contracts;

/// <summary>Decimals as written: what a decimal does not hold is never taken for a number that was not sent.</summary>
public sealed class ExactDecimalTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("-0.000", "0.000")]
    [InlineData("12.50", "12.50")]
    [InlineData("+7", "7")]
    [InlineData(".5", "0.5")]
    [InlineData("5.", "5")]
    [InlineData("007", "7")]
    [InlineData("1e3", "1000")]
    [InlineData("1E+3", "1000")]
    [InlineData("1.5e-3", "0.0015")]
    [InlineData("1e-28", "0.0000000000000000000000000001")]
    [InlineData("10e-29", "0.0000000000000000000000000001")]
    [InlineData("0e99999999999999999999", "0")]
    [InlineData("0.10000000000000000000000000000000000000000000000000000000", "0.1000000000000000000000000000")]
    [InlineData("79228162514264337593543950335", "79228162514264337593543950335")]
    [InlineData("-79228162514264337593543950335.000", "-79228162514264337593543950335")]
    [InlineData("7.9228162514264337593543950335", "7.9228162514264337593543950335")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001", "1")]
    [InlineData("100000000000000000000000000000000000000000000000000e-50", "1.0000000000000000000000000000")]
    public void A_number_that_a_decimal_holds_is_read_as_it_is(string text, string value)
    {
        Assert.True(ExactDecimal.TryParse(text, out var number));
        Assert.Equal(decimal.Parse(value, CultureInfo.InvariantCulture), number);
        Assert.False(number == 0 && decimal.IsNegative(number));
        Assert.Equal(number, ExactDecimal.Nearest(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1\0")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("e5")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1e1.5")]
    [InlineData("1.2.3")]
    [InlineData("--1")]
    [InlineData("0x10")]
    [InlineData("1,5")]
    [InlineData("1_000")]
    [InlineData("1,000")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("-∞")]
    [InlineData("١٢")]
    [InlineData("１")]
    [InlineData("$1")]
    [InlineData("(1)")]
    public void A_text_that_is_no_number_is_refused(string text)
    {
        Assert.False(ExactDecimal.TryParse(text, out _));
        Assert.Null(ExactDecimal.Nearest(text));
    }

    [Theory]
    [InlineData("1e-29")]
    [InlineData("1e-30")]
    [InlineData("-1e-400")]
    [InlineData("1e-99999999999999999999")]
    [InlineData("0.00000000000000000000000000000000000004")]
    [InlineData("1.00000000000000000000000000000000000000001")]
    [InlineData("0.12345678901234567890123456789")]
    [InlineData("999999999999.99999999999999999999")]
    [InlineData("0.99999999999999999999999999999")]
    [InlineData("7.00000000000000000000000000050000000000000000000000000000000000001")]
    public void A_number_with_too_many_places_keeps_too_many_places(string text)
    {
        Assert.False(ExactDecimal.TryParse(text, out _));
        var nearest = ExactDecimal.Nearest(text)!.Value;
        Assert.False(ExactDecimal.HasPlaces(nearest, 15));
        Assert.Equal(text[0] == '-', nearest < 0);
        Assert.True(Math.Abs(nearest - decimal.Round(nearest, 15)) < 0.000000000000001m);
    }

    [Theory]
    [InlineData("79228162514264337593543950336")]
    [InlineData("1e29")]
    [InlineData("1e400")]
    [InlineData("-1e99999999999999999999")]
    [InlineData("99999999999999999999999999999999999999999999999999999999999999999999999999999")]
    public void A_number_beyond_a_decimal_is_beyond_every_bound(string text)
    {
        Assert.False(ExactDecimal.TryParse(text, out _));
        Assert.Equal(text[0] == '-' ? decimal.MinValue : decimal.MaxValue, ExactDecimal.Nearest(text));
    }

    [Fact]
    public void Random_numbers_agree_with_fractions_of_any_size()
    {
        var random = new Random(20260131);
        for (var i = 0; i < 20_000; i++)
        {
            var digits = string.Concat(Enumerable.Range(0, random.Next(1, 45)).Select(_ => random.Next(10)));
            if (random.Next(3) == 0)
                digits += new string('0', random.Next(40));
            var places = random.Next(0, digits.Length);
            var exponent = random.Next(-35, 36);
            var text = $"{digits[..^places]}.{digits[^places..]}e{exponent}";
            var (top, scale) = (BigInteger.Parse(digits, CultureInfo.InvariantCulture), places - exponent);
            while (scale > 0 && top % 10 == 0)
                (top, scale) = (top / 10, scale - 1);
            if (scale < 0)
                (top, scale) = (top * BigInteger.Pow(10, -scale), 0);
            var fits = top.IsZero || (scale <= 28 && top < BigInteger.Pow(2, 96));
            Assert.True(fits == ExactDecimal.TryParse(text, out var number), text);
            if (fits)
                Assert.Equal(
                    top * BigInteger.Pow(10, 28 - Math.Min(scale, 28)),
                    new BigInteger(decimal.Truncate(number)) * BigInteger.Pow(10, 28)
                        + new BigInteger((number - decimal.Truncate(number)) * 1e28m)
                );
        }
    }
}
