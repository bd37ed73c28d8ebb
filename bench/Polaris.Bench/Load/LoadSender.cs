using System.Net.Sockets;

namespace Polaris.Bench.Load;

/// <summary>One connection of a run of load, what it sends next and what it was told. Times are since the run began.</summary>
/// <param name="repeats">Share of requests that repeat the previous one.</param>
/// <param name="perSecond">Events a second at most; 0 is no limit.</param>
internal sealed class LoadSender(LoadConnection connection, EventBodies bodies, double repeats, double perSecond) : IDisposable
{
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMilliseconds(50);

    private TimeSpan began;
    private bool repeat;
    private long next;
    private long sent;
    private long turns;

    /// <summary>Where its answer arrives, while it waits for one.</summary>
    public Socket? Waiting { get; private set; }

    /// <summary>When it may send again.</summary>
    public TimeSpan Due { get; private set; }

    public long Accepted { get; private set; }

    public long Repeated { get; private set; }

    public long Refused { get; private set; }

    /// <summary>Of each request, in milliseconds.</summary>
    public List<double> Latencies { get; } = [];

    /// <summary>Requests by the status of their answer; 0 is a connection that broke.</summary>
    public Dictionary<int, long> Statuses { get; } = [];

    public void Send(TimeSpan now)
    {
        // Spread evenly: request n repeats when the share of repeats so far is below what was asked.
        repeat = next > 0 && (int)((turns + 1) * repeats) > (int)(turns * repeats);
        turns++;
        began = now;
        if (connection.TrySend(bodies.From(repeat ? next - bodies.Count : next).Span)) Waiting = connection.Socket;
        else Take(default, now);
    }

    /// <summary>Takes what has arrived.</summary>
    public void Receive(TimeSpan now)
    {
        if (connection.TryReceive(out var answer)) Take(answer, now);
    }

    public void Dispose() => connection.Dispose();

    private void Take(LoadAnswer answer, TimeSpan now)
    {
        Waiting = null;
        Latencies.Add((now - began).TotalMilliseconds);
        Statuses[answer.Status] = Statuses.GetValueOrDefault(answer.Status) + 1;
        if (!repeat) next += bodies.Count;
        sent += bodies.Count;
        Accepted += answer.Accepted;
        Repeated += answer.Duplicates;
        Refused += bodies.Count - answer.Accepted - answer.Duplicates;
        if (perSecond > 0) Due = TimeSpan.FromSeconds(sent / perSecond);
        if (answer.Status is 0 or 429 or 503 && now + AfterRefusal is var later && later > Due) Due = later;
    }
}
