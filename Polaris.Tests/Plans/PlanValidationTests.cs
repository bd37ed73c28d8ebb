using Polaris.Plans.Domain;
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
        Assert.Null(
            Violation(
                new Charge("base", "Base", null, new Price(PriceModel.Flat, Amount: 5)),
                Tiered(new Tier(100, 0, 0), new Tier(1000, 0.01m, 1), new Tier(null, 0.005m, 0)) with
                {
                    Key = "t",
                },
                new Charge("p", "P", "calls", new Price(PriceModel.Package, PackageSize: 10, PackagePrice: 1, FreeUnits: 5))
            )
        );
    }

    [Fact]
    public void Tiers_rise_and_end_without_an_end()
    {
        Assert.Equal(("charges[0].price.tiers[1].upTo", "missing_infinity"), Violation(Tiered(new Tier(10, 1, 0), new Tier(20, 1, 0))));
        Assert.Equal(
            ("charges[0].price.tiers[1].upTo", "overlap"),
            Violation(Tiered(new Tier(10, 1, 0), new Tier(10, 1, 0), new Tier(null, 1, 0)))
        );
        Assert.Equal(("charges[0].price.tiers[0].upTo", "unreachable_tier"), Violation(Tiered(new Tier(null, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(("charges[0].price.tiers", "count"), Violation(Tiered()));
        Assert.Equal(("charges[0].price.tiers[0].unitPrice", "out_of_range"), Violation(Tiered(new Tier(null, -1, 0))));
        Assert.Equal(("charges[0].price.tiers[0].unitPrice", "too_precise"), Violation(Tiered(new Tier(null, 0.0000000000001m, 0))));
    }

    [Fact]
    public void A_price_has_the_figures_of_its_model_and_no_others()
    {
        Assert.Equal(("charges[0].price.amount", "missing_field"), Violation(new Charge("c", "C", null, new Price(PriceModel.Flat))));
        Assert.Equal(
            ("charges[0].meter", "flat_has_no_meter"),
            Violation(new Charge("c", "C", "calls", new Price(PriceModel.Flat, Amount: 1)))
        );
        Assert.Equal(
            ("charges[0].meter", "missing_field"),
            Violation(new Charge("c", "C", null, new Price(PriceModel.PerUnit, UnitPrice: 1)))
        );
        Assert.Equal(
            ("charges[0].price.amount", "not_of_this_model"),
            Violation(new Charge("c", "C", "calls", new Price(PriceModel.PerUnit, UnitPrice: 1, Amount: 1)))
        );
        Assert.Equal(
            ("charges[0].price.packageSize", "out_of_range"),
            Violation(new Charge("c", "C", "calls", new Price(PriceModel.Package, PackageSize: 0, PackagePrice: 1)))
        );
        Assert.Equal(
            ("charges[1].key", "duplicate_key"),
            Violation(
                new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 1)),
                new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 1))
            )
        );
        Assert.Equal(
            ("charges[0].meter", "unknown_meter"),
            Violation(new Charge("c", "C", "none", new Price(PriceModel.PerUnit, UnitPrice: 1)))
        );
    }

    [Fact]
    public void Each_model_asks_for_its_own_figures()
    {
        static (string, string)? Of(Price price) => Violation(new Charge("c", "C", "calls", price));
        Assert.Null(Of(new Price(PriceModel.StairStep, Tiers: [new(10, null, 5), new(null, null, 8)])));
        Assert.Null(Of(new Price(PriceModel.Percentage, Percent: 2.9m, FeePerEvent: 0.3m, FreeAmount: 100, FreeEvents: 3)));
        Assert.Null(Of(new Price(PriceModel.GraduatedPercentage, Tiers: [new(1000, null, 200, 1), new(null, null, 300, 2)])));
        Assert.Equal(
            ("charges[0].price.tiers[0].flatFee", "missing_field"),
            Of(new Price(PriceModel.StairStep, Tiers: [new(null, null, null)]))
        );
        Assert.Equal(
            ("charges[0].price.tiers[0].unitPrice", "not_of_this_model"),
            Of(new Price(PriceModel.StairStep, Tiers: [new(null, 1, 5)]))
        );
        Assert.Equal(
            ("charges[0].price.tiers[0].unitPrice", "missing_field"),
            Of(new Price(PriceModel.Graduated, Tiers: [new(null, null, 5)]))
        );
        Assert.Equal(
            ("charges[0].price.tiers[1].percent", "missing_field"),
            Of(new Price(PriceModel.GraduatedPercentage, Tiers: [new(10, null, 0, 1), new(null, null, 0)]))
        );
        Assert.Equal(("charges[0].price.percent", "missing_field"), Of(new Price(PriceModel.Percentage)));
        Assert.Equal(("charges[0].price.percent", "out_of_range"), Of(new Price(PriceModel.Percentage, Percent: 1000.1m)));
        Assert.Equal(("charges[0].price.percent", "too_precise"), Of(new Price(PriceModel.Percentage, Percent: 0.00000000001m)));
        Assert.Equal(
            ("charges[0].price.feePerEvent", "not_of_this_model"),
            Of(new Price(PriceModel.PerUnit, UnitPrice: 1, FeePerEvent: 1))
        );
        Assert.Equal(
            ("charges[0].price.packageRounding", "not_of_this_model"),
            Of(new Price(PriceModel.PerUnit, UnitPrice: 1, PackageRounding: PackageRounding.Down))
        );
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
        var price = new Price(PriceModel.PerUnit, UnitPrice: 1);
        var charge = new Charge("c", "C", "by_region", price);
        Assert.Null(Violation(charge with { DimensionPrices = [new(["eu"], price), new([""], price)] }));
        Assert.Equal(
            ("charges[0].dimensionPrices", "no_dimensions"),
            Violation(charge with { Meter = "calls", DimensionPrices = [new(["eu"], price)] })
        );
        Assert.Equal(("charges[0].dimensionPrices", "count"), Violation(charge with { DimensionPrices = [] }));
        Assert.Equal(
            ("charges[0].dimensionPrices[0].values", "count"),
            Violation(charge with { DimensionPrices = [new(["eu", "gold"], price)] })
        );
        Assert.Equal(
            ("charges[0].dimensionPrices[1].values", "duplicate_values"),
            Violation(charge with { DimensionPrices = [new(["eu"], price), new(["eu"], price)] })
        );
        Assert.Equal(
            ("charges[0].dimensionPrices[0].price.model", "flat_has_no_meter"),
            Violation(charge with { DimensionPrices = [new(["eu"], new Price(PriceModel.Flat, Amount: 1))] })
        );
        Assert.Equal(
            ("charges[0].dimensionPrices[0].price.tiers[0].upTo", "missing_infinity"),
            Violation(charge with { DimensionPrices = [new(["eu"], new Price(PriceModel.Volume, Tiers: [new(1, 1, 0)]))] })
        );
        Assert.Equal(
            ("charges[0].dimensionPrices", "ambiguous_units"),
            Violation(charge with { IncludedUnits = 1, DimensionPrices = [new(["eu"], price)] })
        );
    }

    [Fact]
    public void Terms_name_what_is_wrong_with_them()
    {
        static (string, string)? Of(PlanTerms terms) =>
            PlanValidation.Terms("terms", terms) is { } violation ? (violation.Path, violation.Code) : null;
        Assert.Null(
            Of(
                new PlanTerms(
                    Proration.Days,
                    new Commitment(100, 1.5m),
                    5,
                    500,
                    [new("a", "A", 10, null), new("b", "B", null, 5)],
                    TaxMode.Inclusive,
                    [new("vat", "VAT", 19)]
                )
            )
        );
        Assert.Equal(("terms.maximum", "below_minimum"), Of(new PlanTerms(Minimum: 2, Maximum: 1)));
        Assert.Equal(("terms.commitment.overageFactor", "out_of_range"), Of(new PlanTerms(Commitment: new Commitment(1, 1001))));
        Assert.Equal(
            ("terms.discounts[1].key", "duplicate_key"),
            Of(new PlanTerms(Discounts: [new("a", "A", 10, null), new("a", "A", 10, null)]))
        );
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
        var price = new Price(PriceModel.PerUnit, UnitPrice: 1);
        Assert.Equal(("charges", "count"), Violation());
        Assert.Equal(("charges", "count"), Violation([.. Enumerable.Range(0, 101).Select(i => fee with { Key = $"c{i}" })]));
        Assert.Equal(("charges[0].key", "invalid_key"), Violation(fee with { Key = "Not a key" }));
        Assert.Equal(("charges[0].name", "missing_field"), Violation(fee with { Name = "" }));
        Assert.Equal(("charges[0].name", "too_long"), Violation(fee with { Name = new string('n', 256) }));
        Assert.Equal(("charges[0].name", "invalid_text"), Violation(fee with { Name = "a\0" }));
        Assert.Equal(
            ("charges[0].price.amount", "out_of_range"),
            Violation(fee with { Price = new Price(PriceModel.Flat, Amount: 1_000_000_000_000m) })
        );
        Assert.Equal(
            ("charges[0].price.amount", "out_of_range"),
            Violation(fee with { Price = new Price(PriceModel.Flat, Amount: -0.01m) })
        );
        Assert.Equal(("charges[0].price.tiers", "missing_field"), Violation(usage with { Price = new Price(PriceModel.Volume) }));
        Assert.Equal(
            ("charges[0].price.tiers", "not_of_this_model"),
            Violation(usage with { Price = price with { Tiers = [new(null, 1, 0)] } })
        );
        Assert.Equal(("charges[0].price.tiers", "count"), Violation(Tiered([.. Enumerable.Range(1, 101).Select(i => new Tier(i, 1, 0))])));
        Assert.Equal(("charges[0].price.tiers[0].upTo", "overlap"), Violation(Tiered(new Tier(0, 1, 0), new Tier(null, 1, 0))));
        Assert.Equal(
            ("charges[0].price.tiers[1].upTo", "overlap"),
            Violation(Tiered(new Tier(10, 1, 0), new Tier(9, 1, 0), new Tier(null, 1, 0)))
        );
        Assert.Equal(
            ("charges[0].price.tiers[0].upTo", "too_precise"),
            Violation(Tiered(new Tier(0.0000000000001m, 1, 0), new Tier(null, 1, 0)))
        );
        Assert.Equal(("charges[0].price.tiers[0].flatFee", "out_of_range"), Violation(Tiered(new Tier(null, 1, -1))));
        Assert.Equal(
            ("charges[0].price.packagePrice", "missing_field"),
            Violation(usage with { Price = new Price(PriceModel.Package, PackageSize: 1) })
        );
        Assert.Equal(
            ("charges[0].price.freeUnits", "out_of_range"),
            Violation(usage with { Price = new Price(PriceModel.Package, PackageSize: 1, PackagePrice: 1, FreeUnits: -1) })
        );
        Assert.Equal(
            ("charges[0].price.freeEvents", "out_of_range"),
            Violation(usage with { Price = new Price(PriceModel.Percentage, Percent: 1, FreeEvents: -1) })
        );
        Assert.Equal(("charges[0].minimum", "too_precise"), Violation(usage with { Minimum = 0.0000000000001m }));
        Assert.Equal(("charges[0].maximum", "out_of_range"), Violation(usage with { Maximum = -1 }));
        var regions = usage with { Meter = "by_region" };
        Assert.Equal(
            ("charges[0].dimensionPrices", "count"),
            Violation(regions with { DimensionPrices = [.. Enumerable.Range(0, 201).Select(i => new DimensionPrice([$"{i}"], price))] })
        );
        Assert.Equal(
            ("charges[0].dimensionPrices[0].values[0]", "too_long"),
            Violation(regions with { DimensionPrices = [new([new string('v', 101)], price)] })
        );
        // Values are cut at this character: "a" and "a, then something" would give the same units two prices.
        Assert.Equal(
            ("charges[0].dimensionPrices[1].values[0]", "invalid_text"),
            Violation(regions with { DimensionPrices = [new(["a"], price), new(["a\u001fb"], price)] })
        );
    }

    [Fact]
    public void Every_list_and_figure_of_the_terms_has_a_bound()
    {
        static (string, string)? Of(PlanTerms terms) =>
            PlanValidation.Terms("terms", terms) is { } violation ? (violation.Path, violation.Code) : null;
        Assert.Equal(("terms.minimum", "out_of_range"), Of(new PlanTerms(Minimum: -1)));
        Assert.Equal(("terms.maximum", "too_precise"), Of(new PlanTerms(Maximum: 0.0000000000001m)));
        Assert.Equal(("terms.commitment.amount", "out_of_range"), Of(new PlanTerms(Commitment: new Commitment(-1, 1))));
        Assert.Equal(("terms.commitment.overageFactor", "out_of_range"), Of(new PlanTerms(Commitment: new Commitment(1, -0.5m))));
        Assert.Equal(
            ("terms.discounts", "count"),
            Of(new PlanTerms(Discounts: [.. Enumerable.Range(0, 21).Select(i => new Discount($"d{i}", "D", 1, null))]))
        );
        Assert.Equal(("terms.discounts[0].key", "invalid_key"), Of(new PlanTerms(Discounts: [new("", "A", 10, null)])));
        Assert.Equal(("terms.discounts[0].name", "missing_field"), Of(new PlanTerms(Discounts: [new("a", "", 10, null)])));
        Assert.Equal(("terms.discounts[0].amount", "out_of_range"), Of(new PlanTerms(Discounts: [new("a", "A", null, -1)])));
        Assert.Equal(("terms.discounts[0].percent", "too_precise"), Of(new PlanTerms(Discounts: [new("a", "A", 0.00000000001m, null)])));
        Assert.Equal(
            ("terms.taxes", "count"),
            Of(new PlanTerms(Taxes: [.. Enumerable.Range(0, 11).Select(i => new TaxRate($"t{i}", "T", 1))]))
        );
        Assert.Equal(("terms.taxes[1].key", "duplicate_key"), Of(new PlanTerms(Taxes: [new("a", "A", 1), new("a", "A", 1)])));
        Assert.Equal(("terms.taxes[0].percent", "out_of_range"), Of(new PlanTerms(Taxes: [new("a", "A", 100.1m)])));
        Assert.Equal(("terms.taxes[0].percent", "too_precise"), Of(new PlanTerms(Taxes: [new("a", "A", 0.00000000001m)])));
    }

    [Fact]
    public void What_the_first_plan_format_could_say_keeps_its_hash()
    {
        // From the code of the first format: stored versions and certificates contain these hashes.
        var charges = new[]
        {
            new Charge("base", "Base", null, new Price(PriceModel.Flat, Amount: 5)),
            Tiered(new Tier(100.0m, 0, 0), new Tier(null, 0.01m, 1)),
        };
        Assert.Equal("66100b2d826494bdc72c9ecc6a63580b8d239025ce36008ff1240ae20dee6d93", PlanContent.Hash("USD", "MONTH", charges));
        Assert.Equal(
            PlanContent.Hash("USD", "MONTH", charges),
            PlanContent.Hash("USD", "MONTH", charges, new PlanTerms(Discounts: [], Taxes: []))
        );
    }

    [Fact]
    public void What_the_second_plan_format_could_say_keeps_its_hash()
    {
        // Worked out apart from this code, field by field.
        var charges = new[]
        {
            new Charge(
                "base",
                "Base",
                null,
                new Price(PriceModel.Flat, Amount: 5),
                Timing: BillingTiming.Advance,
                Proration: Proration.Days
            ),
            new Charge(
                "c",
                "C",
                "by_region",
                new Price(PriceModel.StairStep, Tiers: [new(10, null, 5), new(null, null, 8)]),
                [new(["eu"], new Price(PriceModel.PerUnit, UnitPrice: 0.50m))],
                Minimum: 1,
                Maximum: 2
            ),
        };
        var terms = new PlanTerms(
            Proration.Days,
            new Commitment(100, 1.5m),
            5,
            500,
            [new("d", "D", 10, null)],
            TaxMode.Inclusive,
            [new("vat", "VAT", 19)]
        );
        const string hash = "67281007366fd2d10bfb3a82ef328f8b73e0f134e867399aa9a37676448c56fb";
        Assert.Equal(hash, PlanContent.Hash("EUR", "MONTH", charges, terms));
        // What the new fields say by default is not said.
        charges[0] = charges[0] with
        {
            Discounts = [],
        };
        charges[1] = charges[1] with { Price = charges[1].Price with { FlatFeeAtZero = false } };
        Assert.Equal(hash, PlanContent.Hash("EUR", "MONTH", charges, terms));
    }

    [Fact]
    public void A_flat_fee_at_zero_a_tiers_package_and_a_charges_discounts_have_their_rules()
    {
        var graduated = new Price(PriceModel.Graduated, Tiers: [new(10, 1, 5, PackageSize: 100), new(null, 1, 0)], FlatFeeAtZero: true);
        var usage = new Charge("c", "C", "calls", graduated, Discounts: [new("d", "D", 10, null), new("e", "E", null, 5)]);
        var fee = new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 5), Discounts: [new("d", "D", 10, null)]);
        Assert.Null(Violation(usage));
        Assert.Null(Violation(fee));
        (string, string)? Of(Price price) => Violation(usage with { Price = price });
        Assert.Null(Of(new Price(PriceModel.Volume, Tiers: [new(null, 1, 5)], FlatFeeAtZero: true)));
        Assert.Null(Of(new Price(PriceModel.StairStep, Tiers: [new(null, null, 5)], FlatFeeAtZero: true)));
        foreach (
            var price in new[]
            {
                new Price(PriceModel.PerUnit, UnitPrice: 1),
                new Price(PriceModel.Package, PackageSize: 1, PackagePrice: 1),
                new Price(PriceModel.Percentage, Percent: 1),
                new Price(PriceModel.GraduatedPercentage, Tiers: [new(null, null, 5, 1)]),
            }
        )
            Assert.Equal(("charges[0].price.flatFeeAtZero", "not_of_this_model"), Of(price with { FlatFeeAtZero = false }));
        Assert.Null(Of(new Price(PriceModel.Volume, Tiers: [new(null, 1, 5, null, PackageSize: 10)])));
        Assert.Equal(
            ("charges[0].price.tiers[0].packageSize", "not_of_this_model"),
            Of(new Price(PriceModel.StairStep, Tiers: [new(null, null, 5, null, PackageSize: 1)]))
        );
        Assert.Equal(
            ("charges[0].price.tiers[0].packageSize", "not_of_this_model"),
            Of(new Price(PriceModel.GraduatedPercentage, Tiers: [new(null, null, 5, 1, PackageSize: 1)]))
        );
        (string, string)? Sized(decimal size) => Of(new Price(PriceModel.Graduated, Tiers: [new(9, 1, 0), new(null, 1, 0, null, size)]));
        Assert.Equal(("charges[0].price.tiers[1].packageSize", "out_of_range"), Sized(0));
        Assert.Equal(("charges[0].price.tiers[1].packageSize", "out_of_range"), Sized(-1));
        Assert.Equal(("charges[0].price.tiers[1].packageSize", "out_of_range"), Sized(1_000_000_000_000m));
        Assert.Equal(("charges[0].price.tiers[1].packageSize", "too_precise"), Sized(0.0000000000001m));
        (string, string)? Off(params Discount[] discounts) => Violation(usage with { Discounts = discounts });
        Assert.Equal(("charges[0].discounts[1].key", "duplicate_key"), Off(new("d", "D", 1, null), new("d", "D", 1, null)));
        Assert.Equal(("charges[0].discounts[0].percent", "missing_field"), Off(new Discount("d", "D", null, null)));
        Assert.Equal(("charges[0].discounts[0].amount", "one_of_two"), Off(new Discount("d", "D", 1, 1)));
        Assert.Equal(("charges[0].discounts[0].percent", "out_of_range"), Off(new Discount("d", "D", 101, null)));
        Assert.Equal(("charges[0].discounts[0].amount", "too_precise"), Off(new Discount("d", "D", null, 0.0000000000001m)));
        Assert.Equal(("charges[0].discounts", "count"), Off([.. Enumerable.Range(0, 21).Select(i => new Discount($"d{i}", "D", 1, null))]));
    }

    [Fact]
    public void A_fee_of_an_event_has_bounds_and_no_more_places_than_a_meter_measures()
    {
        static (string, string)? Of(EventFee fee) =>
            PlanValidation.EventFee("input.eventFee", fee) is { } violation ? (violation.Path, violation.Code) : null;
        Assert.Null(Of(new EventFee(2.9m, 0.30m, 0.30m, 5)));
        Assert.Null(Of(new EventFee(0, null, null, null)));
        Assert.Equal(("input.eventFee.percent", "out_of_range"), Of(new EventFee(100.1m, null, null, null)));
        Assert.Equal(("input.eventFee.percent", "out_of_range"), Of(new EventFee(-1, null, null, null)));
        Assert.Equal(("input.eventFee.percent", "too_precise"), Of(new EventFee(0.00000000001m, null, null, null)));
        Assert.Equal(("input.eventFee.fixed", "out_of_range"), Of(new EventFee(1, -1, null, null)));
        Assert.Equal(("input.eventFee.fixed", "too_precise"), Of(new EventFee(1, 0.0000000001m, null, null)));
        Assert.Equal(("input.eventFee.minimum", "out_of_range"), Of(new EventFee(1, null, 1_000_000_000_000m, null)));
        Assert.Equal(("input.eventFee.maximum", "too_precise"), Of(new EventFee(1, null, null, 0.0000000001m)));
        Assert.Equal(("input.eventFee.maximum", "below_minimum"), Of(new EventFee(1, null, 2, 1)));
    }

    [Fact]
    public void The_hash_tells_everything_apart_that_rates_apart()
    {
        var fee = new Charge("c", "C", null, new Price(PriceModel.Flat, Amount: 5));
        var usage = new Charge("c", "C", "by_region", new Price(PriceModel.Package, PackageSize: 10, PackagePrice: 1));
        var percent = usage with { Price = new Price(PriceModel.Percentage, Percent: 1) };
        var price = new Price(PriceModel.PerUnit, UnitPrice: 1);
        var tiered = usage with { Price = new Price(PriceModel.Graduated, Tiers: [new(1, 1, 1), new(null, 2, 2)]) };
        (Charge Charge, PlanTerms Terms)[] contents =
        [
            (tiered, PlanTerms.None),
            (tiered with { Price = tiered.Price with { FlatFeeAtZero = true } }, PlanTerms.None),
            (tiered with { Price = tiered.Price with { Tiers = [new(1, 1, 1, null, 5), new(null, 2, 2)] } }, PlanTerms.None),
            (tiered with { Price = tiered.Price with { Tiers = [new(1, 1, 1), new(null, 2, 2, null, 5)] } }, PlanTerms.None),
            (usage with { DimensionPrices = [new(["a"], tiered.Price with { FlatFeeAtZero = true })] }, PlanTerms.None),
            (fee with { Discounts = [new("a", "A", 1, null)] }, PlanTerms.None),
            (fee with { Discounts = [new("a", "A", null, 1)] }, PlanTerms.None),
            (fee with { Discounts = [new("a", "A", 1, null)] }, new PlanTerms(Minimum: 1)),
            (fee, PlanTerms.None),
            (fee with { Timing = BillingTiming.Advance }, PlanTerms.None),
            (fee with { Proration = Proration.Days }, PlanTerms.None),
            (fee with { Proration = Proration.None }, PlanTerms.None),
            (usage, PlanTerms.None),
            (usage with { Price = usage.Price with { PackageRounding = PackageRounding.Down } }, PlanTerms.None),
            (usage with { IncludedUnits = 1 }, PlanTerms.None),
            (usage with { Minimum = 1 }, PlanTerms.None),
            (usage with { Maximum = 1 }, PlanTerms.None),
            (percent, PlanTerms.None),
            (percent with { Price = percent.Price with { FeePerEvent = 1 } }, PlanTerms.None),
            (percent with { Price = percent.Price with { FreeAmount = 1 } }, PlanTerms.None),
            (percent with { Price = percent.Price with { FreeEvents = 1 } }, PlanTerms.None),
            (usage with { DimensionPrices = [new(["a"], price)] }, PlanTerms.None),
            (usage with { DimensionPrices = [new(["b"], price)] }, PlanTerms.None),
            (usage with { DimensionPrices = [new(["a"], price), new(["b"], price)] }, PlanTerms.None),
            (fee, new PlanTerms(Proration.Seconds)),
            (fee, new PlanTerms(Minimum: 1)),
            (fee, new PlanTerms(Maximum: 1)),
            (fee, new PlanTerms(Commitment: new Commitment(1, 1))),
            (fee, new PlanTerms(Commitment: new Commitment(1, 2))),
            (fee, new PlanTerms(Discounts: [new("a", "A", 1, null)])),
            (fee, new PlanTerms(Discounts: [new("a", "A", null, 1)])),
            (fee, new PlanTerms(Discounts: [new("a", "A", 1, null), new("b", "B", 1, null)])),
            (fee, new PlanTerms(Discounts: [new("b", "B", 1, null), new("a", "A", 1, null)])),
            (fee, new PlanTerms(TaxMode: TaxMode.Inclusive)),
            (fee, new PlanTerms(Taxes: [new("a", "A", 1)])),
            (fee, new PlanTerms(TaxMode: TaxMode.Inclusive, Taxes: [new("a", "A", 1)])),
        ];
        var hashes = contents.Select(content => PlanContent.Hash("USD", "MONTH", [content.Charge], content.Terms)).ToArray();
        Assert.Equal(hashes.Length, hashes.Distinct().Count());
        var stored = contents.Select(content =>
            PlanContent.Hash(
                "USD",
                "MONTH",
                PlanContent.Deserialize(PlanContent.Serialize([content.Charge])),
                PlanContent.DeserializeTerms(PlanContent.Serialize(content.Terms))
            )
        );
        Assert.Equal(hashes, stored);
    }

    [Fact]
    public void The_hash_is_over_what_a_version_charges()
    {
        static string Hash(decimal amount, string key = "c") =>
            PlanContent.Hash("USD", "MONTH", [new Charge(key, "C", null, new Price(PriceModel.Flat, Amount: amount))]);
        Assert.Equal(Hash(0.10m), Hash(0.1m));
        Assert.NotEqual(Hash(0.1m), Hash(0.11m));
        Assert.NotEqual(Hash(0.1m), Hash(0.1m, "d"));
        var charges = new[] { Tiered(new Tier(10.50m, 1, 0), new Tier(null, 0.005m, 0)) };
        Assert.Equal(
            PlanContent.Hash("USD", "MONTH", charges),
            PlanContent.Hash("USD", "MONTH", PlanContent.Deserialize(PlanContent.Serialize(charges)))
        );
    }

    [Theory]
    [InlineData("USD", 2)]
    [InlineData("JPY", 0)]
    [InlineData("KWD", 3)]
    public void Currencies_have_the_minor_units_of_iso_4217(string code, int places) => Assert.Equal(places, Currencies.MinorUnits(code));

    [Fact]
    public void An_aggregation_has_the_same_number_on_the_wire() =>
        Assert.Equal(
            Enum.GetValues<Polaris.Plans.V1.Aggregation>()
                .Where(aggregation => aggregation != Polaris.Plans.V1.Aggregation.Unspecified)
                .Select(aggregation => ((int)aggregation, aggregation.ToString())),
            Enum.GetValues<MeterAggregation>().Select(aggregation => ((int)aggregation, aggregation.ToString()))
        );
}
