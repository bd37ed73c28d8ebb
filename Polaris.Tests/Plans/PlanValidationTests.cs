extern alias plans;

using plans::Polaris.Plans.Domain;
using Xunit;

namespace Polaris.Tests.Plans;

public sealed class PlanValidationTests
{
    private static readonly Dictionary<string, int> Meters = new() { ["calls"] = 0, ["by_region"] = 1 };

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
    public void Each_model_asks_for_its_own_figures()
    {
        static (string, string)? Of(Price price) => Violation(new Charge("c", "C", "calls", price));
        Assert.Null(Of(new Price(PriceModel.StairStep, Tiers: [new(10, null, 5), new(null, null, 8)])));
        Assert.Null(Of(new Price(PriceModel.Percentage, Percent: 2.9m, FeePerEvent: 0.3m, FreeAmount: 100, FreeEvents: 3)));
        Assert.Null(Of(new Price(PriceModel.GraduatedPercentage, Tiers: [new(1000, null, 200, 1), new(null, null, 300, 2)])));
        Assert.Equal(("charges[0].price.tiers[0].flatFee", "missing_field"), Of(new Price(PriceModel.StairStep, Tiers: [new(null, null, null)])));
        Assert.Equal(("charges[0].price.tiers[0].unitPrice", "not_of_this_model"), Of(new Price(PriceModel.StairStep, Tiers: [new(null, 1, 5)])));
        Assert.Equal(("charges[0].price.tiers[0].unitPrice", "missing_field"), Of(new Price(PriceModel.Graduated, Tiers: [new(null, null, 5)])));
        Assert.Equal(("charges[0].price.tiers[1].percent", "missing_field"), Of(new Price(PriceModel.GraduatedPercentage, Tiers: [new(10, null, 0, 1), new(null, null, 0)])));
        Assert.Equal(("charges[0].price.percent", "missing_field"), Of(new Price(PriceModel.Percentage)));
        Assert.Equal(("charges[0].price.percent", "out_of_range"), Of(new Price(PriceModel.Percentage, Percent: 1000.1m)));
        Assert.Equal(("charges[0].price.percent", "too_precise"), Of(new Price(PriceModel.Percentage, Percent: 0.00000000001m)));
        Assert.Equal(("charges[0].price.feePerEvent", "not_of_this_model"), Of(new Price(PriceModel.PerUnit, UnitPrice: 1, FeePerEvent: 1)));
        Assert.Equal(("charges[0].price.packageRounding", "not_of_this_model"), Of(new Price(PriceModel.PerUnit, UnitPrice: 1, PackageRounding: PackageRounding.Down)));
    }

