using System.Diagnostics;
using System.Globalization;
using Polaris.Tests.MainPath;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>
/// A service that accepts connections and says nothing (SIGSTOP): whoever needs it answers within its deadline, and whoever has what it
/// needs does not ask.
/// </summary>
[Trait(Categories.Name, Categories.Abuse)]
[Collection(nameof(PromiseTests))]
public sealed class HangingDependencyTests(PolarisApp polaris, ITestOutputHelper output) : PlatformTests
{
    private const int Stop = 19;
    private const int Continue = 18;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(8);

    public override async ValueTask InitializeAsync() => await polaris.UntilHealthyAsync();

    private async Task<T> WithinAsync<T>(TimeSpan atMost, string what, Func<Task<T>> act)
    {
        var began = Stopwatch.GetTimestamp();
        var result = await act();
        var took = Stopwatch.GetElapsedTime(began);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {took.TotalSeconds:0.0} s"));
        Assert.True(took < atMost, $"{what} took {took}.");
        return result;
    }

    private static Task<decimal> CountedAsync(Tenant tenant) =>
        tenant.UsageAsync("calls", from: "2015-05-01T00:00:00Z", to: "2015-06-01T00:00:00Z");

    [Fact]
    public async Task Billing_goes_on_with_the_meters_and_plans_it_has_while_Plans_hangs()
    {
        using var tenant = await polaris.SignUpAsync();
        await polaris.SetClockAsync(tenant, "2015-05-15T00:00:00Z");
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true,
              charges: [{key: "fee", price: {model: FLAT, amount: "1"}}]}) { id } }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        const string Subscribe =
            "mutation($start: DateTime!) { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", start: $start}]) { id } }";
        await tenant.QueryAsync(Subscribe, new { start = "2015-05-01T00:00:00Z" });
        Assert.Equal(202, (await tenant.IngestAsync(new { idempotency_key = "a", type = "call" })).Status);
        await polaris.UntilAsync("counting", async () => await CountedAsync(tenant) == 1);
        await using var neighbour = await Neighbour.StartAsync(polaris);
        await polaris.UntilAsync("counting beside", async () => await neighbour.Tenant.UsageAsync("calls") > 0);
        polaris.App.Signal("plans", Stop);
        try
        {
            Assert.Equal(202, (await tenant.IngestAsync(new { idempotency_key = "b", type = "call" })).Status);
            await WithinAsync(
                Deadline,
                "counting",
                async () =>
                {
                    await polaris.UntilAsync("counting", async () => await CountedAsync(tenant) == 2);
                    return true;
                }
            );
            await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
            await WithinAsync(
                Deadline,
                "an invoice",
                async () =>
                {
                    await polaris.UntilAsync(
                        "an invoice",
                        async () =>
                            (await tenant.QueryAsync("{ invoices { totalCount } }"))
                                .GetProperty("invoices")
                                .GetProperty("totalCount")
                                .GetInt32() == 1
                    );
                    return true;
                }
            );
            var refused = await WithinAsync(
                Deadline,
                "a subscription to a plan that is not known here",
                () => tenant.RefusalAsync(Subscribe, new { start = "2015-07-01T00:00:00Z" })
            );
            Assert.Equal("UNAVAILABLE", refused.Code);
            await neighbour.EndAsync(polaris, output);
        }
        finally
        {
            polaris.App.Signal("plans", Continue);
        }
    }

    [Fact]
    public async Task A_hanging_Billing_keeps_nothing_from_being_stored_or_looked_up()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        Assert.Equal(202, (await tenant.IngestAsync(new { idempotency_key = "a", type = "call" })).Status);
        polaris.App.Signal("billing", Stop);
        try
        {
            for (var i = 0; i < 20; i++)
            {
                var answer = await WithinAsync(
                    TimeSpan.FromSeconds(3),
                    "an event",
                    () => tenant.IngestAsync(new { idempotency_key = $"b{i}", type = "call" })
                );
                Assert.Equal(202, answer.Status);
            }

            var found = await WithinAsync(TimeSpan.FromSeconds(5), "a lookup", () => tenant.EventAsync("b0"));
            Assert.Equal("b0", found.GetProperty("idempotency_key").GetString());
            await WithinAsync(TimeSpan.FromSeconds(5), "meters", () => tenant.QueryAsync("{ meters { key } }"));
        }
        finally
        {
            polaris.App.Signal("billing", Continue);
        }

        await polaris.UntilAsync("counting", async () => await tenant.UsageAsync("calls") == 21);
    }

    [Fact]
    public async Task A_hanging_Ingestion_keeps_nothing_from_being_invoiced_and_a_proof_is_refused_in_time()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-15T00:00:00Z\") { now } }");
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true,
              charges: [{key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "1"}}]}) { id } }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        await tenant.QueryAsync(
            "mutation { createSubscriptions(input: [{customer: \"acme\", plan: \"p\", start: \"2015-05-01T00:00:00Z\"}]) { id } }"
        );
        polaris.App.Signal("ingestion", Stop);
        try
        {
            await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
            string? invoice = null;
            await WithinAsync(
                Deadline,
                "an invoice",
                async () =>
                {
                    await polaris.UntilAsync(
                        "an invoice",
                        async () =>
                        {
                            var nodes = (await tenant.QueryAsync("{ invoices { nodes { id } } }"))
                                .GetProperty("invoices")
                                .GetProperty("nodes");
                            invoice = nodes.GetArrayLength() == 1 ? nodes[0].GetProperty("id").GetString() : null;
                            return invoice is not null;
                        }
                    );
                    return true;
                }
            );
            Assert.Equal(0, await tenant.UsageAsync("calls"));
            var refused = await WithinAsync(
                TimeSpan.FromSeconds(20),
                "a proof",
                () => tenant.RefusalAsync("mutation($id: ID!) { recomputeInvoice(id: $id) { identical } }", new { id = invoice })
            );
            Assert.Equal("UNAVAILABLE", refused.Code);
        }
        finally
        {
            polaris.App.Signal("ingestion", Continue);
        }
    }
}
