using System.Text.Json;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>A plan change in the middle of a month, and an early end, through the public API.</summary>
public sealed class PlanChangeTests(PolarisApp polaris) : PlatformTests
{
    private const string Change =
        "mutation($input: ChangePlanInput!) { changePlan(input: $input) { planKey end versions { planKey from to } } }";

    private const string Invoices = """
        { clock { duePeriods } invoices { nodes { id status total subtotal tax periodStart periodEnd
            lines { charge quantity amount eventCount span { start end planVersionId } adjusts { number } }
            certificate { planVersionHash planVersionHashes resultHash } } } }
        """;

    [Fact]
    public async Task A_change_in_mid_month_is_billed_by_both_plans_proved_and_corrected_by_the_one_that_held()
    {
        using var tenant = await SetUpAsync();
        var subscription = await SubscribeAsync(tenant);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-11T00:00:00Z\") { now } }");
        var asked = new { input = new { subscriptionId = subscription, plan = "large" } };
        var changed = (await tenant.QueryAsync(Change, asked)).GetProperty("changePlan");
        Assert.Equal(
            """{"planKey":"large","end":null,"versions":[{"planKey":"small","from":"2015-05-01T00:00:00Z","to":"2015-05-11T00:00:00Z"},"""
                + """{"planKey":"large","from":"2015-05-11T00:00:00Z","to":null}]}""",
            Compact(changed)
        );
        Assert.Equal(Compact(changed), Compact((await tenant.QueryAsync(Change, asked)).GetProperty("changePlan")));
        Assert.Equal(
            ("INVALID_INPUT", "before_start", "input.at"),
            await RefusalAsync(
                tenant,
                new
                {
                    subscriptionId = subscription,
                    plan = "small",
                    at = "2015-04-30T00:00:00Z",
                }
            )
        );

