using System.Collections.Concurrent;
using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Clock;

/// <summary>
/// Each org's time: real, or that of its test clock as <see cref="FollowTestClocks"/> last saw it. No request asks another service.
/// </summary>
internal sealed class OrgTimes(TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> testClocks = new();

    public EventRules RulesOf(Guid org, bool backfill)
    {
        var real = time.GetUtcNow();
        return testClocks.TryGetValue(org, out var test) ? new EventRules(test, backfill, real) : new EventRules(real, backfill);
    }

    /// <param name="org">The org.</param>
    /// <param name="now">Its test clock's time; null when it has none any more.</param>
    public void Set(Guid org, DateTimeOffset? now)
    {
        if (now is { } at)
            testClocks[org] = at;
        else
            testClocks.TryRemove(org, out _);
    }
}
