using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>
/// Flat fees at zero, packages within tiers and discounts of a charge, through the public plan format. Figures are worked out by hand.
/// </summary>
public sealed class NewPricesTests
{
    [Theory]
    // At least one package a period, also without usage.
    [InlineData(0, "1.25")]
    [InlineData(10, "1.25")]
    [InlineData(1_000_000, "1.25")]
    [InlineData(1_000_001, "2.50")]
    public void A_period_has_at_least_one_package_where_the_first_is_a_fee(int usage, string amount) =>
        Costs(
            ExactDecimal.Parse(amount),
            usage,
            """
            {"model":"GRADUATED","flatFeeAtZero":true,"tiers":[{"upTo":"1000000","unitPrice":"0","flatFee":"1.25"},
             {"unitPrice":"1.25","packageSize":"1000000"}]}
            """
        );

    [Theory]
    // The first tier's flat fee is due also when the quantity is 0.
    [InlineData("GRADUATED", 0, 10)]
    [InlineData("GRADUATED", 1, 15)]
    [InlineData("GRADUATED", 5, 35)]
    [InlineData("GRADUATED", 6, 59)]
    [InlineData("VOLUME", 0, 10)]
    [InlineData("VOLUME", 1, 15)]
    [InlineData("VOLUME", 6, 44)]
    public void A_first_tiers_flat_fee_is_due_without_usage(string model, int usage, int amount) =>
        Costs(
            amount,
            usage,
            $$"""
            {"model":"{{model}}","flatFeeAtZero":true,
             "tiers":[{"upTo":"5","unitPrice":"5","flatFee":"10"},{"unitPrice":"4","flatFee":"20"}]}
            """
        );

    [Theory]
    // flexprice-stairstep-4500 at 0, with and without its first step due.
    [InlineData(true, 0, 50)]
    [InlineData(false, 0, 0)]
    [InlineData(true, 4500, 200)]
    public void A_stair_may_begin_at_zero(bool atZero, int usage, int amount) =>
        Costs(
            amount,
            usage,
            $$"""
            {"model":"STAIR_STEP","flatFeeAtZero":{{(atZero ? "true" : "false")}},"tiers":[{"upTo":"1000","flatFee":"50"},
             {"upTo":"5000","flatFee":"200"},{"flatFee":"350"}]}
            """
        );

    [Theory]
    // Blocks of 100 units, 10 blocks at 2, further ones at 1.
    [InlineData(0, 0)]
    [InlineData(1, 2)]
    [InlineData(100, 2)]
    [InlineData(101, 4)]
    [InlineData(1000, 20)]
    [InlineData(1001, 21)]
    [InlineData(1150, 22)]
    public void Blocks_of_units_are_graduated_by_tier(int usage, int amount) =>
        Costs(
            amount,
            usage,
            """
            {"model":"GRADUATED","tiers":[{"upTo":"1000","unitPrice":"2","packageSize":"100"},{"unitPrice":"1","packageSize":"100"}]}
            """
        );

    [Theory]
    // The same blocks by volume: all of them at the price of the tier reached.
    [InlineData(0, 0)]
    [InlineData(150, 4)]
    [InlineData(1000, 20)]
    [InlineData(1001, 11)]
    public void Blocks_of_units_are_priced_by_volume(int usage, int amount) =>
        Costs(
            amount,
            usage,
            """
            {"model":"VOLUME","tiers":[{"upTo":"1000","unitPrice":"2","packageSize":"100"},{"unitPrice":"1","packageSize":"100"}]}
            """
        );

    [Theory]
    // 10 % and then 5 off the usage alone, then at least 20; the fee of 30 is not discounted.
    [InlineData(100, 115)]
    [InlineData(10, 50)]
    [InlineData(0, 50)]
    public void A_charges_discounts_come_before_its_minimum_and_leave_other_charges_alone(int usage, int amount)
    {
        var plan = PublicFormat.Plan(
            """
            [{"key":"fee","price":{"model":"FLAT","amount":"30"}},
             {"key":"c","meter":"m","price":{"model":"PER_UNIT","unitPrice":"1"},"minimum":"20",
              "discounts":[{"key":"ten","percent":"10"},{"key":"five","amount":"5"}]}]
            """
        );
        Assert.Equal(amount, PublicFormat.Rate(plan, usage).Total);
    }

    [Fact]
    public void A_fee_has_its_own_discount()
    {
        var plan = PublicFormat.Plan(
            """[{"key":"fee","price":{"model":"FLAT","amount":"30"},"discounts":[{"key":"half","percent":"50"}]}]"""
        );
        Assert.Equal(15m, PublicFormat.Rate(plan, 0).Total);
    }

    private static void Costs(decimal amount, decimal usage, string price) =>
        Assert.Equal(amount, PublicFormat.Rate(PublicFormat.PlanOf(price), usage, usage == 0 ? 0 : 1).Total);
}
