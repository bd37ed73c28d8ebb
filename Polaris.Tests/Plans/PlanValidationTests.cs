extern alias plans;

using plans::Polaris.Plans.Domain;
using Xunit;

namespace Polaris.Tests.Plans;

public sealed class PlanValidationTests
{
    private static readonly HashSet<string> Meters = ["calls"];

    private static (string, string)? Violation(params Charge[] charges) =>
        PlanValidation.Charges("charges", charges, Meters) is { } violation ? (violation.Path, violation.Code) : null;

    private static Charge Tiered(params Tier[] tiers) => new("c", "C", "calls", new Price(PriceModel.Graduated, Tiers: tiers));

    [Fact]
    public void A_sound_plan_passes()
    {
        Assert.Null(Violation(
            new Charge("base", "Base", null, new Price(PriceModel.Flat, Amount: 5)),
            Tiered(new Tier(100, 0, 0), new Tier(1000, 0.01m, 1), new Tier(null, 0.005m, 0)) with { Key = "t" },
            new Charge("p", "P", "calls", new Price(PriceModel.Package, PackageSize: 10, PackagePrice: 1, FreeUnits: 5))));
    }

    [Fact]
    public void Tiers_rise_and_end_without_an_end()
    {
        Assert.Equal(("charges[0].price.tiers[1].upTo", "missing_infinity"), Violation(Tiered(new Tier(10, 1, 0), new Tier(20, 1, 0))));
        Assert.Equal(("charges[0].price.tiers[1].upTo", "overlap"), Violation(Tiered(new Tier(10, 1, 0), new Tier(10, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(("charges[0].price.tiers[0].upTo", "unreachable_tier"), Violation(Tiered(new Tier(null, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(("charges[0].price.tiers", "count"), Violation(Tiered()));
        Assert.Equal(("charges[0].price.tiers[0].unitPrice", "out_of_range"), Violation(Tiered(new Tier(null, -1, 0))));
        Assert.Equal(("charges[0].price.tiers[0].unitPrice", "too_precise"), Violation(Tiered(new Tier(null, 0.0000000000001m, 0))));
    }

    [Fact]
    public void A_price_has_the_figures_of_its_model_and_no_others()
    {
        Assert.Equal(("charges[0].price.amount", "missing_field"), Violation(new Charge("c", "C", null, new Price(PriceModel.Flat))));
        Assert.Equal(("charges[0].meter", "flat_has_no_meter"), Violation(new Charge("c", "C", "calls", new Price(PriceModel.Flat, Amount: 1))));
        Assert.Equal(("charges[0].meter", "missing_field"), Violation(new Charge("c", "C", null, new Price(PriceModel.PerUnit, UnitPrice: 1))));
        Assert.Equal(("charges[0].price.amount", "not_of_this_model"), Violation(new Charge("c", "C", "calls", new Price(PriceModel.PerUnit, UnitPrice: 1, Amount: 1))));
        Assert.Equal(("charges[0].price.packageSize", "out_of_range"), Violation(new Charge("c", "C", "calls", new Price(PriceModel.Package, PackageSize: 0, PackagePrice: 1))));
        Assert.Equal(("charges[1].key", "duplicate_key"), Violation(new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 1)), new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 1))));
        Assert.Equal(("charges[0].meter", "unknown_meter"), Violation(new Charge("c", "C", "none", new Price(PriceModel.PerUnit, UnitPrice: 1))));
    }

    [Fact]
    public void The_hash_is_over_what_a_version_charges()
    {
        static string Hash(decimal amount, string key = "c") => PlanContent.Hash("USD", "MONTH", [new Charge(key, "C", null, new Price(PriceModel.Flat, Amount: amount))]);
        Assert.Equal(Hash(0.10m), Hash(0.1m));
        Assert.NotEqual(Hash(0.1m), Hash(0.11m));
        Assert.NotEqual(Hash(0.1m), Hash(0.1m, "d"));
        var charges = new[] { Tiered(new Tier(10.50m, 1, 0), new Tier(null, 0.005m, 0)) };
        Assert.Equal(PlanContent.Hash("USD", "MONTH", charges), PlanContent.Hash("USD", "MONTH", PlanContent.Deserialize(PlanContent.Serialize(charges))));
    }

    [Theory]
    [InlineData("USD", 2)]
    [InlineData("JPY", 0)]
    [InlineData("KWD", 3)]
    public void Currencies_have_the_minor_units_of_iso_4217(string code, int places) => Assert.Equal(places, Currencies.MinorUnits(code));
}
