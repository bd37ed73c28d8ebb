using System.Net.Sockets;

namespace Polaris.Bench.Load;

/// <summary>One connection of a load run, its next request and its results. Times are relative to the start of the run.</summary>
/// <param name="repeats">Share of requests that repeat the previous one.</param>
/// <param name="perSecond">Maximum events per second; 0 is no limit.</param>
internal sealed class LoadSender(LoadConnection connection, EventBodies bodies, double repeats, double perSecond) : IDisposable
{
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromMilliseconds(50);

    private TimeSpan began;
    private bool repeat;
    private long next;
    private long sent;
    private long turns;

    /// <summary>The socket of the outstanding response; null when there is none.</summary>
    public Socket? Waiting { get; private set; }

    /// <summary>The earliest time of the next request.</summary>
    public TimeSpan Due { get; private set; }

    public long Accepted { get; private set; }

    public long Repeated { get; private set; }

    public long Refused { get; private set; }

    /// <summary>Latency of each request in milliseconds.</summary>
    public List<double> Latencies { get; } = [];

    /// <summary>Requests by response status; 0 is a broken connection.</summary>
    public Dictionary<int, long> Statuses { get; } = [];

    public void Send(TimeSpan now)
    {
        // Repeats are spread evenly: a request repeats when the share of repeats so far is below the requested one.
        repeat = next > 0 && (int)((turns + 1) * repeats) > (int)(turns * repeats);
        turns++;
        began = now;
        if (connection.TrySend(bodies.From(repeat ? next - bodies.Count : next).Span))
            Waiting = connection.Socket;
        else
            Take(default, now);
    }

    /// <summary>Reads available bytes of the response.</summary>
    public void Receive(TimeSpan now)
    {
        if (connection.TryReceive(out var answer))
            Take(answer, now);
    }

    public void Dispose() => connection.Dispose();

    private void Take(LoadAnswer answer, TimeSpan now)
    {
        Waiting = null;
        Latencies.Add((now - began).TotalMilliseconds);
        Statuses[answer.Status] = Statuses.GetValueOrDefault(answer.Status) + 1;
        if (!repeat)
            next += bodies.Count;
        sent += bodies.Count;
        Accepted += answer.Accepted;
        Repeated += answer.Duplicates;
        Refused += bodies.Count - answer.Accepted - answer.Duplicates;
        if (perSecond > 0)
            Due = TimeSpan.FromSeconds(sent / perSecond);
        if (answer.Status is 0 or 429 or 503 && now + AfterRefusal is var later && later > Due)
            Due = later;
    }
}
