extern alias ingestion;

using ingestion::Polaris.Ingestion;
using ingestion::Polaris.Ingestion.Features.Ingest;
using Microsoft.Extensions.Options;
using Xunit;

namespace Polaris.Tests.Ingestion;

public sealed class AdmissionTests
{
    private static readonly Guid Org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
    private static readonly Guid Other = Guid.Parse("0192e4a0-0000-7000-8000-000000000002");

    private static Admission With(Action<IngestionOptions> change)
    {
        var options = new IngestionOptions();
        change(options);
        return new Admission(Options.Create(options));
    }

    [Fact]
    public void An_org_over_its_rate_is_told_to_wait_and_the_others_are_not()
    {
        using var admission = With(options => options.EventsPerSecond = 1);
        using (var first = admission.Enter(100)) first.Admit(Org, 1_000);
        using var second = admission.Enter(100);
        var refused = Assert.Throws<OverLimitException>(() => second.Admit(Org, 1_000));
        Assert.Equal("rate_limited", refused.Code);
        Assert.True(refused.RetryAfter > TimeSpan.FromSeconds(1));
        using var other = admission.Enter(100);
        other.Admit(Other, 1_000);
    }

    [Fact]
    public void The_events_of_an_org_that_wait_are_bounded_until_they_are_answered()
    {
        using var admission = With(options => options.MaxQueuedEventsPerOrg = 1_000);
        using (var first = admission.Enter(100))
        {
            first.Admit(Org, 1_000);
            using var second = admission.Enter(100);
            Assert.Equal("too_many_queued", Assert.Throws<OverLimitException>(() => second.Admit(Org, 1)).Code);
            using var other = admission.Enter(100);
            other.Admit(Other, 1_000);
        }

        using var third = admission.Enter(100);
        third.Admit(Org, 1_000);
    }

    [Fact]
    public void The_bytes_under_way_are_bounded_and_come_back()
    {
        const int request = 5 * 1024 * 1024;
        using var admission = With(options => options.MaxBytesUnderWay = 3 * request);
        var rooms = Enumerable.Range(0, 3).Select(_ => admission.Enter(null)).ToArray();
        Assert.Throws<StorageUnavailableException>(() => admission.Enter(1));
        rooms[0].Dispose();
        rooms[0].Dispose();
        admission.Enter(request);
        Assert.Throws<StorageUnavailableException>(() => admission.Enter(1));
    }
}
