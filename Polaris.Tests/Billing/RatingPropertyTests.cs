using CsCheck;
using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Properties of any plan and any quantity. CsCheck prints the seed of a failure.</summary>
public sealed class RatingPropertyTests
{
    // Many iterations, because a minimum or maximum may hide a difference; each takes microseconds.
    private const int Iterations = 2_000;

    // Up to six places each: products have at most twelve, so the oracle needs no rounding of steps.
    private static readonly Gen<decimal> Figure = Gen.Select(
        Gen.Long[0, 5_000_000],
        Gen.Int[0, 6],
        (mantissa, places) => new decimal(mantissa) / (decimal)Math.Pow(10, places)
    );
    private static readonly Gen<decimal> Quantity = Gen.Select(
        Gen.Long[0, 2_000_000],
        Gen.Int[0, 6],
        (mantissa, places) => new decimal(mantissa) / (decimal)Math.Pow(10, places)
    );

    private static readonly Gen<Tier[]> Tiers = Gen.Select(
        Gen.Select(Gen.Int[1, 5000], Figure, Figure).Array[0, 6],
        Figure,
        Figure,
        (steps, lastUnit, lastFee) =>
        {
            var end = 0m;
            return steps
                .Select(step => new Tier(end += step.Item1 / 8m, step.Item2, step.Item3))
                .Append(new Tier(null, lastUnit, lastFee))
                .ToArray();
        }
    );

    private static readonly Gen<Price> AnyPrice = Gen.OneOf(
        Figure.Select(price => (Price)new PerUnitPrice(price)),
        Tiers.Select(tiers => (Price)new GraduatedPrice(tiers)),
        Tiers.Select(tiers => (Price)new VolumePrice(tiers)),
        Tiers.Select(tiers => (Price)new StairStepPrice(tiers)),
        Gen.Select(
            Gen.Int[1, 5000],
            Figure,
            Quantity,
            Gen.Bool,
            (size, amount, free, down) => (Price)new PackagePrice(size * 0.75m + 500, amount, free, down)
        ),
        Gen.Select(
            Gen.Int[0, 100_000],
            Figure,
            Quantity,
            Gen.Int[0, 20],
            (rate, fee, free, events) => (Price)new PercentagePrice(rate / 1_000_000m, fee, free, events)
        )
    );

    private static readonly Gen<(decimal Included, decimal? Minimum, decimal? Maximum)> Around = Gen.Select(
        Gen.OneOf(Gen.Const(0m), Quantity),
        Gen.OneOf(Gen.Const((decimal?)null), Figure.Select(figure => (decimal?)figure)),
        Gen.OneOf(Gen.Const((decimal?)null), Figure.Select(figure => (decimal?)figure)),
        (included, minimum, maximum) => (included, minimum, maximum < minimum ? minimum : maximum)
    );

    [Fact]
    public void The_engine_agrees_with_a_naive_oracle() =>
        Check.Sample(
            Gen.Select(AnyPrice, Around, Quantity, Gen.Int[0, 40], Gen.Int[0, 3]),
            (price, around, quantity, events, minorUnits) =>
            {
                var charge = new Charge(
                    "c",
                    "C",
                    "m",
                    price,
                    IncludedUnits: around.Included,
                    Minimum: around.Minimum,
                    Maximum: around.Maximum
                );
                var line = RatingEngine.RateLine(charge, new MeterUsage(quantity, events, 0), minorUnits);
                Explanations.Hold(line);
                var exact = Naive.Round(Naive.Cost(price, Math.Max(0, quantity - around.Included), events), 18);
                exact = Math.Max(exact, around.Minimum ?? exact);
                exact = Math.Min(exact, around.Maximum ?? exact);
                Assert.Equal(exact, line.UnroundedAmount);
                Assert.Equal(minorUnits, line.Amount.Scale);
                Assert.Equal(Naive.Round(new Fraction(exact), minorUnits), line.Amount);
            },
            iter: Iterations
        );

