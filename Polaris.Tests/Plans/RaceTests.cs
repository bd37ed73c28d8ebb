using System.Text.Json;
using Xunit;

namespace Polaris.Tests.Plans;

/// <summary>Calls that meet: one of them wins, and the others are answered as if they had come after it.</summary>
public sealed class RaceTests(PolarisApp polaris) : PlatformTests
{
    private const int Callers = 12;

    private const string Charges = "charges: [{key: \"fee\", price: {model: FLAT, amount: \"1\"}}]";

    [Fact]
    public async Task Calls_that_create_or_change_the_same_at_once_are_answered_with_it_or_a_conflict()
    {
        using var tenant = await polaris.SignUpAsync();
        await AtOnceAsync(tenant, _ => "mutation { createMeter(input: {key: \"same\", eventType: \"call\", aggregation: COUNT}) { id } }");
        await AtOnceAsync(
            tenant,
            _ => $"mutation {{ createPlan(input: {{key: \"same\", name: \"P\", currency: \"EUR\", interval: MONTH, {Charges}}}) {{ id }} }}"
        );
        await AtOnceAsync(tenant, _ => $"mutation {{ createPlanVersion(planKey: \"same\", {Charges}) {{ id }} }}");
        var versions = (await tenant.QueryAsync("{ plan(key: \"same\") { versions { id number } } }"))
            .GetProperty("plan")
            .GetProperty("versions")
            .EnumerateArray()
            .ToArray();
        Assert.Equal(versions.Length, versions.Select(version => version.GetProperty("number").GetInt32()).Distinct().Count());
        await AtOnceAsync(
            tenant,
            i => $"mutation {{ publishPlanVersion(id: \"{versions[i % versions.Length].GetProperty("id")}\") {{ id }} }}"
        );
        await AtOnceAsync(tenant, i => $"mutation {{ renamePlan(key: \"same\", name: \"Name {i}\") {{ id }} }}");
        await AtOnceAsync(tenant, i => $"mutation {{ setClock(now: \"2015-05-0{1 + i % 9}T00:00:00Z\") {{ now }} }}");
        await AtOnceAsync(
            tenant,
            _ => "mutation { createSubscriptions(input: [{customer: \"_self\", plan: \"same\", start: \"2015-05-01T00:00:00Z\"}]) { id } }"
        );
    }

    private static async Task AtOnceAsync(Tenant tenant, Func<int, string> mutation)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => tenant.SendQueryAsync(mutation(i))));
        Assert.Contains(answers, answer => !answer.TryGetProperty("errors", out _));
        Assert.All(answers, answer => Assert.Contains(CodeOf(answer), new[] { null, "CONFLICT", "INVALID_INPUT" }));
    }

    private static string? CodeOf(JsonElement answer) =>
        answer.TryGetProperty("errors", out var errors) ? errors[0].GetProperty("extensions").GetProperty("code").GetString() : null;
}
