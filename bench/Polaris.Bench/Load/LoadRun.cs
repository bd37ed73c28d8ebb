using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Polaris.Bench.Load;

/// <summary>The result of a load run. Latencies are per request, in milliseconds.</summary>
/// <param name="ByStatus">Requests by response status; 0 is a broken connection.</param>
internal sealed record LoadResult(
    double Seconds,
    long Accepted,
    long Duplicates,
    long Refused,
    long Requests,
    double P50,
    double P99,
    double Longest,
    IReadOnlyDictionary<int, long> ByStatus
)
{
    /// <summary>Events acknowledged per second, duplicates included.</summary>
    public double Rate => (Accepted + Duplicates) / Seconds;
}

/// <summary>
/// Load on <c>/ingest</c> for a bounded time from a bounded number of connections, each of which sends again once it is answered.
/// </summary>
/// <param name="duplicates">Share of requests that repeat the connection's previous one.</param>
/// <param name="perSecond">Maximum events per second over all connections; 0 is no limit.</param>
internal sealed class LoadRun(
    Uri url,
    string apiKey,
    int batch,
    int connections,
    TimeSpan time,
    double duplicates = 0,
    double perSecond = 0
)
{
    public static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(60);

    /// <summary>Timeout for responses that are outstanding at the end of the run.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly string run = RandomNumberGenerator.GetHexString(8, lowercase: true);

    public Task<LoadResult> RunAsync()
    {
        if (time > MaxTime)
            throw new PolarisException($"A run takes at most {MaxTime.TotalMinutes:0} minutes.");
        return Task.Factory.StartNew(Run, TaskCreationOptions.LongRunning);
    }

    /// <summary>
    /// One thread polls all connections for responses: the load shares its cores with the measured service, and a task per connection uses
    /// more of them.
    /// </summary>
    private LoadResult Run()
    {
        var began = Stopwatch.GetTimestamp();
        var senders = Enumerable
            .Range(0, connections)
            .Select(index => new LoadSender(
                new LoadConnection(url, apiKey),
                new EventBodies($"{run}-{index}", batch, TimeProvider.System.GetUtcNow()),
                duplicates,
                perSecond / connections
            ))
            .ToArray();
        try
        {
            var readable = new List<Socket>();
            for (var now = TimeSpan.Zero; ; now = Stopwatch.GetElapsedTime(began))
            {
                var next = time;
                readable.Clear();
                foreach (var sender in senders)
                {
                    if (sender.Waiting is null && now < time && sender.Due <= now)
                        sender.Send(now);
                    if (sender.Waiting is { } socket)
                        readable.Add(socket);
                    else if (sender.Due < next)
                        next = sender.Due;
                }

                if (readable.Count == 0 && now >= time)
                    break;
                if (readable.Count == 0)
                {
                    if (next > now)
                        Thread.Sleep(next - now);
                    continue;
                }

                if (now > time + Timeout)
                    throw new PolarisException($"{readable.Count} requests are unanswered {Timeout.TotalSeconds:0} s after the run.");
                Socket.Select(readable, null, null, next > now ? next - now : Timeout);
                now = Stopwatch.GetElapsedTime(began);
                // The readable sockets are in the order of the senders.
                var at = 0;
                foreach (var sender in senders)
                {
                    if (at == readable.Count)
                        break;
                    if (sender.Waiting is not { } socket || socket != readable[at])
                        continue;
                    at++;
                    sender.Receive(now);
                }
            }
        }
        finally
        {
            foreach (var sender in senders)
                sender.Dispose();
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var latencies = senders.SelectMany(sender => sender.Latencies).Order().ToArray();
        return new LoadResult(
            seconds,
            senders.Sum(sender => sender.Accepted),
            senders.Sum(sender => sender.Repeated),
            senders.Sum(sender => sender.Refused),
            latencies.Length,
            Percentile(latencies, 0.5),
            Percentile(latencies, 0.99),
            latencies.Length == 0 ? 0 : latencies[^1],
            senders
                .SelectMany(sender => sender.Statuses)
                .GroupBy(pair => pair.Key)
                .ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value))
        );
    }

    public static double Percentile(double[] ordered, double share) =>
        ordered.Length == 0 ? 0 : ordered[Math.Min(ordered.Length - 1, (int)(share * ordered.Length))];
}