    [Fact]
    public void What_surrounds_a_price_belongs_to_usage_or_to_a_fee()
    {
        var fee = new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 5));
        var usage = new Charge("c", "C", "calls", new Price(PriceModel.PerUnit, UnitPrice: 1));
        Assert.Null(Violation(fee with { Timing = BillingTiming.Advance, Proration = Proration.Days }));
        Assert.Null(Violation(usage with { IncludedUnits = 5, Minimum = 1, Maximum = 2, Proration = Proration.Seconds }));
        Assert.Equal(("charges[0].minimum", "not_of_this_model"), Violation(fee with { Minimum = 1 }));
        Assert.Equal(("charges[0].timing", "not_of_this_model"), Violation(usage with { Timing = BillingTiming.Arrears }));
        Assert.Equal(("charges[0].proration", "not_of_this_model"), Violation(usage with { Proration = Proration.Days }));
        Assert.Equal(("charges[0].maximum", "below_minimum"), Violation(usage with { Minimum = 2, Maximum = 1 }));
        Assert.Equal(("charges[0].includedUnits", "out_of_range"), Violation(usage with { IncludedUnits = -1 }));
    }

    [Fact]
    public void Prices_by_dimension_name_each_combination_once()
    {
        var one = new Price(PriceModel.PerUnit, UnitPrice: 1);
        var charge = new Charge("c", "C", "by_region", one);
        Assert.Null(Violation(charge with { DimensionPrices = [new(["eu"], one), new([""], one)] }));
        Assert.Equal(("charges[0].dimensionPrices", "no_dimensions"), Violation(charge with { Meter = "calls", DimensionPrices = [new(["eu"], one)] }));
        Assert.Equal(("charges[0].dimensionPrices", "count"), Violation(charge with { DimensionPrices = [] }));
        Assert.Equal(("charges[0].dimensionPrices[0].values", "count"), Violation(charge with { DimensionPrices = [new(["eu", "gold"], one)] }));
        Assert.Equal(("charges[0].dimensionPrices[1].values", "duplicate_values"), Violation(charge with { DimensionPrices = [new(["eu"], one), new(["eu"], one)] }));
        Assert.Equal(("charges[0].dimensionPrices[0].price.model", "flat_has_no_meter"), Violation(charge with { DimensionPrices = [new(["eu"], new Price(PriceModel.Flat, Amount: 1))] }));
        Assert.Equal(("charges[0].dimensionPrices[0].price.tiers[0].upTo", "missing_infinity"), Violation(charge with { DimensionPrices = [new(["eu"], new Price(PriceModel.Volume, Tiers: [new(1, 1, 0)]))] }));
        Assert.Equal(("charges[0].dimensionPrices", "ambiguous_units"), Violation(charge with { IncludedUnits = 1, DimensionPrices = [new(["eu"], one)] }));
    }

    [Fact]
    public void Terms_name_what_is_wrong_with_them()
    {
        static (string, string)? Of(PlanTerms terms) => PlanValidation.Terms("terms", terms) is { } violation ? (violation.Path, violation.Code) : null;
        Assert.Null(Of(new PlanTerms(Proration.Days, new Commitment(100, 1.5m), 5, 500, [new("a", "A", 10, null), new("b", "B", null, 5)], TaxMode.Inclusive, [new("vat", "VAT", 19)])));
        Assert.Equal(("terms.maximum", "below_minimum"), Of(new PlanTerms(Minimum: 2, Maximum: 1)));
        Assert.Equal(("terms.commitment.overageFactor", "out_of_range"), Of(new PlanTerms(Commitment: new Commitment(1, 1001))));
        Assert.Equal(("terms.discounts[1].key", "duplicate_key"), Of(new PlanTerms(Discounts: [new("a", "A", 10, null), new("a", "A", 10, null)])));
        Assert.Equal(("terms.discounts[0].percent", "missing_field"), Of(new PlanTerms(Discounts: [new("a", "A", null, null)])));
        Assert.Equal(("terms.discounts[0].amount", "one_of_two"), Of(new PlanTerms(Discounts: [new("a", "A", 10, 1)])));
        Assert.Equal(("terms.discounts[0].percent", "out_of_range"), Of(new PlanTerms(Discounts: [new("a", "A", 101, null)])));
        Assert.Equal(("terms.taxes[0].percent", "out_of_range"), Of(new PlanTerms(Taxes: [new("vat", "VAT", -1)])));
    }

    [Fact]
    public void Every_list_text_and_figure_has_a_bound()
    {
        var fee = new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 5));
        var usage = new Charge("c", "C", "calls", new Price(PriceModel.PerUnit, UnitPrice: 1));
        var one = new Price(PriceModel.PerUnit, UnitPrice: 1);
        Assert.Equal(("charges", "count"), Violation());
        Assert.Equal(("charges", "count"), Violation([.. Enumerable.Range(0, 101).Select(i => fee with { Key = $"c{i}" })]));
        Assert.Equal(("charges[0].key", "invalid_key"), Violation(fee with { Key = "Not a key" }));
        Assert.Equal(("charges[0].name", "missing_field"), Violation(fee with { Name = "" }));
        Assert.Equal(("charges[0].name", "too_long"), Violation(fee with { Name = new string('n', 256) }));
        Assert.Equal(("charges[0].name", "invalid_text"), Violation(fee with { Name = "a\0" }));
        Assert.Equal(("charges[0].price.amount", "out_of_range"), Violation(fee with { Price = new Price(PriceModel.Flat, Amount: 1_000_000_000_000m) }));
        Assert.Equal(("charges[0].price.amount", "out_of_range"), Violation(fee with { Price = new Price(PriceModel.Flat, Amount: -0.01m) }));
        Assert.Equal(("charges[0].price.tiers", "missing_field"), Violation(usage with { Price = new Price(PriceModel.Volume) }));
        Assert.Equal(("charges[0].price.tiers", "not_of_this_model"), Violation(usage with { Price = one with { Tiers = [new(null, 1, 0)] } }));
        Assert.Equal(("charges[0].price.tiers", "count"), Violation(Tiered([.. Enumerable.Range(1, 101).Select(i => new Tier(i, 1, 0))])));
        Assert.Equal(("charges[0].price.tiers[0].upTo", "overlap"), Violation(Tiered(new Tier(0, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(("charges[0].price.tiers[1].upTo", "overlap"), Violation(Tiered(new Tier(10, 1, 0), new Tier(9, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(("charges[0].price.tiers[0].upTo", "too_precise"), Violation(Tiered(new Tier(0.0000000000001m, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(("charges[0].price.tiers[0].flatFee", "out_of_range"), Violation(Tiered(new Tier(null, 1, -1))));
        Assert.Equal(("charges[0].price.packagePrice", "missing_field"), Violation(usage with { Price = new Price(PriceModel.Package, PackageSize: 1) }));
        Assert.Equal(("charges[0].price.freeUnits", "out_of_range"), Violation(usage with { Price = new Price(PriceModel.Package, PackageSize: 1, PackagePrice: 1, FreeUnits: -1) }));
        Assert.Equal(("charges[0].price.freeEvents", "out_of_range"), Violation(usage with { Price = new Price(PriceModel.Percentage, Percent: 1, FreeEvents: -1) }));
        Assert.Equal(("charges[0].minimum", "too_precise"), Violation(usage with { Minimum = 0.0000000000001m }));
        Assert.Equal(("charges[0].maximum", "out_of_range"), Violation(usage with { Maximum = -1 }));
        var regions = usage with { Meter = "by_region" };
        Assert.Equal(("charges[0].dimensionPrices", "count"), Violation(regions with { DimensionPrices = [.. Enumerable.Range(0, 201).Select(i => new DimensionPrice([$"{i}"], one))] }));
        Assert.Equal(("charges[0].dimensionPrices[0].values[0]", "too_long"), Violation(regions with { DimensionPrices = [new([new string('v', 101)], one)] }));
        // Behind this character usage is not told apart: "a" and "a, then something" would have two prices for the same units.
        Assert.Equal(("charges[0].dimensionPrices[1].values[0]", "invalid_text"), Violation(regions with { DimensionPrices = [new(["a"], one), new(["a\u001fb"], one)] }));
    }

    [Fact]
    public void Every_list_and_figure_of_the_terms_has_a_bound()
    {
        static (string, string)? Of(PlanTerms terms) => PlanValidation.Terms("terms", terms) is { } violation ? (violation.Path, violation.Code) : null;
        Assert.Equal(("terms.minimum", "out_of_range"), Of(new PlanTerms(Minimum: -1)));
        Assert.Equal(("terms.maximum", "too_precise"), Of(new PlanTerms(Maximum: 0.0000000000001m)));
        Assert.Equal(("terms.commitment.amount", "out_of_range"), Of(new PlanTerms(Commitment: new Commitment(-1, 1))));
        Assert.Equal(("terms.commitment.overageFactor", "out_of_range"), Of(new PlanTerms(Commitment: new Commitment(1, -0.5m))));
        Assert.Equal(("terms.discounts", "count"), Of(new PlanTerms(Discounts: [.. Enumerable.Range(0, 21).Select(i => new Discount($"d{i}", "D", 1, null))])));
        Assert.Equal(("terms.discounts[0].key", "invalid_key"), Of(new PlanTerms(Discounts: [new("", "A", 10, null)])));
        Assert.Equal(("terms.discounts[0].name", "missing_field"), Of(new PlanTerms(Discounts: [new("a", "", 10, null)])));
        Assert.Equal(("terms.discounts[0].amount", "out_of_range"), Of(new PlanTerms(Discounts: [new("a", "A", null, -1)])));
        Assert.Equal(("terms.discounts[0].percent", "too_precise"), Of(new PlanTerms(Discounts: [new("a", "A", 0.00000000001m, null)])));
        Assert.Equal(("terms.taxes", "count"), Of(new PlanTerms(Taxes: [.. Enumerable.Range(0, 11).Select(i => new TaxRate($"t{i}", "T", 1))])));
        Assert.Equal(("terms.taxes[1].key", "duplicate_key"), Of(new PlanTerms(Taxes: [new("a", "A", 1), new("a", "A", 1)])));
        Assert.Equal(("terms.taxes[0].percent", "out_of_range"), Of(new PlanTerms(Taxes: [new("a", "A", 100.1m)])));
        Assert.Equal(("terms.taxes[0].percent", "too_precise"), Of(new PlanTerms(Taxes: [new("a", "A", 0.00000000001m)])));
    }

    [Fact]
    public void What_the_first_plan_format_could_say_keeps_its_hash()
    {
        // Taken from the first format's code: stored versions and certificates name these.
        var charges = new[] { new Charge("base", "Base", null, new Price(PriceModel.Flat, Amount: 5)), Tiered(new Tier(100.0m, 0, 0), new Tier(null, 0.01m, 1)) };
        Assert.Equal("66100b2d826494bdc72c9ecc6a63580b8d239025ce36008ff1240ae20dee6d93", PlanContent.Hash("USD", "MONTH", charges));
        Assert.Equal(PlanContent.Hash("USD", "MONTH", charges), PlanContent.Hash("USD", "MONTH", charges, new PlanTerms(Discounts: [], Taxes: [])));
    }

    [Fact]
    public void The_hash_tells_everything_apart_that_rates_apart()
    {
        var fee = new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 5));
        var usage = new Charge("c", "C", "by_region", new Price(PriceModel.Package, PackageSize: 10, PackagePrice: 1));
        var percent = usage with { Price = new Price(PriceModel.Percentage, Percent: 1) };
        var one = new Price(PriceModel.PerUnit, UnitPrice: 1);
        (Charge Charge, PlanTerms Terms)[] contents =
        [
            (fee, PlanTerms.None), (fee with { Timing = BillingTiming.Advance }, PlanTerms.None), (fee with { Proration = Proration.Days }, PlanTerms.None),
            (fee with { Proration = Proration.None }, PlanTerms.None), (usage, PlanTerms.None), (usage with { Price = usage.Price with { PackageRounding = PackageRounding.Down } }, PlanTerms.None),
            (usage with { IncludedUnits = 1 }, PlanTerms.None), (usage with { Minimum = 1 }, PlanTerms.None), (usage with { Maximum = 1 }, PlanTerms.None), (percent, PlanTerms.None),
            (percent with { Price = percent.Price with { FeePerEvent = 1 } }, PlanTerms.None), (percent with { Price = percent.Price with { FreeAmount = 1 } }, PlanTerms.None),
            (percent with { Price = percent.Price with { FreeEvents = 1 } }, PlanTerms.None), (usage with { DimensionPrices = [new(["a"], one)] }, PlanTerms.None),
            (usage with { DimensionPrices = [new(["b"], one)] }, PlanTerms.None), (usage with { DimensionPrices = [new(["a"], one), new(["b"], one)] }, PlanTerms.None),
            (fee, new PlanTerms(Proration.Seconds)), (fee, new PlanTerms(Minimum: 1)), (fee, new PlanTerms(Maximum: 1)), (fee, new PlanTerms(Commitment: new Commitment(1, 1))),
            (fee, new PlanTerms(Commitment: new Commitment(1, 2))), (fee, new PlanTerms(Discounts: [new("a", "A", 1, null)])), (fee, new PlanTerms(Discounts: [new("a", "A", null, 1)])),
            (fee, new PlanTerms(Discounts: [new("a", "A", 1, null), new("b", "B", 1, null)])), (fee, new PlanTerms(Discounts: [new("b", "B", 1, null), new("a", "A", 1, null)])),
            (fee, new PlanTerms(TaxMode: TaxMode.Inclusive)), (fee, new PlanTerms(Taxes: [new("a", "A", 1)])), (fee, new PlanTerms(TaxMode: TaxMode.Inclusive, Taxes: [new("a", "A", 1)])),
        ];
        var hashes = contents.Select(content => PlanContent.Hash("USD", "MONTH", [content.Charge], content.Terms)).ToArray();
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
        var stored = contents.Select(content => PlanContent.Hash(
            "USD", "MONTH", PlanContent.Deserialize(PlanContent.Serialize([content.Charge])), PlanContent.DeserializeTerms(PlanContent.Serialize(content.Terms))));
        Assert.Equal(hashes, stored);
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
