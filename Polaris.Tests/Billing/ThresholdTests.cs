using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Features.Thresholds;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Billing;

/// <summary>A value that is reached is announced once a period: by the transaction that counts the usage, or right after it.</summary>
public sealed class ThresholdTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    [Fact]
    public async Task A_quantity_is_crossed_in_the_transaction_that_counts_it_and_once_a_period()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
        await AddAsync(scene, new NewThreshold("calls", "Calls", ThresholdOn.Quantity, [3, 2], Meter: "calls"));
        await scene.CallAsync(March, "one");
        Assert.Empty(await CrossedAsync(scene));
        await scene.CallAsync(March + Duration.FromDays(1), "two");
        var first = Assert.Single(await CrossedAsync(scene));
        Assert.Equal(
            ("calls", "Calls", "quantity", "2", "2", "acme", "calls", scene.Subscription.ToString()),
            (first.Threshold, first.Name, first.On, first.Value, first.Reached, first.Customer, first.Meter, first.SubscriptionId)
        );
        Assert.Equal((March, April), (Instant.FromDateTimeOffset(first.PeriodStart.ToDateTimeOffset()), EndOf(first)));
        await scene.CallAsync(March + Duration.FromDays(2), "three", "four");
        Assert.Equal(["2", "3"], (await CrossedAsync(scene)).Select(crossed => crossed.Value));

        // Delivered again, taken back, and counted again.
        await alone.Billing.ApplyAsync(scene.Sent("three").Batch);
        await scene.VoidAsync("three");
        await scene.VoidAsync("four");
        await scene.CallAsync(March + Duration.FromDays(3), "five", "six");
        Assert.Equal(["2", "3"], (await CrossedAsync(scene)).Select(crossed => crossed.Value));

        await scene.CallAsync(April, "seven", "eight");
        Assert.Equal(["2", "3", "2"], (await CrossedAsync(scene)).Select(crossed => crossed.Value));
        Assert.Equal(
            [("2", April), ("3", March), ("2", March)],
            (await PageAsync(scene, "acme")).Select(crossing => (Text(crossing.Value), crossing.PeriodStart))
        );
        Assert.Empty(await PageAsync(scene, "another"));
    }

    [Fact]
    public async Task A_transaction_that_fails_announces_nothing_and_the_next_one_does_once()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
        await AddAsync(scene, new NewThreshold("calls", null, ThresholdOn.Quantity, [1], Meter: "calls"));
        var batch = alone.Billing.Store.Add(scene.Org, FakeIngestion.Event("one", March));
        // The positions are what is written last.
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            alone.Billing.Of<ApplyUsage>().TryApplyAsync([batch], _ => throw new InvalidOperationException("killed"), default)
        );
        Assert.Empty(await CrossedAsync(scene));
        Assert.Empty(await PageAsync(scene, null));
        await alone.Billing.ApplyAsync(batch);
        await alone.Billing.ApplyAsync(batch);
        Assert.Single(await CrossedAsync(scene));
        Assert.Single(await PageAsync(scene, null));
    }

    [Fact]
    public async Task Two_transactions_that_cross_only_together_announce_it_once()
    {
        for (var i = 0; i < 10; i++)
        {
            var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
            await AddAsync(scene, new NewThreshold("calls", null, ThresholdOn.Quantity, [2], Meter: "calls"));
            // Different buckets, so nothing else makes one wait for the other.
            await Task.WhenAll(
                Enumerable
                    .Range(0, 2)
                    .Select(n => alone.Billing.Store.Add(scene.Org, FakeIngestion.Event($"{n}", March + Duration.FromDays(n))))
                    .Select(batch => Task.Run(() => alone.Billing.ApplyAsync(batch)))
            );
            Assert.Single(await CrossedAsync(scene));
        }
    }

    [Fact]
    public async Task A_threshold_is_about_the_subscriptions_of_its_plan_or_customer_until_it_is_archived()
    {
        var plan = Version("h", "0", PerUnit("1"));
        alone.Billing.Plans.Add(plan);
        var scene = await CreateAsync(alone.Billing, plan);
        var of = new NewThreshold("of-plan", null, ThresholdOn.Quantity, [1], Plan: plan.PlanKey, Meter: "calls");
        await AddAsync(scene, of);
        await AddAsync(scene, of with { Key = "of-customer", Plan = null, Customer = "acme" });
        await AddAsync(scene, of with { Key = "of-another", Plan = null, Customer = "another" });
        await AddAsync(scene, of with { Key = "archived", Plan = null });
        await alone.Billing.InOrgAsync<EditThresholds, ThresholdRow>(scene.Org, edit => edit.ArchiveAsync("archived", default));
        await scene.CallAsync(March, "one");
        Assert.Equal(["of-customer", "of-plan"], (await CrossedAsync(scene)).Select(crossed => crossed.Threshold).Order());
        // A customer without a subscription has no period.
        await alone.Billing.ApplyAsync(alone.Billing.Store.Add(scene.Org, FakeIngestion.Event("two", March, "another")));
        Assert.Equal(2, (await CrossedAsync(scene)).Count);
    }

    [Fact]
    public async Task Amounts_and_included_units_are_rated_right_after_the_usage_once()
    {
        var plan = Version("h", "0", PerUnit("1.50"));
        plan.Charges[1].IncludedUnits = "4";
        var scene = await CreateAsync(alone.Billing, plan);
        await AddAsync(scene, new NewThreshold("amount", null, ThresholdOn.Amount, [1.5m, 3], Currency: "EUR"));
        await AddAsync(scene, new NewThreshold("dollars", null, ThresholdOn.Amount, [1], Currency: "USD"));
        await AddAsync(scene, new NewThreshold("included", null, ThresholdOn.IncludedPercent, [75, 100], Charge: "calls"));
        await scene.CallAsync(March, "1", "2", "3");
        Assert.Empty(await CrossedAsync(scene));
        Assert.Equal((3, 0), (await CheckAsync(scene), await CheckAsync(scene)));
        Assert.Equal([("included", "75", "75")], (await CrossedAsync(scene)).Select(Show));
        await scene.CallAsync(March + Duration.FromDays(1), "4", "5", "6");
        await CheckAsync(scene);
        await scene.CallAsync(March + Duration.FromDays(2), "7");
        await CheckAsync(scene);
        Assert.Equal(
            [("amount", "1.5", "3.00"), ("amount", "3", "3.00"), ("included", "100", "150"), ("included", "75", "75")],
            (await CrossedAsync(scene)).Select(Show).Order()
        );
    }

    [Fact]
    public async Task Distinct_values_and_levels_are_quantities_too()
    {
        MeterDefinition[] meters =
        [
            new(Guid.CreateVersion7(), "users", "call", MeterAggregation.UniqueCount, "n", []),
            new(Guid.CreateVersion7(), "seats", "call", MeterAggregation.WeightedSum, "n", []),
        ];
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")), more: meters);
        await AddAsync(scene, new NewThreshold("users", null, ThresholdOn.Quantity, [2], Meter: "users"));
        await AddAsync(scene, new NewThreshold("seats", null, ThresholdOn.Quantity, [5], Meter: "seats"));
        await scene.SendAsync("one", March, """{"n":5}""");
        await scene.SendAsync("again", March + Duration.FromDays(1), """{"n":5}""");
        Assert.Empty(await CrossedAsync(scene));
        await scene.SendAsync("two", March + Duration.FromDays(2), """{"n":6}""");
        Assert.Equal([("users", "2", "2")], (await CrossedAsync(scene)).Select(Show));
        await CheckAsync(scene);
        Assert.Equal(["seats", "users"], (await CrossedAsync(scene)).Select(crossed => crossed.Threshold).Order());
    }

    [Fact]
    public async Task A_replacement_that_raises_a_quantity_crosses_when_its_bucket_is_counted_anew()
    {
        var sum = new MeterDefinition(Guid.CreateVersion7(), "units", "call", MeterAggregation.Sum, "n", []);
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")), more: sum);
        await AddAsync(scene, new NewThreshold("units", null, ThresholdOn.Quantity, [10], Meter: "units"));
        await scene.SendAsync("loss", March, """{"n":-7}""");
        await scene.SendAsync("gain", March, """{"n":12}""");
        Assert.Empty(await CrossedAsync(scene));
        await scene.VoidAsync("loss");
        Assert.Equal([("units", "10", "12")], (await CrossedAsync(scene)).Select(Show));
    }

    [Fact]
    public async Task A_balance_that_falls_to_a_value_is_announced_once_a_period()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
        await scene.ClockAsync(March);
        var left = new NewThreshold("left", "Credits", ThresholdOn.Balance, [0, 5], Currency: "EUR");
        await AddAsync(scene, left);
        await AddAsync(scene, left with { Key = "dollars", Currency = "USD" });
        await AddAsync(scene, left with { Key = "another", Customer = "another" });
        await AddAsync(scene, left with { Key = "elsewhere", Plan = null, Customer = "acme" });
        await CheckedAsync();
        await scene.CallAsync(March, "unpaid");
        Assert.Empty(await CheckedAsync());

        await GrantAsync(scene, "ten", 10);
        await scene.CallAsync(March + Duration.FromDays(1), "2", "3", "4");
        Assert.Empty(await CheckedAsync());
        await scene.CallAsync(March + Duration.FromDays(2), "5");
        Assert.Equal([("elsewhere", "5", "5.00"), ("left", "5", "5.00")], await CheckedAsync());
        var first = (await CrossedAsync(scene))[0];
        Assert.Equal(
            ("balance", "EUR", "acme", scene.Subscription.ToString(), "", ""),
            (first.On, first.Currency, first.Customer, first.SubscriptionId, first.Meter, first.Charge)
        );
        Assert.Equal((March, April), (Instant.FromDateTimeOffset(first.PeriodStart.ToDateTimeOffset()), EndOf(first)));

        // More credits, and falling again in the same period, is no second one; nothing left is another value.
        await GrantAsync(scene, "three", 3);
        await scene.CallAsync(March + Duration.FromDays(3), "6", "7", "8", "9");
        Assert.Equal(2, (await CheckedAsync()).Length);
        await scene.CallAsync(March + Duration.FromDays(4), "10", "11", "12", "13", "14");
        Assert.Equal(
            [("elsewhere", "0", "-1.00"), ("elsewhere", "5", "5.00"), ("left", "0", "-1.00"), ("left", "5", "5.00")],
            await CheckedAsync()
        );

        async Task<(string, string, string)[]> CheckedAsync()
        {
            while (await CheckAsync(scene) > 0)
            {
                // A hundred marks at a time.
            }

            return [.. (await CrossedAsync(scene)).Select(Show).Order()];
        }
    }

    [Fact]
    public async Task A_balance_falls_too_by_a_draft_with_its_fees_and_by_credits_that_go()
    {
        // A fee in advance is drafted without any usage; 100 − 60 is what a threshold of 50 wants to hear of.
        var fees = await CreateAsync(alone.Billing, Version("h", "60", PerUnit("1"), proration: Polaris.Plans.V1.Proration.None));
        await fees.ClockAsync(March);
        await AddAsync(fees, new NewThreshold("left", null, ThresholdOn.Balance, [50], Currency: "EUR"));
        await GrantAsync(fees, "hundred", 100);
        await fees.ClockAsync(March + Duration.FromHours(2));
        await fees.DraftAsync();
        await CheckAsync(fees);
        Assert.Equal([("left", "50", "40.00")], (await CrossedAsync(fees)).Select(Show));

        var voided = await CreateAsync(alone.Billing, Version("v", "0", PerUnit("1")));
        await voided.ClockAsync(March);
        await AddAsync(voided, new NewThreshold("left", null, ThresholdOn.Balance, [0], Currency: "EUR"));
        var grant = await GrantAsync(voided, "gone", 10);
        await alone.Billing.InOrgAsync<CreditGrants, CreditGrantRow>(voided.Org, grants => grants.VoidAsync(grant.Id, default));
        await CheckAsync(voided);
        Assert.Equal([("left", "0", "0.00")], (await CrossedAsync(voided)).Select(Show));

        // Credits stay while an invoice that they still pay is not final.
        var expired = await CreateAsync(alone.Billing, Version("e", "0", PerUnit("1")));
        await expired.ClockAsync(March + Duration.FromHours(2));
        await expired.DraftAsync();
        await expired.FinalizeAllAsync();
        await AddAsync(expired, new NewThreshold("left", null, ThresholdOn.Balance, [0], Currency: "EUR"));
        await GrantAsync(expired, "short", 10, March + Duration.FromDays(2));
        await expired.ClockAsync(March + Duration.FromDays(3));
        Assert.Equal(1, await alone.Billing.Of<ExpireCredits>().ExpireAsync(expired.Org, default));
        await CheckAsync(expired);
        Assert.Equal([("left", "0", "0.00")], (await CrossedAsync(expired)).Select(Show));
    }

    [Fact]
    public async Task A_threshold_that_cannot_be_is_refused_with_its_rule()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
        var calls = new NewThreshold("calls", null, ThresholdOn.Quantity, [1], Meter: "calls");
        Task<(string Code, string? Path)> RefusedAsync(NewThreshold input) => RefusalAsync(() => AddAsync(scene, input));
        Assert.Equal(("unknown_meter", "input.meter"), await RefusedAsync(calls with { Meter = "none" }));
        Assert.Equal(("only_with", "input.meter"), await RefusedAsync(calls with { Meter = null }));
        Assert.Equal(("only_with", "input.charge"), await RefusedAsync(calls with { Charge = "calls" }));
        Assert.Equal(("only_with", "input.currency"), await RefusedAsync(new NewThreshold("a", null, ThresholdOn.Amount, [1])));
        Assert.Equal(("only_with", "input.currency"), await RefusedAsync(new NewThreshold("a", null, ThresholdOn.Balance, [1])));
        Assert.Equal(("out_of_range", "input.values"), await RefusedAsync(new("a", null, ThresholdOn.Balance, [-1], Currency: "EUR")));
        Assert.Equal(("one_of_two", "input.customer"), await RefusedAsync(calls with { Plan = "p", Customer = "acme" }));
        Assert.Equal(("unknown_plan", "input.plan"), await RefusedAsync(calls with { Plan = "none" }));
        Assert.Equal(("count", "input.values"), await RefusedAsync(calls with { Values = [] }));
        Assert.Equal(("out_of_range", "input.values"), await RefusedAsync(calls with { Values = [0] }));
        Assert.Equal(("duplicate", "input.values"), await RefusedAsync(calls with { Values = [1, 1.0m] }));
        await AddAsync(scene, calls);
        await AddAsync(scene, calls);
        Assert.Equal(("threshold_exists", "input.key"), await RefusedAsync(calls with { Values = [2] }));
        var changed = await alone.Billing.InOrgAsync<EditThresholds, ThresholdRow>(
            scene.Org,
            edit => edit.UpdateAsync("calls", "Renamed", [7, 5], default)
        );
        Assert.Equal(("Renamed", "5 7"), (changed.Name, string.Join(' ', changed.AtValues)));
        Assert.Equal(
            ("unknown_threshold", "input.key"),
            await RefusalAsync(() =>
                alone.Billing.InOrgAsync<EditThresholds, ThresholdRow>(scene.Org, edit => edit.UpdateAsync("none", "x", null, default))
            )
        );
    }

    private static (string, string, string) Show(ThresholdCrossed crossed) => (crossed.Threshold, crossed.Value, crossed.Reached);

    private static string Text(decimal value) => RatingEngine.Text(value);

    private static Instant EndOf(ThresholdCrossed crossed) => Instant.FromDateTimeOffset(crossed.PeriodEnd.ToDateTimeOffset());

    private Task<ThresholdRow> AddAsync(BillingScene scene, NewThreshold input) =>
        alone.Billing.InOrgAsync<EditThresholds, ThresholdRow>(scene.Org, edit => edit.CreateAsync(input, default));

    private async Task<CreditGrantRow> GrantAsync(BillingScene scene, string key, decimal amount, Instant? expires = null)
    {
        await alone.Billing.InOrgAsync<CreateCustomers, IReadOnlyList<CustomerRow>>(
            scene.Org,
            create => create.HandleAsync([new NewCustomer("acme", null, null)], default)
        );
        return await alone.Billing.InOrgAsync<CreditGrants, CreditGrantRow>(
            scene.Org,
            grants => grants.CreateAsync(new NewCreditGrant("acme", key, amount, "EUR", 0, expires, null), default)
        );
    }

    private Task<int> CheckAsync(BillingScene scene) => alone.Billing.Of<CheckThresholds>().CheckSomeAsync(scene.Org, default);

    private async Task<ThresholdCrossingRow[]> PageAsync(BillingScene scene, string? customer) =>
        [
            .. (
                await alone.Billing.InOrgAsync<ReadThresholds, Page<(ThresholdCrossingRow Crossing, ThresholdRow Threshold)>>(
                    scene.Org,
                    read => read.CrossingsAsync(customer, 100, null, default)
                )
            ).Rows.Select(pair => pair.Crossing),
        ];

    /// <summary>The events that wait to be published, in the order in which they will be.</summary>
    private Task<List<ThresholdCrossed>> CrossedAsync(BillingScene scene) =>
        alone.Billing.InOrgAsync<BillingDbContext, List<ThresholdCrossed>>(
            scene.Org,
            db =>
                db.InTransactionAsync(
                    async ct =>
                        (await db.Outbox.AsNoTracking().OrderBy(row => row.EventId).Select(row => row.Message).ToListAsync(ct))
                            .Select(BillingEvent.Parser.ParseFrom)
                            .Select(one => one.ThresholdCrossed)
                            .Where(one => one is not null)
                            .ToList(),
                    default
                )
        );
}
