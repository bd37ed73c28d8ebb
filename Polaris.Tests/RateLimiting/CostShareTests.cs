using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Polaris.Gateway.Execution;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.RateLimiting;

/// <summary>What an org's operations may cost together while they run, at its edge.</summary>
public sealed class CostShareTests : IDisposable
{
    private static readonly int Most = new GraphQLLimits().MaxConcurrentCostPerOrg;

    private readonly CallerConcurrency callers = new(Options.Create(new GraphQLLimits()));

    [Fact]
    public async Task Operations_of_an_org_that_cost_as_much_as_it_may_run_together_and_one_more_waits()
    {
        using var first = await RunningAsync("a", Most - 1);
        using var second = await RunningAsync("a", 1);
        var third = Ask("a", 1);
        Assert.False(third.IsCompleted);
        (await RunningAsync("b", Most)).Dispose();
        first.Dispose();
        (await third).Dispose();
    }

    [Fact]
    public async Task An_operation_that_costs_more_runs_alone()
    {
        using var large = await RunningAsync("a", new GraphQLLimits().MaxCost);
        var small = Ask("a", 1);
        Assert.False(small.IsCompleted);
        large.Dispose();
        (await small).Dispose();
    }

    [Fact]
    public async Task Whoever_has_no_token_has_the_share_of_his_address()
    {
        using var first = await RunningAsync(null, Most);
        var second = Ask(null, 1);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
    }

    public void Dispose() => callers.Dispose();

    private async Task<RateLimitLease> RunningAsync(string? org, int cost)
    {
        var lease = Ask(org, cost);
        Assert.True(lease.IsCompletedSuccessfully);
        return await lease;
    }

    private Task<RateLimitLease> Ask(string? org, int cost) => callers.ShareAsync(Requests.Of(org), cost, default).AsTask();
}