    [Fact]
    public void A_negative_quantity_costs_the_negative_of_what_its_absolute_value_costs() =>
        Check.Sample(
            Gen.Select(AnyPrice, Around, Quantity, Gen.Bool, Gen.Int[0, 3]),
            (price, around, quantity, atZero, minorUnits) =>
            {
                var charge = new Charge(
                    "c",
                    "C",
                    "m",
                    price switch
                    {
                        GraduatedPrice graduated => graduated with { FlatFeeAtZero = atZero },
                        VolumePrice volume => volume with { FlatFeeAtZero = atZero },
                        _ => price,
                    },
                    IncludedUnits: around.Included,
                    Maximum: around.Maximum,
                    Discounts: [new Discount("d", "D", 0.125m, null), new Discount("e", "E", null, 1)]
                );
                // Zero itself has no sign: a first flat fee that is due there is due.
                if (quantity <= charge.IncludedUnits)
                    return;
                var (one, other) = (Line(quantity), Line(-quantity));
                Explanations.Hold(other);
                Assert.Equal((one.UnroundedAmount, one.Amount), (-other.UnroundedAmount, -other.Amount));
                Assert.Equal(one.Steps.Select(step => -step.Amount), other.Steps.Select(step => step.Amount));

                RatedLine Line(decimal used) => RatingEngine.RateLine(charge, new MeterUsage(used, 0, 0), minorUnits);
            },
            iter: Iterations
        );

    [Fact]
    public void The_invoice_of_any_plan_is_the_sum_of_its_charges_each_rounded_once() =>
        Check.Sample(
            Gen.Select(AnyPrice.Array[1, 5], Quantity.Array[5], Figure.Array[0, 2], Gen.Int[0, 40]),
            (prices, quantities, fees, events) =>
            {
                var charges = prices
                    .Select((price, i) => new Charge($"c{i}", "C", $"m{i}", price))
                    .Concat(fees.Select((fee, i) => new Charge($"f{i}", "F", null, new FlatPrice(fee))))
                    .ToArray();
                var usage = new PeriodUsage(
                    prices.Select((_, i) => i).ToDictionary(i => $"m{i}", i => new MeterUsage(quantities[i], events, 0))
                );
                var invoice = PublicFormat.Rate(new PlanVersion(Guid.Empty, "p", "USD", "h", charges), usage);
                var costs = prices
                    .Select((price, i) => Naive.Cost(price, quantities[i], events))
                    .Concat(fees.Select(fee => new Fraction(fee)))
                    .ToArray();
                Assert.Equal(costs.Select(cost => Naive.Round(cost, 18)), invoice.Lines.Select(line => line.UnroundedAmount));
                Assert.Equal(costs.Sum(cost => Naive.Round(cost, 2)), invoice.Total);
            },
            iter: Iterations
        );

    [Fact]
    public void Each_combination_of_dimension_values_costs_what_it_costs_alone() =>
        Check.Sample(
            Gen.Select(AnyPrice, AnyPrice, AnyPrice, Quantity.Array[4], Gen.Int[0, 40], Gen.Int),
            (standard, gold, none, quantities, events, seed) =>
            {
                var charge = new Charge("c", "C", "m", standard, [new DimensionPrice(["gold"], gold), new DimensionPrice([""], none)]);
                var used = new[] { "gold", "", "silver", "tin" }
                    .Select((values, i) => new DimensionUsage(values, new MeterUsage(quantities[i], events, (ulong)i)))
                    .ToArray();
                new Random(seed).Shuffle(used);
                var usage = new PeriodUsage(
                    PeriodUsage.Empty.Totals,
                    new Dictionary<string, IReadOnlyList<DimensionUsage>> { ["m"] = used }
                );
                var line = PublicFormat.Rate(new PlanVersion(Guid.Empty, "p", "USD", "h", [charge]), usage).Lines[0];
                var exact = new[] { gold, none, standard, standard }
                    .Select((price, i) => Naive.Cost(price, quantities[i], events))
                    .Aggregate((sum, cost) => sum + cost);
                Assert.Equal(Naive.Round(exact, 18), line.UnroundedAmount);
                Assert.Equal(new MeterUsage(quantities.Sum(), 4L * events, 6), line.Usage);
            },
            iter: Iterations
        );