        // Three calls before the change and two after it, the first of them exactly at the change.
        await tenant.IngestAsync(
            new[]
            {
                Call("a", "2015-05-02T00:00:00Z"),
                Call("b", "2015-05-03T00:00:00Z"),
                Call("c", "2015-05-10T23:59:59.999999Z"),
                Call("d", "2015-05-11T00:00:00Z"),
                Call("e", "2015-05-31T00:00:00Z"),
            }
        );
        await CountedAsync(tenant, 5);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-06-02T00:00:00Z\") { now } }");
        var may = (await InvoicesAsync(tenant, 1))[0];
        // 10 of 31 days of 31.00 and 3 × 1.00, 21 of 31 days of 62.00 and 2 × 0.10; 10 % on the large plan's.
        Assert.Equal(
            ["fee 10.00 1", "calls 3.00 3", "fee 42.00 1", "calls 0.20 2", "vat 4.22 1"],
            may.GetProperty("lines")
                .EnumerateArray()
                .Select(line =>
                    $"{line.GetProperty("charge").GetString()} {line.GetProperty("amount").GetString()} "
                    + line.GetProperty("quantity").GetString()
                )
        );
        Assert.Equal(("59.42", "55.20", "4.22"), (Text(may, "total"), Text(may, "subtotal"), Text(may, "tax")));
        Assert.Equal(
            ["2015-05-01T00:00:00Z/2015-05-11T00:00:00Z", "2015-05-11T00:00:00Z/2015-06-01T00:00:00Z"],
            may.GetProperty("lines")
                .EnumerateArray()
                .Select(line => $"{Text(line.GetProperty("span"), "start")}/{Text(line.GetProperty("span"), "end")}")
                .Distinct()
        );
        var certificate = may.GetProperty("certificate");
        Assert.Equal(
            await HashesAsync(tenant, "small", "large"),
            certificate.GetProperty("planVersionHashes").EnumerateArray().Select(hash => hash.GetString())
        );
        Assert.Equal(Text(certificate, "planVersionHash"), certificate.GetProperty("planVersionHashes")[1].GetString());
        Assert.True(await IdenticalAsync(tenant, may));

        await tenant.QueryAsync("mutation($id: ID!) { finalizeInvoice(id: $id) { status } }", new { id = Text(may, "id") });
        await tenant.IngestAsync(new[] { Call("late-small", "2015-05-04T00:00:00Z"), Call("late-large", "2015-05-12T00:00:00Z") });
        await CountedAsync(tenant, 7);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-07-02T00:00:00Z\") { now } }");
        var june = (await InvoicesAsync(tenant, 2))[0];
        Assert.Equal(
            ["calls 1.00 2015-05-01T00:00:00Z", "calls 0.10 2015-05-11T00:00:00Z", "vat 0.01 2015-05-11T00:00:00Z"],
            june.GetProperty("lines")
                .EnumerateArray()
                .Where(line => line.GetProperty("adjusts").ValueKind == JsonValueKind.Object)
                .Select(line => $"{Text(line, "charge")} {Text(line, "amount")} {Text(line.GetProperty("span"), "start")}")
        );
        // 62.00 and 10 %, and the cost of the late calls with their tax.
        Assert.Equal(("69.31", "6.21"), (Text(june, "total"), Text(june, "tax")));
        Assert.True(await IdenticalAsync(tenant, june));
    }

    [Fact]
    public async Task A_change_can_be_scheduled_taken_back_and_outlived_by_an_early_end()
    {
        using var tenant = await SetUpAsync();
        var subscription = await SubscribeAsync(tenant);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-11T00:00:00Z\") { now } }");
        var scheduled = (
            await tenant.QueryAsync(
                Change,
                new
                {
                    input = new
                    {
                        subscriptionId = subscription,
                        plan = "large",
                        atPeriodEnd = true,
                    },
                }
            )
        ).GetProperty("changePlan");
        Assert.Equal(("small", "2015-06-01T00:00:00Z"), (Text(scheduled, "planKey"), Text(scheduled.GetProperty("versions")[1], "from")));
        Assert.Equal(
            ("CONFLICT", "change_scheduled", "input.at"),
            await RefusalAsync(tenant, new { subscriptionId = subscription, plan = "large" })
        );
        const string cancel = "mutation($id: ID!) { cancelPlanChange(subscriptionId: $id) { versions { planKey } } }";
        Assert.Equal(
            1,
            (await tenant.QueryAsync(cancel, new { id = subscription }))
                .GetProperty("cancelPlanChange")
                .GetProperty("versions")
                .GetArrayLength()
        );

        const string end = "mutation($input: EndSubscriptionInput!) { endSubscription(input: $input) { end } }";
        Assert.Equal(
            "2015-05-16T00:00:00Z",
            Text(
                (
                    await tenant.QueryAsync(end, new { input = new { subscriptionId = subscription, at = "2015-05-16T00:00:00Z" } })
                ).GetProperty("endSubscription"),
                "end"
            )
        );
        Assert.Equal(
            ("INVALID_INPUT", "after_end", "input.at"),
            await RefusalAsync(
                tenant,
                new
                {
                    subscriptionId = subscription,
                    plan = "large",
                    at = "2015-05-16T00:00:00Z",
                }
            )
        );
        await tenant.QueryAsync("mutation { setClock(now: \"2015-08-01T00:00:00Z\") { now } }");
        var only = (await InvoicesAsync(tenant, 1))[0];
        // 15 of 31 days of 31.00.
        Assert.Equal(("15.00", "2015-05-16T00:00:00Z"), (Text(only, "total"), Text(only, "periodEnd")));
        Assert.True(await IdenticalAsync(tenant, only));
    }

    [Fact]
    public async Task Another_org_s_subscription_cannot_be_changed_and_a_reader_changes_nothing()
    {
        using var tenant = await SetUpAsync();
        using var other = await SetUpAsync();
        var subscription = await SubscribeAsync(tenant);
        var missing = await RefusalAsync(other, new { subscriptionId = Guid.CreateVersion7(), plan = "large" });
        Assert.Equal(("NOT_FOUND", "unknown_subscription", "input.subscriptionId"), missing);
        Assert.Equal(missing, await RefusalAsync(other, new { subscriptionId = subscription, plan = "large" }));
        using var reader = await tenant.WithKeyAsync(["read"]);
        Assert.Equal("FORBIDDEN", (await RefusalAsync(reader, new { subscriptionId = subscription, plan = "large" })).Code);
    }

    /// <summary>
    /// An org with its clock at the start of May 2015, with a small and a large plan; fees by days, tax on the large one.
    /// </summary>
    private async Task<Tenant> SetUpAsync()
    {
        using var owner = await polaris.SignUpAsync();
        var tenant = await owner.WithKeyAsync(["ingest", "read", "admin"], backfill: true);
        await tenant.QueryAsync("mutation { setClock(now: \"2015-05-01T00:00:00Z\") { now } }");
        await tenant.CreateMeterAsync("calls", "COUNT");
        await tenant.QueryAsync(
            """
            mutation {
              small: createPlan(input: {key: "small", name: "Small", currency: "EUR", interval: MONTH, publish: true,
                terms: {proration: DAYS}, charges: [
                  {key: "fee", price: {model: FLAT, amount: "31.00"}},
                  {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "1.00"}}]}) { id }
              large: createPlan(input: {key: "large", name: "Large", currency: "EUR", interval: MONTH, publish: true,
                terms: {proration: DAYS, taxes: [{key: "vat", percent: "10"}]}, charges: [
                  {key: "fee", price: {model: FLAT, amount: "62.00"}},
                  {key: "calls", meter: "calls", price: {model: PER_UNIT, unitPrice: "0.10"}}]}) { id }
            }
            """
        );
        await tenant.QueryAsync("mutation { createCustomers(input: [{key: \"acme\"}]) { id } }");
        return tenant;
    }

    private static async Task<string> SubscribeAsync(Tenant tenant) =>
        Text(
            (
                await tenant.QueryAsync(
                    "mutation { createSubscriptions(input: "
                        + "[{customer: \"acme\", plan: \"small\", start: \"2015-05-01T00:00:00Z\"}]) { id } }"
                )
            ).GetProperty("createSubscriptions")[0],
            "id"
        );

    private static object Call(string key, string at) =>
        new
        {
            idempotency_key = key,
            type = "call",
            customer = "acme",
            timestamp = at,
        };

    private Task CountedAsync(Tenant tenant, int calls) =>
        polaris.UntilAsync(
            $"counting {calls}",
            async () => await tenant.UsageAsync("calls", "acme", "2015-05-01T00:00:00Z", "2015-06-01T00:00:00Z") == calls
        );

    private async Task<JsonElement[]> InvoicesAsync(Tenant tenant, int count)
    {
        JsonElement[] invoices = [];
        await polaris.UntilAsync(
            $"{count} invoices",
            async () =>
            {
                var data = await tenant.QueryAsync(Invoices);
                invoices = [.. data.GetProperty("invoices").GetProperty("nodes").EnumerateArray()];
                return data.GetProperty("clock").GetProperty("duePeriods").GetInt32() == 0 && invoices.Length == count;
            }
        );
        return invoices;
    }

    private static async Task<string?[]> HashesAsync(Tenant tenant, params string[] plans)
    {
        var hashes = new List<string?>();
        foreach (var plan in plans)
            hashes.Add(
                (await tenant.QueryAsync("query($key: String!) { plan(key: $key) { versions { hash } } }", new { key = plan }))
                    .GetProperty("plan")
                    .GetProperty("versions")[0]
                    .GetProperty("hash")
                    .GetString()
            );
        return [.. hashes];
    }

    private static async Task<(string? Code, string? Rule, string? Path)> RefusalAsync(Tenant tenant, object input) =>
        await tenant.RefusalAsync(Change, new { input });

    private static async Task<bool> IdenticalAsync(Tenant tenant, JsonElement invoice) =>
        (await tenant.QueryAsync("mutation($id: ID!) { recomputeInvoice(id: $id) { identical } }", new { id = Text(invoice, "id") }))
            .GetProperty("recomputeInvoice")
            .GetProperty("identical")
            .GetBoolean();

    private static string Text(JsonElement of, string name) => of.GetProperty(name).GetString()!;

    private static string Compact(JsonElement one) => one.GetRawText().Replace(" ", "", StringComparison.Ordinal);
}
