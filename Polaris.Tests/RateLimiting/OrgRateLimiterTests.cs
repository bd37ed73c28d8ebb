using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.RateLimiting;
using Xunit;

namespace Polaris.Tests.RateLimiting;

public sealed class OrgRateLimiterTests
{
    private static readonly Guid Org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
    private static readonly Guid Other = Guid.Parse("0192e4a0-0000-7000-8000-000000000002");
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(3, 20)]
    public void However_many_replicas_there_are_an_org_gets_its_rate_and_another_is_not_affected(int replicas, int units)
    {
        var time = new FakeTimeProvider();
        var budget = new SharedBudget(time, perSecond: 2_000);
        OrgRateLimiter[] limiters = [.. Enumerable.Range(0, replicas).Select(_ => New(budget, time))];
        long spent = 0;
        for (var at = TimeSpan.Zero; at < TimeSpan.FromSeconds(10); at += Step)
        {
            for (var i = 0; i < 20; i++)
            {
                foreach (var limiter in limiters)
                    spent += limiter.Take(Org, units).Allowed ? units : 0;
            }

            Assert.True(limiters[0].Take(Other, 1).Allowed);
            time.Advance(Step);
        }

        // Each replica may owe a share at the end, and may have lost one that it leased and could not spend.
        var most = (10 * 2_000) + budget.Burst;
        Assert.InRange(spent, most - (replicas * 400), most + (replicas * 400));
    }

    [Fact]
    public void A_request_of_more_than_a_second_s_worth_is_allowed_and_paid_for_by_waiting()
    {
        var time = new FakeTimeProvider();
        using var limiter = New(new SharedBudget(time, perSecond: 10), time);
        Assert.True(limiter.Take(Org, 1_000).Allowed);
        var refused = limiter.Take(Org, 1_000);
        for (var i = 0; i < 20 && refused.Allowed; i++)
            refused = limiter.Take(Org, 1_000);
        Assert.False(refused.Allowed);
        Assert.Equal(10, refused.PerSecond);
        Assert.InRange(refused.RetryAfter, TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void While_the_budget_cannot_be_reached_a_replica_grants_the_last_known_rate()
    {
        var time = new FakeTimeProvider();
        var budget = new SharedBudget(time, perSecond: 1_000);
        using var limiter = New(budget, time);
        Assert.True(limiter.Take(Org, 1).Allowed);
        Assert.Equal(1_000, limiter.Take(Org, 1).PerSecond);
        budget.IsAway = true;
        long spent = 0;
        for (var at = TimeSpan.Zero; at < TimeSpan.FromSeconds(10); at += Step)
        {
            for (var i = 0; i < 10; i++)
                spent += limiter.Take(Org, 1).Allowed ? 1 : 0;
            time.Advance(Step);
        }

        Assert.InRange(spent, 8_000, 12_000);
    }

    [Fact]
    public void An_org_that_sends_little_leases_little()
    {
        var time = new FakeTimeProvider();
        var budget = new SharedBudget(time, perSecond: 1_000);
        using var limiter = New(budget, time);
        for (var second = 0; second < 60; second++)
        {
            Assert.True(limiter.Take(Org, 1).Allowed);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(budget.Leases, 1, 60);
    }

    [Fact]
    public void An_org_asks_for_a_second_s_worth_of_values_and_not_for_one_more_until_the_next()
    {
        var largest = new GraphQLLimits().MaxCost;
        var time = new FakeTimeProvider();
        using var limiter = New(new SharedBudget(time, largest, RateBudgets.Cost), time, RateBudgets.Cost);
        Assert.True(limiter.Take(Org, 1).Allowed);
        time.Advance(TimeSpan.FromSeconds(2));
        for (var second = 0; second < 5; second++)
        {
            Assert.True(limiter.Take(Org, largest).Allowed);
            Assert.False(limiter.Take(Org, largest).Allowed);
            Assert.True(limiter.Take(Other, largest).Allowed);
            time.Advance(TimeSpan.FromSeconds(1.2));
        }
    }

    [Fact]
    public void The_largest_operation_is_allowed_however_small_an_org_s_limit_is()
    {
        var largest = new GraphQLLimits().MaxCost;
        var time = new FakeTimeProvider();
        using var limiter = New(new SharedBudget(time, perSecond: 1, RateBudgets.Cost), time, RateBudgets.Cost);
        Assert.True(limiter.Take(Org, largest).Allowed);
        Assert.False(limiter.Take(Org, largest).Allowed);
    }

    private static OrgRateLimiter New(SharedBudget budget, TimeProvider time, string name = RateBudgets.Events) =>
        new(name, budget, time, NullLogger.Instance);
}