    [Fact]
    public void More_usage_never_costs_less_where_the_model_says_so() =>
        Check.Sample(
            Gen.Select(AnyPrice, Around, Quantity, Quantity),
            (price, around, first, second) =>
            {
                // Volume prices may fall where a tier is crossed; stair steps may when a plan's fees fall.
                if (price is VolumePrice)
                    return;
                if (
                    price is StairStepPrice stairs
                    && stairs.Tiers.Zip(stairs.Tiers.Skip(1)).Any(pair => pair.Second.FlatFee < pair.First.FlatFee)
                )
                    return;
                var charge = new Charge(
                    "c",
                    "C",
                    "m",
                    price,
                    IncludedUnits: around.Included,
                    Minimum: around.Minimum,
                    Maximum: around.Maximum
                );
                var (less, more) = (
                    RatingEngine.RateLine(charge, new MeterUsage(Math.Min(first, second), 5, 0), 2),
                    RatingEngine.RateLine(charge, new MeterUsage(Math.Max(first, second), 5, 0), 2)
                );
                Assert.True(less.Amount <= more.Amount, $"{less.Amount} > {more.Amount}");
            },
            iter: Iterations
        );

    [Fact]
    public void Lines_sum_to_the_invoice_and_agree_with_terms_applied_by_hand() =>
        Check.Sample(
            Gen.Select(
                Quantity.Array[1, 4],
                Gen.Int[0, 100_000],
                Gen.Int[0, 30],
                Gen.Int[0, 40_000].Array[0, 3],
                Gen.Int[0, 2500].Array[0, 3],
                Gen.Bool
            ),
            (quantities, commitment, factor, discounts, taxes, included) =>
            {
                var charges = quantities.Select((_, i) => new Charge($"c{i}", "C", $"m{i}", new PerUnitPrice(0.5m))).ToArray();
                var terms = new PlanTerms(
                    Proration.None,
                    new Commitment(commitment, factor / 10m),
                    commitment / 2m,
                    commitment * 3m,
                    [
                        .. discounts.Select(
                            (discount, i) =>
                                i % 2 == 0
                                    ? new Discount($"d{i}", "D", discount / 100_000m, null)
                                    : new Discount($"d{i}", "D", null, discount / 100m)
                        ),
                    ],
                    included,
                    [.. taxes.Select((tax, i) => new TaxRate($"t{i}", "T", tax / 10_000m))]
                );
                var usage = new PeriodUsage(
                    quantities
                        .Select((quantity, i) => (quantity, i))
                        .ToDictionary(used => $"m{used.i}", used => new MeterUsage(used.quantity, 1, 0))
                );
                var invoice = PublicFormat.Rate(new PlanVersion(Guid.Empty, "p", "USD", "h", charges, terms), usage);

                static decimal Cents(decimal amount) => Naive.Round(new Fraction(amount), 2);
                var used = quantities.Sum(quantity => Cents(quantity * 0.5m));
                var sum = used < commitment ? commitment : used + Cents((used - commitment) * ((factor / 10m) - 1));
                sum = Math.Clamp(sum, Cents(commitment / 2m), Math.Max(Cents(commitment / 2m), commitment * 3m));
                for (var i = 0; i < discounts.Length; i++)
                    sum -=
                        sum <= 0 ? 0
                        : i % 2 == 0 ? Cents(sum * discounts[i] / 100_000m)
                        : Math.Min(sum, discounts[i] / 100m);
                var rates = taxes.Sum(rate => rate / 10_000m);
                var tax = taxes.Sum(rate =>
                    included ? Naive.Round(new Fraction(sum * rate / 10_000m) / new Fraction(1 + rates), 2) : Cents(sum * rate / 10_000m)
                );
                Assert.Equal((included ? sum : sum + tax, tax), (invoice.Total, invoice.Tax));
                Assert.True(invoice.Total >= 0);
            },
            iter: Iterations
        );

