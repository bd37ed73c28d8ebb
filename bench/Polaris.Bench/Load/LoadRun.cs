using System.Diagnostics;
using System.Security.Cryptography;

namespace Polaris.Bench.Load;

/// <summary>What a run of load came to. Latencies are of requests, in milliseconds.</summary>
/// <param name="ByStatus">Requests by the status of their answer; 0 is a connection that broke.</param>
internal sealed record LoadResult(
    double Seconds, long Accepted, long Duplicates, long Refused, long Requests, double P50, double P99, double Longest, IReadOnlyDictionary<int, long> ByStatus)
{
    /// <summary>Events acknowledged per second, duplicates included.</summary>
    public double Rate => (Accepted + Duplicates) / Seconds;
}

/// <summary>Load on <c>/ingest</c> for a bounded time, from a bounded number of connections, each sending as soon as it has its answer.</summary>
/// <param name="duplicates">Share of requests that repeat the connection's previous one.</param>
/// <param name="perSecond">Events a second at most, over all connections; 0 is no limit.</param>
internal sealed class LoadRun(Uri url, string apiKey, int batch, int connections, TimeSpan time, double duplicates = 0, double perSecond = 0)
{
    public static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(60);

    private readonly string run = RandomNumberGenerator.GetHexString(8, lowercase: true);

    public async Task<LoadResult> RunAsync(CancellationToken ct = default)
    {
        if (time > MaxTime) throw new PolarisException($"A run takes at most {MaxTime.TotalMinutes:0} minutes.");
        var began = Stopwatch.GetTimestamp();
        var parts = await Task.WhenAll(Enumerable.Range(0, connections).Select(index => Task.Run(() => SendAsync(index, began, ct), ct)));
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var latencies = parts.SelectMany(part => part.Latencies).Order().ToArray();
        return new LoadResult(
            seconds, parts.Sum(part => part.Accepted), parts.Sum(part => part.Duplicates), parts.Sum(part => part.Refused), latencies.Length,
            Percentile(latencies, 0.5), Percentile(latencies, 0.99), latencies.Length == 0 ? 0 : latencies[^1],
            parts.SelectMany(part => part.Statuses).GroupBy(pair => pair.Key).ToDictionary(group => group.Key, group => group.Sum(pair => pair.Value)));
    }

    public static double Percentile(double[] ordered, double share) => ordered.Length == 0 ? 0 : ordered[Math.Min(ordered.Length - 1, (int)(share * ordered.Length))];

    private async Task<(long Accepted, long Duplicates, long Refused, List<double> Latencies, Dictionary<int, long> Statuses)> SendAsync(int index, long began, CancellationToken ct)
    {
        using var connection = new LoadConnection(url, apiKey);
        var bodies = new EventBodies($"{run}-{index}", batch, TimeProvider.System.GetUtcNow());
        var (latencies, statuses) = (new List<double>(), new Dictionary<int, long>());
        var (accepted, repeated, refused, next, sent, turns) = (0L, 0L, 0L, 0L, 0L, 0L);
        while (Stopwatch.GetElapsedTime(began) < time && !ct.IsCancellationRequested)
        {
            if (perSecond > 0)
            {
                var due = TimeSpan.FromSeconds(sent / (perSecond / connections));
                if (due - Stopwatch.GetElapsedTime(began) is var wait && wait > TimeSpan.Zero) await Task.Delay(wait, ct);
            }

            // Spread evenly: request n repeats when the share of repeats so far is below what was asked.
            var repeat = next > 0 && (int)((turns + 1) * duplicates) > (int)(turns * duplicates);
            turns++;
            var start = Stopwatch.GetTimestamp();
            var answer = await connection.PostAsync(bodies.From(repeat ? next - batch : next), ct);
            latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            statuses[answer.Status] = statuses.GetValueOrDefault(answer.Status) + 1;
            if (!repeat) next += batch;
            sent += batch;
            accepted += answer.Accepted;
            repeated += answer.Duplicates;
            refused += batch - answer.Accepted - answer.Duplicates;
            if (answer.Status is 0 or 429 or 503) await Task.Delay(50, ct);
        }

        return (accepted, repeated, refused, latencies, statuses);
    }
}
