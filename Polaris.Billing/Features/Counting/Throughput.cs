using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Counting;

/// <summary>What was counted since it was last taken: events by org, and the longest way of one.</summary>
/// <param name="Events">Events by org.</param>
/// <param name="SlowestMs">The longest time between the receipt of a batch and its being counted, in milliseconds.</param>
internal sealed record CountedSince(IReadOnlyDictionary<Guid, long> Events, long SlowestMs);

/// <summary>
/// How many events are counted at the moment, for operators; invoices know nothing of it. It is added up in memory, after the commit, and
/// written every few seconds (<see cref="RecordThroughput"/>): counting itself takes no further statement and no lock that orgs share.
/// </summary>
internal sealed class Throughput(TimeProvider time)
{
    private readonly Lock gate = new();
    private Dictionary<Guid, long> events = [];
    private long slowestMs;

    public void Add(IReadOnlyList<UsageBatch> applied)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (gate)
        {
            foreach (var batch in applied)
            {
                var org = FoldUsage.OrgOf(batch);
                events[org] = events.GetValueOrDefault(org) + batch.Events.Count;
                slowestMs = Math.Max(slowestMs, now - ReceivedAtMs(batch));
            }
        }
    }

    /// <summary>Begins anew and returns what there was.</summary>
    public CountedSince Take()
    {
        lock (gate)
        {
            var taken = new CountedSince(events, slowestMs);
            (events, slowestMs) = ([], 0);
            return taken;
        }
    }

    /// <summary>For what was taken and could not be written.</summary>
    public void PutBack(CountedSince taken)
    {
        lock (gate)
        {
            foreach (var (org, count) in taken.Events)
                events[org] = events.GetValueOrDefault(org) + count;
            slowestMs = Math.Max(slowestMs, taken.SlowestMs);
        }
    }

    /// <summary>A batch's id begins with the millisecond of its receipt.</summary>
    private static long ReceivedAtMs(UsageBatch batch)
    {
        var milliseconds = 0L;
        foreach (var part in batch.BatchId.Span[..6])
            milliseconds = (milliseconds << 8) | part;
        return milliseconds;
    }
}
