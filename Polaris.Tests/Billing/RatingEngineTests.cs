using CsCheck;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

public sealed class RatingEngineTests
{
    private static readonly Tier[] Requests = [new(100, 0, 0), new(1000, 0.01m, 0), new(null, 0.005m, 0)];
    private static readonly Tier[] Pages = [new(10, 0, 0), new(100, 0.02m, 0), new(null, 0.01m, 0)];

    [Theory]
    [InlineData(0, "0.00")]
    [InlineData(100, "0.00")]
    [InlineData(101, "0.01")]
    [InlineData(1000, "9.00")]
    [InlineData(1001, "9.01")] // 9.005 rounds away from zero
    [InlineData(2000, "14.00")]
    public void Graduated_tiers_charge_each_unit_at_its_own_tier(int quantity, string amount) =>
        Costs(new GraduatedPrice(Requests), quantity, amount);

    [Theory]
    [InlineData(0, "0.00")]
    [InlineData(10, "0.00")]
    [InlineData(11, "0.22")]
    [InlineData(100, "2.00")]
    [InlineData(101, "1.01")]
    public void Volume_tiers_charge_all_units_at_the_reached_tier(int quantity, string amount) =>
        Costs(new VolumePrice(Pages), quantity, amount);

    [Theory]
    [InlineData(0, "0.00")]
    [InlineData(1_048_576, "0.00")]
    [InlineData(1_048_577, "0.10")]
    [InlineData(2_097_152, "0.10")]
    [InlineData(2_097_153, "0.20")]
    public void Packages_charge_every_started_one_beyond_the_free_units(int quantity, string amount) =>
        Costs(new PackagePrice(1_048_576, 0.10m, 1_048_576), quantity, amount);

    [Fact]
    public void A_package_count_survives_a_division_that_decimals_cannot_hold()
    {
        // 1/3 has no finite decimal form: 3 packages of a third must not become 4.
        var line = RatingEngine.RateLine(
            Metered(new PackagePrice(0.3333333333333333333333333333m, 1, 0)),
            new MeterUsage(0.9999999999999999999999999999m, 1, 0),
            2
        );
        Assert.Equal(3, line.Steps[^1].Quantity);
    }

    [Fact]
    public void A_flat_fee_and_a_tier_fee_stand_in_the_explanation()
    {
        Costs(new FlatPrice(5), 0, "5.00");
        var line = RatingEngine.RateLine(Metered(new GraduatedPrice([new(10, 1, 2), new(null, 0.5m, 3)])), new MeterUsage(12, 12, 0), 2);
        Assert.Equal(["10", "2", "1", "3"], line.Steps.Select(step => RatingEngine.Text(step.Amount)));
        Assert.Equal(16, line.UnroundedAmount);
    }

    [Theory]
    [InlineData("0.005", 2, "0.01")]
    [InlineData("-0.005", 2, "-0.01")]
    [InlineData("0.0049", 2, "0.00")]
    [InlineData("5", 2, "5.00")]
    [InlineData("0.5", 0, "1")]
    [InlineData("1.0005", 3, "1.001")]
    public void Rounding_is_half_away_from_zero_and_shows_every_minor_unit(string amount, int minorUnits, string rounded) =>
        Assert.Equal(rounded, RatingEngine.RoundToMinorUnits(decimal.Parse(amount), minorUnits).ToString());

    [Fact]
    public void The_result_hash_covers_every_figure_and_nothing_else()
    {
        var usage = new Dictionary<string, MeterUsage> { ["m"] = new(101, 101, 7) };
        var subject = new InvoiceSubject(
            Guid.Parse("0192e4a0-0000-7000-8000-000000000001"),
            "acme",
            new BillingPeriod(NodaTime.Instant.FromUnixTimeSeconds(0), NodaTime.Instant.FromUnixTimeSeconds(900))
        );
        var plan = new PlanVersion(Guid.Empty, "web", "USD", "abc", [Metered(new GraduatedPrice(Requests))]);
        var hash = RatingEngine.Rate(subject, plan, usage, 2).ResultHash;

        Assert.Equal(
            hash,
            RatingEngine.Rate(subject, plan, new Dictionary<string, MeterUsage> { ["m"] = new(101.00m, 101, 7) }, 2).ResultHash
        );
        Assert.NotEqual(
            hash,
            RatingEngine.Rate(subject, plan, new Dictionary<string, MeterUsage> { ["m"] = new(102, 101, 7) }, 2).ResultHash
        );
        Assert.NotEqual(
            hash,
            RatingEngine.Rate(subject, plan, new Dictionary<string, MeterUsage> { ["m"] = new(101, 102, 7) }, 2).ResultHash
        );
        Assert.NotEqual(
            hash,
            RatingEngine.Rate(subject, plan, new Dictionary<string, MeterUsage> { ["m"] = new(101, 101, 8) }, 2).ResultHash
        );
        Assert.NotEqual(hash, RatingEngine.Rate(subject with { Customer = "other" }, plan, usage, 2).ResultHash);
        Assert.NotEqual(hash, RatingEngine.Rate(subject, plan with { Hash = "abd" }, usage, 2).ResultHash);
    }

    [Fact]
    public void Graduated_charges_agree_with_a_naive_oracle_that_prices_unit_by_unit() =>
        Check.Sample(
            Gen.Select(Gen.Int[1, 60].Array[1, 5], Gen.Int[0, 400], Gen.Int[0, 99].Array[6]),
            (widths, quantity, prices) =>
            {
                var tiers = new List<Tier>();
                var end = 0;
                for (var i = 0; i < widths.Length; i++)
                    tiers.Add(new Tier(end += widths[i], prices[i] / 100m, 0));
                tiers.Add(new Tier(null, prices[5] / 100m, 0));

                var graduated = 0m;
                for (var unit = 1; unit <= quantity; unit++)
                    graduated += tiers.First(tier => tier.UpTo is null || unit <= tier.UpTo).UnitPrice;
                var volume = quantity * tiers.First(tier => tier.UpTo is null || quantity <= tier.UpTo).UnitPrice;

                Assert.Equal(graduated, Rate(new GraduatedPrice(tiers), quantity).UnroundedAmount);
                Assert.Equal(volume, Rate(new VolumePrice(tiers), quantity).UnroundedAmount);
                foreach (
                    var price in new Price[]
                    {
                        new GraduatedPrice(tiers),
                        new VolumePrice(tiers),
                        new PackagePrice(widths[0], prices[0] / 100m, prices[1]),
                        new PerUnitPrice(prices[2] / 1000m),
                    }
                )
                    ExplainsItself(Rate(price, quantity));
            }
        );

    /// <summary>Checks each step's arithmetic and that the steps sum to the line.</summary>
    private static void ExplainsItself(RatedLine line)
    {
        Assert.All(line.Steps, step => Assert.Equal(step.Amount, step.Quantity * step.UnitPrice));
        Assert.Equal(line.UnroundedAmount, line.Steps.Sum(step => step.Amount));
    }

    private static void Costs(Price price, decimal quantity, string amount)
    {
        var line = Rate(price, quantity);
        Assert.Equal(amount, line.Amount.ToString());
        ExplainsItself(line);
    }

    private static RatedLine Rate(Price price, decimal quantity) =>
        RatingEngine.RateLine(Metered(price), new MeterUsage(quantity, 1, 0), 2);

    private static Charge Metered(Price price) => new("c", "C", "m", price);
}
