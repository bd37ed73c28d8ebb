using Xunit;

namespace Polaris.Tests.Plans;

/// <summary>Nothing new uses an archived meter or plan; what uses it goes on.</summary>
public sealed class ArchivingTests(PolarisApp polaris) : PlatformTests
{
    private const string Charges = "[{key: \"calls\", meter: \"calls\", price: {model: PER_UNIT, unitPrice: \"1\"}}]";

    [Fact]
    public async Task Archived_meters_and_plans_take_nothing_new_and_come_back()
    {
        using var tenant = await polaris.SignUpAsync();
        await tenant.CreateMeterAsync("calls", "COUNT");
        var plan = (
            await tenant.QueryAsync(
                "mutation { createPlan(input: {key: \"p\", name: \"P\", currency: \"EUR\", interval: MONTH, publish: true, "
                    + $"charges: {Charges}}}) {{ current {{ id }} }} }}"
            )
        ).GetProperty("createPlan");
        var version = plan.GetProperty("current").GetProperty("id").GetString();
        var draft = (await tenant.QueryAsync($"mutation {{ createPlanVersion(planKey: \"p\", charges: {Charges}) {{ id }} }}"))
            .GetProperty("createPlanVersion")
            .GetProperty("id")
            .GetString();
        await tenant.QueryAsync(
            """
            mutation { createCustomers(input: [{key: "acme"}, {key: "late"}]) { id }
              other: createPlan(input: {key: "q", name: "Q", currency: "EUR", interval: MONTH, publish: true,
                charges: [{key: "base", price: {model: FLAT, amount: "1"}}]}) { id } }
            """
        );
        var running = (await tenant.QueryAsync($"mutation {{ {Subscribe("acme", "p")} on: {Subscribe("late", "q")} }}"))
            .GetProperty("on")[0]
            .GetProperty("id")
            .GetString();

        await tenant.QueryAsync("mutation { archivePlan(key: \"p\") { archivedAt } archiveMeter(key: \"calls\") { archivedAt } }");
        var lists = await tenant.QueryAsync(
            "{ plans { key } allPlans: plans(archived: true) { key current { id } } "
                + "meters { key } allMeters: meters(archived: true) { key } }"
        );
        Assert.Equal((1, 2), (lists.GetProperty("plans").GetArrayLength(), lists.GetProperty("allPlans").GetArrayLength()));
        Assert.Equal((0, 1), (lists.GetProperty("meters").GetArrayLength(), lists.GetProperty("allMeters").GetArrayLength()));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, lists.GetProperty("allPlans")[0].GetProperty("current").ValueKind);

        Assert.Equal(
            ("INVALID_INPUT", "unknown_plan", "input[0].plan"),
            await tenant.RefusalAsync($"mutation {{ {Subscribe("late", "p")} }}")
        );
        Assert.Equal(
            ("INVALID_INPUT", "not_published", "input.planVersionId"),
            await tenant.RefusalAsync(
                $"mutation {{ changePlan(input: {{subscriptionId: \"{running}\", planVersionId: \"{version}\"}}) {{ id }} }}"
            )
        );
        Assert.Equal(
            ("CONFLICT", "plan_archived", "planKey"),
            await tenant.RefusalAsync(
                "mutation { createPlanVersion(planKey: \"p\", charges: [{key: \"b\", price: {model: FLAT, amount: \"1\"}}]) { id } }"
            )
        );
        Assert.Equal(
            ("CONFLICT", "plan_archived", "id"),
            await tenant.RefusalAsync($"mutation {{ publishPlanVersion(id: \"{draft}\") {{ id }} }}")
        );
        Assert.Equal(
            ("INVALID_INPUT", "meter_archived", "charges[0].meter"),
            await tenant.RefusalAsync($"mutation {{ createPlanVersion(planKey: \"q\", charges: {Charges}) {{ id }} }}")
        );
        Assert.Equal("NOT_FOUND", (await tenant.RefusalAsync("mutation { archivePlan(key: \"none\") { id } }")).Code);
        Assert.Equal("NOT_FOUND", (await tenant.RefusalAsync("mutation { archiveMeter(key: \"none\") { id } }")).Code);

        // What uses them goes on.
        await tenant.IngestAsync(
            new
            {
                idempotency_key = "a",
                type = "call",
                customer = "acme",
            }
        );
        await polaris.UntilAsync("counting by an archived meter", async () => await tenant.UsageAsync("calls", "acme") == 1);

        await tenant.QueryAsync("mutation { unarchivePlan(key: \"p\") { archivedAt } unarchiveMeter(key: \"calls\") { archivedAt } }");
        await tenant.QueryAsync($"mutation {{ {Subscribe("late", "p")} createPlanVersion(planKey: \"q\", charges: {Charges}) {{ id }} }}");
    }

    private static string Subscribe(string customer, string plan) =>
        $"createSubscriptions(input: [{{customer: \"{customer}\", plan: \"{plan}\", start: \"{Today()}\"}}]) {{ id }}";

    private static string Today() =>
        TimeProvider.System.GetUtcNow().ToString("yyyy-MM-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
}
