using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Polaris.Gateway.Execution;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.RateLimiting;

/// <summary>How many subscriptions may be open, of a caller, of an org and of all, at their edges.</summary>
public sealed class OpenSubscriptionsTests : IDisposable
{
    private static readonly GraphQLLimits Limits = new();

    private readonly OpenSubscriptions open = new(Options.Create(Limits));
    private readonly List<RateLimitLease> places = [];

    [Fact]
    public void A_caller_has_so_many_and_another_of_its_org_has_its_own()
    {
        Fill(Limits.MaxSubscriptionsPerCaller, _ => Requests.Of("a"));
        Assert.False(Takes(Requests.Of("a")));
        Assert.True(Takes(Requests.Of("a", person: 1)));
    }

    [Fact]
    public void An_org_has_so_many_and_another_has_its_own()
    {
        Fill(Limits.MaxSubscriptionsPerOrg, i => Requests.Of("a", i));
        Assert.False(Takes(Requests.Of("a", Limits.MaxSubscriptionsPerOrg)));
        Assert.True(Takes(Requests.Of("b")));
    }

    [Fact]
    public void All_together_have_so_many_and_one_that_ends_leaves_its_place()
    {
        Fill(Limits.MaxSubscriptions, i => Requests.Of($"{(char)('a' + (i / Limits.MaxSubscriptionsPerOrg))}", i));
        var next = Requests.Of("A");
        Assert.False(Takes(next));
        places[0].Dispose();
        Assert.True(Takes(next));
    }

    public void Dispose()
    {
        foreach (var place in places)
            place.Dispose();
        open.Dispose();
    }

    private void Fill(int count, Func<int, HttpContext> request)
    {
        for (var i = 0; i < count; i++)
            Assert.True(Takes(request(i)), $"{i} of {count} have a place.");
    }

    private bool Takes(HttpContext request)
    {
        var place = open.Take(request);
        places.Add(place);
        return place.IsAcquired;
    }
}
