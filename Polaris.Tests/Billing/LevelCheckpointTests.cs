using NodaTime;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;
using Wire = Polaris.Plans.V1;

namespace Polaris.Tests.Billing;

/// <summary>A period's opening level comes from the previous checkpoint until something earlier changes.</summary>
public sealed class LevelCheckpointTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant July = Instant.FromUtc(2026, 7, 1, 0, 0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_level_is_not_summed_up_again_until_an_earlier_bucket_changes(bool byDimension)
    {
        var plan = Version("h", "0", PerUnit("0"));
        plan.Charges.Add(
            new Wire.Charge
            {
                Key = "seats",
                Name = "Seats",
                Meter = "seats",
                Price = PerUnit("1"),
            }
        );
        if (byDimension)
            plan.Charges[^1].DimensionPrices.Add(new Wire.DimensionPrice { Values = { "eu" }, Price = PerUnit("1") });
        var seats = new MeterDefinition(
            Guid.CreateVersion7(),
            "seats",
            "call",
            MeterAggregation.WeightedSum,
            "n",
            [],
            byDimension ? ["region"] : []
        );
        var scene = await CreateAsync(alone.Billing, plan, more: seats);
        await scene.SendAsync("ten", March + Duration.FromDays(1), """{"n":10,"region":"eu"}""");
        await scene.SendAsync("three", March + Duration.FromDays(2), """{"n":3,"region":"us"}""");
        await scene.SendAsync("fewer", April, """{"n":-1,"region":"us"}""");
        await scene.CloseAsync(June);
        Assert.Equal([12m, 12m], (await QuantitiesAsync(scene)).Skip(1));

        // A change that bypasses the checkpoint, impossible in production, shows that older buckets are not read.
        await TamperAsync(scene.Org, 5);
        await scene.CloseAsync(July);
        Assert.Equal([12m, 12m, 12m], (await QuantitiesAsync(scene)).Skip(1));
        await TamperAsync(scene.Org, -5);

        // Late usage and a rebuilt bucket delete the checkpoint.
        await scene.SendAsync("late", March + Duration.FromDays(3), """{"n":2,"region":"us"}""");
        await scene.DraftAsync();
        Assert.Equal([14m, 14m, 14m], (await QuantitiesAsync(scene)).Skip(1));
        await scene.VerifyAllAsync();
        await scene.VoidAsync("three");
        await scene.DraftAsync();
        Assert.Equal([11m, 11m, 11m], (await QuantitiesAsync(scene)).Skip(1));
        await scene.VerifyAllAsync();
    }

    private static async Task<decimal[]> QuantitiesAsync(BillingScene scene) =>
        // The first invoice, at the start, has only the fee in advance.
        [.. (await scene.InvoicesAsync()).Skip(1).Select(invoice => invoice.Lines.Single(line => line.Charge == "seats").Quantity)];

    private async Task TamperAsync(Guid org, decimal by)
    {
        await using var tx = await alone.Billing.Database.BeginOrgAsync(org, default);
        await using var command = tx.Command(
            "UPDATE usage_aggregates SET total = total + $2 WHERE org_id = $1 AND bucket_start = '2026-03-02Z' AND moment IS NOT NULL"
        );
        command.Parameters.AddWithValue(org);
        command.Parameters.AddWithValue(by);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
        await tx.CommitAsync(default);
    }
}
