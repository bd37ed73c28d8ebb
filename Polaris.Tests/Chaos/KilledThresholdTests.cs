using Polaris.Tests.MainPath;
using Polaris.Tests.Notifications;
using Xunit;

namespace Polaris.Tests.Chaos;

/// <summary>Every value that usage crosses is announced once, whenever Billing is killed and however often usage comes.</summary>
[Collection(nameof(PromiseTests))]
[Trait(Categories.Name, Categories.Chaos)]
public sealed class KilledThresholdTests(PolarisApp polaris) : PlatformTests
{
    private const int Customers = 12;
    private const int Each = 5;
    private const int MostKills = 4;

    public override async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    [Fact]
    public async Task Threshold_events_come_once_although_Billing_is_killed_and_its_usage_is_delivered_again()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var tenant = await polaris.SignUpAsync();
        await new WebhookScene(polaris, tenant, receiver).EndpointAsync("thresholds", "ok", ["usage.threshold_crossed"]);
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true, charges: [
                {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "1"} }]}) { id }
              createThreshold(input: {key: "quantity", on: QUANTITY, meter: "calls", values: ["2", "4"]}) { key } }
            """
        );
        await tenant.QueryAsync(
            """mutation { createThreshold(input: {key: "amount", on: AMOUNT, currency: "EUR", values: ["3"]}) { key } }"""
        );
        var start = new DateTimeOffset(TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(-1), TimeSpan.Zero).ToString("O");
        var keys = Enumerable.Range(0, Customers).Select(i => $"customer-{i}").ToArray();
        await tenant.QueryAsync(
            """
            mutation($customers: [CreateCustomerInput!]!, $subscriptions: [CreateSubscriptionInput!]!) {
              createCustomers(input: $customers) { id } createSubscriptions(input: $subscriptions) { id } }
            """,
            new
            {
                customers = keys.Select(key => new { key }),
                subscriptions = keys.Select(customer => new
                {
                    customer,
                    plan = "p",
                    start,
                }),
            }
        );

        using var done = new CancellationTokenSource();
        var kills = 0;
        var killer = KillAsync();
        for (var number = 0; number < Each; number++)
        {
            foreach (var customer in keys)
                Assert.Equal(
                    202,
                    (
                        await tenant.IngestAsync(
                            new
                            {
                                idempotency_key = $"{customer}-{number}",
                                type = "call",
                                customer,
                            }
                        )
                    ).Status
                );
        }

        await CountedAsync();
        await done.CancelAsync();
        await killer;
        Assert.True(kills > 0);

        // All that the topic still has is delivered again.
        using (polaris.App.Hold("billing"))
        {
            await polaris.UntilAsync("Billing's end", () => Task.FromResult(polaris.App.GetProcessId("billing") is null));
            await polaris.ScalarAsync<object>("billingdb", "UPDATE consumer_positions SET next_offset = 0");
        }

        await polaris.UntilHealthyAsync();
        await tenant.IngestAsync(
            new
            {
                idempotency_key = "last",
                type = "call",
                customer = "nobody",
            }
        );
        await polaris.UntilAsync("the last event", async () => await tenant.UsageAsync("calls") == Customers * Each + 1);
        var expected = keys.SelectMany(key => (string[])[$"{key} amount 3", $"{key} quantity 2", $"{key} quantity 4"]).Order();
        await polaris.UntilAsync("the crossings", async () => (await CrossingsAsync()).Length >= expected.Count());
        Assert.Equal(expected, await CrossingsAsync());
        await polaris.UntilAsync(
            "the webhooks",
            async () => (await receiver.ReceiptsAsync("thresholds")).Select(receipt => receipt.Id).Distinct().Count() >= expected.Count()
        );
        // A webhook may come twice, but with one id: one event.
        Assert.Equal(expected.Count(), (await receiver.ReceiptsAsync("thresholds")).Select(receipt => receipt.Id).Distinct().Count());
        Assert.Equal(
            0,
            await polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM threshold_checks WHERE org_id = $1", tenant.OrgId)
        );

        Task CountedAsync() =>
            polaris.UntilAsync("counting", async () => await tenant.UsageAsync("calls") == Customers * Each, polaris.App.RecentOutput);

        async Task<string[]> CrossingsAsync() =>
            [
                .. (await tenant.QueryAsync("{ thresholdCrossings(first: 1000) { nodes { customer value threshold { key } } } }"))
                    .GetProperty("thresholdCrossings")
                    .GetProperty("nodes")
                    .EnumerateArray()
                    .Select(node =>
                        $"{node.GetProperty("customer").GetString()} {node.GetProperty("threshold").GetProperty("key").GetString()} "
                        + node.GetProperty("value").GetString()
                    )
                    .Order(),
            ];

        // Whenever something of the org was counted, so that it has work in progress. Bounded, since each restart waits longer.
        async Task KillAsync()
        {
            while (!done.IsCancellationRequested && kills < MostKills)
            {
                var before = await AppliedAsync();
                while (!done.IsCancellationRequested && await AppliedAsync() == before)
                    await Task.Delay(5);
                if (done.IsCancellationRequested)
                    return;
                polaris.App.Kill("billing");
                kills++;
            }
        }

        Task<long> AppliedAsync() =>
            polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM applied_batches WHERE org_id = $1", tenant.OrgId);
    }
}
