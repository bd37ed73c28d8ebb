using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Polaris.Billing.Persistence;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>An org with very much to close, and one whose lock is never free: others are counted and invoiced meanwhile.</summary>
[Trait(Categories.Name, Categories.Abuse)]
[Collection(nameof(Attack))]
public sealed class StoppedOrgTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private static readonly TimeSpan InTime = TimeSpan.FromSeconds(10);

    /// <summary>An org with a monthly plan, and customers with a subscription each.</summary>
    private async Task<Tenant> SetUpAsync(int subscriptions, string start, string clock)
    {
        var tenant = await polaris.SignUpAsync();
        await polaris.SetClockAsync(tenant, clock);
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true,
              charges: [{key: "fee", price: {model: FLAT, amount: "1"}}]}) { id } }
            """
        );
        var keys = Enumerable.Range(0, subscriptions).Select(i => $"c{i}").ToArray();
        await tenant.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = keys.Select(key => new { key }) }
        );
        await tenant.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = keys.Select(key => new
                {
                    customer = key,
                    plan = "p",
                    start,
                }),
            }
        );
        return tenant;
    }

    private static async Task<int> InvoicesAsync(Tenant tenant) =>
        (await tenant.QueryAsync("{ invoices { totalCount } }")).GetProperty("invoices").GetProperty("totalCount").GetInt32();

    /// <summary>An event without a timestamp has the time of its org's clock.</summary>
    private static Task<decimal> CountedAsync(Tenant tenant) =>
        tenant.UsageAsync("calls", from: "2015-05-01T00:00:00Z", to: "2015-09-01T00:00:00Z");

    [Theory]
    [InlineData(200, "2026-11-01T00:00:00Z", "2100-01-01T00:00:00Z")]
    [InlineData(1_000, "2026-11-01T00:00:00Z", "2035-06-01T00:00:00Z")]
    public async Task An_org_with_a_hundred_thousand_periods_due_keeps_no_other_from_its_invoice(
        int subscriptions,
        string start,
        string clock
    )
    {
        using var victim = await SetUpAsync(1, "2015-05-01T00:00:00Z", "2015-05-15T00:00:00Z");
        using var greedy = await SetUpAsync(subscriptions, start, start);
        await using var neighbour = await Neighbour.StartAsync(polaris);
        await greedy.QueryAsync($"mutation {{ setClock(now: \"{clock}\") {{ now }} }}");
        try
        {
            await polaris.UntilAsync("the start of its close", async () => await InvoicesAsync(greedy) > 0);
            for (var month = 7; month <= 9; month++)
            {
                var began = Stopwatch.GetTimestamp();
                await victim.QueryAsync($"mutation {{ setClock(now: \"2015-0{month}-02T00:00:00Z\") {{ now }} }}");
                await polaris.UntilAsync("the other org's invoice", async () => await InvoicesAsync(victim) >= month - 5);
                var took = Stopwatch.GetElapsedTime(began);
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"invoice of the other org after {took.TotalSeconds:0.0} s"));
                Assert.True(took < InTime, $"The invoice took {took}.");
            }

            var left = (await greedy.QueryAsync("{ clock { duePeriods } }")).GetProperty("clock").GetProperty("duePeriods").GetInt32();
            Assert.True(left > 0, "Everything was closed before the other org's invoices were made: this shows nothing.");
            await neighbour.EndAsync(polaris, output);
        }
        finally
        {
            // Back to real time behind its invoices, which setClock refuses: what is left is not due for years.
            await polaris.ScalarAsync<object>("billingdb", "UPDATE orgs SET frozen_at = NULL WHERE org_id = $1", greedy.OrgId);
        }
    }

    [Fact]
    public async Task An_org_whose_lock_is_held_is_refused_and_counted_later_while_all_others_are_served()
    {
        using var wedged = await SetUpAsync(1, "2015-05-01T00:00:00Z", "2015-05-15T00:00:00Z");
        using var victim = await SetUpAsync(1, "2015-05-01T00:00:00Z", "2015-05-15T00:00:00Z");
        await wedged.CreateMeterAsync("calls", "COUNT");
        Assert.Equal(202, (await wedged.IngestAsync(new { idempotency_key = "first", type = "call" })).Status);
        await polaris.UntilAsync("counting", async () => await CountedAsync(wedged) == 1);
        await using var neighbour = await Neighbour.StartAsync(polaris);
        await using (var session = await polaris.OpenDatabaseAsync("billingdb"))
        {
            await using (var take = new NpgsqlCommand("SELECT pg_advisory_lock($1)", session))
            {
                take.Parameters.AddWithValue(OrgLock.LockNumber(wedged.OrgId));
                await take.ExecuteNonQueryAsync();
            }

            for (var i = 0; i < 20; i++)
                Assert.Equal(202, (await wedged.IngestAsync(new { idempotency_key = $"later-{i}", type = "call" })).Status);
            await wedged.QueryAsync("mutation { setClock(now: \"2015-08-02T00:00:00Z\") { now } }");
            var began = Stopwatch.GetTimestamp();
            var sent = 0;
            while (sent < 10)
                Assert.Equal(202, (await neighbour.Tenant.IngestAsync(new { idempotency_key = $"extra-{sent++}", type = "other" })).Status);
            await victim.QueryAsync("mutation { setClock(now: \"2015-08-02T00:00:00Z\") { now } }");
            await polaris.UntilAsync("the other org's invoices", async () => await InvoicesAsync(victim) == 3);
            Assert.True(Stopwatch.GetElapsedTime(began) < InTime, $"The invoices took {Stopwatch.GetElapsedTime(began)}.");

            // A change of the org itself gives up within seconds, and says why.
            began = Stopwatch.GetTimestamp();
            var subscription = (await wedged.QueryAsync("{ subscriptions { nodes { id } } }"))
                .GetProperty("subscriptions")
                .GetProperty("nodes")[0]
                .GetProperty("id")
                .GetString();
            var refused = await wedged.RefusalAsync(
                "mutation($id: ID!) { endSubscription(input: {subscriptionId: $id, at: \"2016-01-01T00:00:00Z\"}) { id } }",
                new { id = subscription }
            );
            Assert.Equal(("UNAVAILABLE", OrgLock.BusyCode), (refused.Code, refused.Rule));
            Assert.True(Stopwatch.GetElapsedTime(began) < InTime);
            Assert.Equal((1, 0), (await CountedAsync(wedged), await InvoicesAsync(wedged)));
            await neighbour.EndAsync(polaris, output);
        }

        await polaris.UntilAsync("counting what waited", async () => await CountedAsync(wedged) == 21);
        await polaris.UntilAsync("the wedged org's invoices", async () => await InvoicesAsync(wedged) == 3);
    }
}
