using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>
/// The engine against a second rater, which was written from docs/pricing.md alone and shares no arithmetic with it, over whole lives of
/// subscriptions.
/// </summary>
public sealed class IndependentRaterTests
{
    private const int Lives = 2_000;

    // Other lives each run would find more, but a failure must be the change's own.
    private const int Seed = 20_261_129;

    [Fact]
    public void Every_invoice_of_random_lives_is_what_the_page_says()
    {
        for (var seed = Seed; seed < Seed + Lives; seed++)
        {
            if (Comparison.Difference(LifeGenerator.Generate(seed)) is null)
                continue;
            var life = LifeShrinker.Shrink(LifeGenerator.Generate(seed), smaller => Comparison.Difference(smaller) is not null);
            Assert.Fail($"Seed {seed}.\n{LifeText.Of(life)}{Comparison.Difference(life)}");
        }
    }

    [Fact]
    public void A_life_that_is_taken_back_comes_to_zero()
    {
        for (var seed = Seed; seed < Seed + Lives; seed++)
        {
            var life = LifeGenerator.Generate(seed);
            var left = new EngineRun(life).Reversed();
            Assert.True(left.IsZero, $"Seed {seed}: {left} is left.\n{LifeText.Of(life)}");
        }
    }

    [Fact]
    public void What_was_billed_in_advance_is_settled_by_the_end()
    {
        for (var seed = Seed; seed < Seed + Lives; seed++)
        {
            var life = LifeGenerator.Generate(seed);
            // Without credit something stays that is not owed for the time.
            if (life is { End: null, Early: null } or { Early.Credit: false })
                continue;
            var left = new EngineRun(life).AdvanceLeft();
            Assert.True(left.IsZero, $"Seed {seed}: {left} is left.\n{LifeText.Of(life)}");
        }
    }

    [Fact]
    public void An_end_without_credit_keeps_the_fee_of_a_version_that_begins_with_the_period()
    {
        // The change was known, so March's invoice billed all of April by the new version; nothing of it goes back.
        var fee = new Charge("fee", "Fee", null, new FlatPrice(30), null, InAdvance: true, Proration: Proration.Days);
        var life = new Life(
            "UTC",
            Instant.FromUtc(2026, 3, 1, 0, 0),
            AnchorDay: 1,
            Periods: 2,
            End: null,
            new LifeEnd(Instant.FromUtc(2026, 4, 11, 0, 0), Credit: false),
            MinorUnits: 2,
            [
                new PlanVersion(new Guid(1, 0, 0, new byte[8]), "free", "EUR", "free", []),
                new PlanVersion(new Guid(2, 0, 0, new byte[8]), "paid", "EUR", "paid", [fee]),
            ],
            [new LifeChange(Instant.FromUtc(2026, 4, 1, 0, 0), 1)],
            [],
            [],
            [],
            []
        );
        Assert.Null(Comparison.Difference(life));
        Assert.Equal<Fraction>([0, 30, 0, 0], new EngineRun(life).Invoices().Select(invoice => invoice.Total));
    }
}
