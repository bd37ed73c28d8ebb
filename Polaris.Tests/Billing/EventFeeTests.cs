using System.Text;
using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>A meter that adds up fees of events: 2.9 % and 0.30 of each, at least and at most so much.</summary>
public sealed class EventFeeTests
{
    [Theory]
    [InlineData("2.9", "0", "0.30", "5", "5", "0.30")] // 0.145
    [InlineData("2.9", "0", "0.30", "5", "100", "2.9")]
    [InlineData("2.9", "0", "0.30", "5", "1000", "5")] // 29
    [InlineData("2.9", "0", "0.30", "5", "0", "0.30")]
    [InlineData("2.9", "0.30", null, null, "100", "3.2")]
    [InlineData("2.9", "0.30", null, null, "0", "0.3")]
    [InlineData("2.9", "0.30", "1", "3", "100", "3")] // bounds are of both together
    [InlineData("2.9", "0", "0.30", "5", "-5", "-0.30")]
    [InlineData("2.9", "0", "0.30", "5", "-1000", "-5")]
    [InlineData("100", "0", null, null, "999999999999999.999999999", "999999999999999.999999999")]
    [InlineData("99.9999999999", "0", null, null, "999999999999999.999999999", "999999999998999.999999999")]
    [InlineData("50", "0", null, null, "0.000000001", "0.000000001")] // half of a unit, away from zero
    [InlineData("50", "0", null, null, "-0.000000001", "-0.000000001")]
    [InlineData("49.9999999999", "0", null, null, "0.000000001", "0")]
    [InlineData("0.0000000001", "0", null, null, "499.999999999", "0")]
    [InlineData("0.0000000001", "0", null, null, "500", "0.000000001")]
    [InlineData("0", "0", null, "0", "77", "0")]
    public void A_fee_is_a_share_and_a_fixed_amount_within_its_bounds(
        string percent,
        string plus,
        string? least,
        string? most,
        string amount,
        string fee
    )
    {
        var rule = new EventFee(ExactDecimal.Parse(percent), ExactDecimal.Parse(plus), Optional(least), Optional(most));
        Assert.Equal(ExactDecimal.Parse(fee), rule.Of(ExactDecimal.Parse(amount)));
    }

    [Fact]
    public void A_fee_agrees_with_fractions()
    {
        var random = new Random(7);
        for (var i = 0; i < 5_000; i++)
        {
            var amount = random.NextInt64(-1_000_000_000_000, 1_000_000_000_000) / 1_000_000_000m * random.Next(1, 900_000);
            var percent = random.NextInt64(0, 1_000_000_000_001) / 10_000_000_000m;
            var expected = Naive.Round(new Fraction(Math.Abs(amount)) * new Fraction(percent) / new Fraction(100m), 9);
            Assert.Equal(amount < 0 ? -expected : expected, new EventFee(percent, 0, null, null).Of(amount));
        }
    }

    [Fact]
    public void From_input_to_invoice_every_event_has_its_own_fee()
    {
        var meter = PublicFormat.Meter(
            """
            {"key":"fees","eventType":"payment","aggregation":"SUM","property":"amount",
             "eventFee":{"percent":"2.9","minimum":"0.30","maximum":"5"}}
            """
        );
        // 0.30 for 5, 2.90 for 100, 5.00 for 1000, and nothing for what is no number.
        var totals = new UsageTotals { Aggregation = meter.Aggregation };
        foreach (var amount in new[] { "5", "100", "1000", "many" })
        {
            if (meter.Measure("payment", Encoding.UTF8.GetBytes($$"""{"amount":"{{amount}}"}""")) is { } measured)
                totals.Add(measured, 1);
        }

        var usage = totals.ToUsage(MeterAggregation.Sum);
        Assert.Equal((8.20m, 3L), (usage.Quantity, usage.EventCount));
        var plan = PublicFormat.PlanOf("""{"model":"PER_UNIT","unitPrice":"1"}""");
        Assert.Equal(8.20m, PublicFormat.Rate(plan, usage.Quantity, usage.EventCount).Total);
    }

    private static decimal? Optional(string? text) => text is null ? null : ExactDecimal.Parse(text);
}