    [Fact]
    public void Splitting_a_period_never_changes_what_its_parts_cost_together() =>
        Check.Sample(
            Gen.Select(Figure, Gen.Int[1, 2975].Array[0, 5], Gen.Int[0, 2], Gen.Int[0, 2]),
            (fee, cuts, proration, zoneIndex) =>
            {
                var zone = DateTimeZoneProviders.Tzdb[new[] { "UTC", "Europe/Berlin", "Australia/Lord_Howe" }[zoneIndex]];
                var (start, end) = (
                    new LocalDate(2026, 10, 1).AtStartOfDayInZone(zone).ToInstant(),
                    new LocalDate(2026, 11, 1).AtStartOfDayInZone(zone).ToInstant()
                );
                var whole = new BillingPeriod(start, end);
                var edges = cuts.Select(cut => start + (Buckets.Size * cut))
                    .Where(edge => edge < end)
                    .Append(start)
                    .Append(end)
                    .Distinct()
                    .Order()
                    .ToArray();
                var unit = proration == 0 ? Proration.Seconds : Proration.Days;
                var plan = new PlanVersion(Guid.Empty, "p", "USD", "h", [new Charge("f", "F", null, new FlatPrice(fee), Proration: unit)]);
                var parts = edges
                    .Zip(edges.Skip(1))
                    .Select(pair => new BillingPeriod(pair.First, pair.Second))
                    .Select(part =>
                        PublicFormat
                            .Rate(
                                plan,
                                0,
                                period: new InvoicePeriod(
                                    new BilledSpan(part, whole),
                                    [new PlanPart(part, plan)],
                                    null,
                                    null,
                                    zone,
                                    InvoiceExtras.None
                                )
                            )
                            .Lines[0]
                            .UnroundedAmount
                    )
                    .ToArray();
                // Each part was rounded in its twelfth place.
                Assert.True(Math.Abs(parts.Sum() - fee) <= parts.Length * 0.0000000000005m, $"{parts.Sum()} is not {fee}");
            }
        );

    [Fact]
    public void Neither_order_nor_grouping_of_events_changes_a_quantity_and_levels_carry_over_period_ends() =>
        Check.Sample(
            Gen.Select(
                Gen.Select(Gen.Int[0, 2_591_999], Gen.Long[-5_000_000, 5_000_000]).Array[0, 30],
                Gen.Int[1, 2879],
                Gen.Int,
                Gen.Int[-100, 100]
            ),
            (events, cut, seed, opening) =>
            {
                var period = PublicFormat.November;
                var all = events
                    .Select(
                        (sample, i) => (At: period.Start + Duration.FromSeconds(sample.Item1), Value: sample.Item2 / 1000m, Hash: (ulong)i)
                    )
                    .ToArray();
                var shuffled = all.ToArray();
                new Random(seed).Shuffle(shuffled);
                foreach (
                    var aggregation in Enum.GetValues<MeterAggregation>().Where(candidate => candidate != MeterAggregation.UniqueCount)
                )
                    Assert.Equal(Totals(all).ToUsage(aggregation, period, opening), Totals(shuffled).ToUsage(aggregation, period, opening));

                var middle = period.Start + (Buckets.Size * cut);
                var (first, second) = (new BillingPeriod(period.Start, middle), new BillingPeriod(middle, period.End));
                var early = Totals(all.Where(sample => sample.At < middle));
                var late = Totals(all.Where(sample => sample.At >= middle));
                foreach (var additive in new[] { MeterAggregation.Count, MeterAggregation.Sum })
                    Assert.Equal(
                        Totals(all).ToUsage(additive).Quantity,
                        early.ToUsage(additive).Quantity + late.ToUsage(additive).Quantity
                    );
                var together = (Area(early, first, opening) + Area(late, second, opening + early.Total)) / (decimal)Seconds(period);
                Assert.True(
                    Math.Abs(together - Totals(all).ToUsage(MeterAggregation.WeightedSum, period, opening).Quantity) < 0.00000000001m
                );
            }
        );

    private static decimal Area(UsageTotals totals, BillingPeriod period, ExactTotal opening) =>
        totals.ToUsage(MeterAggregation.WeightedSum, period, opening).Quantity * Seconds(period);

    private static long Seconds(BillingPeriod period) => (long)(period.End - period.Start).TotalSeconds;

    private static UsageTotals Totals(IEnumerable<(Instant At, decimal Value, ulong Hash)> events)
    {
        var totals = new UsageTotals();
        foreach (var (at, value, hash) in events)
            totals.Add(new Measurement(value, Guid.Empty, at.ToUnixTimeTicks() / 10, ChangesLevel: true), hash);
        return totals;
    }
}
