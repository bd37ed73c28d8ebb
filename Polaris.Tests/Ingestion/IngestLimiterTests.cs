using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Polaris.Ingestion;
using Polaris.Ingestion.Features.Ingest;
using Polaris.ServiceDefaults.RateLimiting;
using Polaris.Tests.RateLimiting;
using Xunit;

namespace Polaris.Tests.Ingestion;

public sealed class IngestLimiterTests
{
    private static readonly Guid Org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
    private static readonly Guid Other = Guid.Parse("0192e4a0-0000-7000-8000-000000000002");

    private static readonly OrgRateLimiter Unlimited = new(
        RateBudgets.Events,
        new SharedBudget(TimeProvider.System, perSecond: 1_000_000),
        TimeProvider.System,
        NullLogger.Instance
    );

    private static IngestLimiter With(Action<IngestionOptions> change)
    {
        var options = new IngestionOptions();
        change(options);
        return new IngestLimiter(Options.Create(options), Unlimited);
    }

    [Fact]
    public void The_events_of_an_org_that_wait_are_bounded_until_they_are_answered()
    {
        var limiter = With(options => options.MaxQueuedEventsPerOrg = 1_000);
        using (var first = limiter.Enter(Org, "key"))
        {
            first.AddEvents(1_000);
            using var second = limiter.Enter(Org, "key");
            Assert.Equal("too_many_queued", Assert.Throws<OverLimitException>(() => second.AddEvents(1)).Code);
            using var other = limiter.Enter(Other, "other key");
            other.AddEvents(1_000);
        }

        using var third = limiter.Enter(Org, "key");
        third.AddEvents(1_000);
    }

    [Fact]
    public void The_bytes_of_an_org_and_of_all_together_are_bounded_and_are_released()
    {
        const int mega = 1024 * 1024;
        var limiter = With(options => (options.MaxBytesInFlight, options.MaxBytesInFlightPerOrg) = (40 * mega, 16 * mega));
        Guid[] orgs = [Org, Other, Guid.Parse("0192e4a0-0000-7000-8000-000000000003")];
        var first = limiter.Enter(orgs[0], "key");
        first.AddBytes(16 * mega);
        Assert.Equal("too_many_bytes", Assert.Throws<OverLimitException>(() => first.AddBytes(1)).Code);
        using var sibling = limiter.Enter(orgs[0], "key");
        Assert.Equal("too_many_bytes", Assert.Throws<OverLimitException>(() => sibling.AddBytes(1)).Code);
        using var second = limiter.Enter(orgs[1], "key");
        second.AddBytes(16 * mega);
        using (var third = limiter.Enter(orgs[2], "key"))
        {
            third.AddBytes(8 * mega);
            Assert.Throws<StorageUnavailableException>(() => third.AddBytes(1));
        }

        first.Dispose();
        first.Dispose();
        using var last = limiter.Enter(orgs[2], "key");
        last.AddBytes(16 * mega);
        sibling.AddBytes(8 * mega);
        Assert.Throws<StorageUnavailableException>(() => sibling.AddBytes(1));
    }

    [Fact]
    public void The_requests_of_a_key_are_bounded_until_they_are_answered_and_another_key_is_not_affected()
    {
        var limiter = With(options => options.MaxRequestsPerKey = 2);
        using var first = limiter.Enter(Org, "key");
        using (limiter.Enter(Org, "key"))
        {
            Assert.Equal("too_many_requests", Assert.Throws<OverLimitException>(() => limiter.Enter(Org, "key")).Code);
            using var other = limiter.Enter(Org, "other key");
        }

        using var third = limiter.Enter(Org, "key");
    }
}
