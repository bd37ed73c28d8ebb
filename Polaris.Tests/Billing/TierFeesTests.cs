using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>A first flat fee at zero, packages within a tier, and discounts of a charge.</summary>
public sealed class TierFeesTests
{
    private static readonly Tier[] Tiers = [new(10, 1, 5), new(null, 2, 7)];
    private static readonly Tier[] Packages = [new(10, 3, 0, PackageSize: 4), new(null, 2, 1, PackageSize: 6)];

    [Fact]
    public void The_first_flat_fee_is_due_at_zero_where_the_price_says_so()
    {
        foreach (var atZero in new[] { false, true })
        {
            var none = atZero ? 5m : 0m;
            Assert.Equal([none, 6, 24], Costs(new GraduatedPrice(Tiers, atZero), 0, 1, 11));
            Assert.Equal([none, 6, 29], Costs(new VolumePrice(Tiers, atZero), 0, 1, 11));
            Assert.Equal([none, 5, 7], Costs(new StairStepPrice(Tiers, atZero), 0, 1, 11));
            Assert.Equal([-6m, -24], Costs(new GraduatedPrice(Tiers, atZero), -1, -11));
        }
    }

    [Fact]
    public void Included_units_leave_the_quantity_zero()
    {
        var charge = Metered(new GraduatedPrice(Tiers, FlatFeeAtZero: true)) with { IncludedUnits = 3 };
        Assert.Equal([5m, 5, 6], new[] { 0m, 3, 4 }.Select(quantity => Rate(charge, quantity)));
    }

    [Fact]
    public void A_tier_may_sell_packages_of_its_own_units()
    {
        // Up to 10 in packages of 4, the units beyond in packages of 6.
        Assert.Equal([0m, 3, 3, 6, 9, 12, 12, 14], Costs(new GraduatedPrice(Packages), 0, 1, 4, 5, 10, 11, 16, 17));
        // All units in packages of the tier reached.
        Assert.Equal([0m, 3, 9, 5, 7], Costs(new VolumePrice(Packages), 0, 1, 10, 11, 13));
        Assert.Equal([-12m, -5], [Rate(Metered(new GraduatedPrice(Packages)), -11), Rate(Metered(new VolumePrice(Packages)), -11)]);
    }

    [Fact]
    public void A_charge_s_discounts_come_before_its_minimum_and_maximum()
    {
        var charge = Metered(new PerUnitPrice(1)) with
        {
            Discounts = [new Discount("p", "P", 0.5m, null), new Discount("a", "A", null, 10)],
            Minimum = 5,
            Maximum = 40,
        };
        Assert.Equal([5m, 5, 20, 40], new[] { 0m, 20, 60, 200 }.Select(quantity => Rate(charge, quantity)));
        Assert.Equal(-20, Rate(charge with { Minimum = null }, -60));
        Assert.Equal(-40, Rate(charge with { Minimum = null }, -200));
    }

    [Fact]
    public void A_fee_in_advance_has_its_discounts_too()
    {
        var plan = new PlanVersion(
            new Guid(1, 0, 0, new byte[8]),
            "p",
            "USD",
            "h",
            [
                new Charge("fee", "Fee", null, new FlatPrice(30), InAdvance: true, Proration: Proration.Days)
                {
                    Discounts = [new Discount("p", "P", 0.1m, null)],
                },
            ]
        );
        Assert.Equal([27m, 27, -18], Life.From("2026-03-01T00:00:00Z", plan).End("2026-04-11T00:00:00Z").Totals());
    }

    private static IEnumerable<decimal> Costs(Price price, params decimal[] quantities) =>
        quantities.Select(quantity => Rate(Metered(price), quantity));

    private static decimal Rate(Charge charge, decimal quantity)
    {
        var line = RatingEngine.RateLine(charge, new MeterUsage(quantity, 1, 0), 2);
        Explanations.Hold(line);
        return line.UnroundedAmount;
    }

    private static Charge Metered(Price price) => new("c", "C", "m", price);
}
