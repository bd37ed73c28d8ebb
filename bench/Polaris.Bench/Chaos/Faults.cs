using System.Diagnostics;
using System.Globalization;
using System.Text;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>A fault, and how long after its end an event was first acknowledged and counted; null when that was not observed.</summary>
internal sealed record Fault(string Kind, double At, double DownSeconds)
{
    public double? AcceptedAfter { get; set; }

    public double? CountedAfter { get; set; }
}

/// <summary>
/// Kills resources at random moments, each for a random time, from a seed, and probes with events when the platform works again.
/// </summary>
internal sealed class Faults(Platform platform, Uri url, BenchOrg probes, long seed, string[] kinds, double everySeconds)
{
    public static readonly string[] All = ["ingestion", "billing", "postgres", "kafka", "wipe"];

    private const double LongestDownSeconds = 4;
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromMinutes(2);

    private readonly Random random = new(unchecked((int)seed));
    private readonly List<Task> probing = [];

    public List<Fault> Happened { get; } = [];

    /// <summary>Acknowledged probes, each of which must be counted once.</summary>
    public int Probes { get; private set; }

    /// <summary>As many as the time holds, and until the platform works again after each.</summary>
    public Task RunAsync(TimeSpan time, CancellationToken ct) => RunAsync((elapsed, wait) => elapsed + wait > time, ct);

    /// <summary>So many, and until the platform works again after each.</summary>
    public Task RunAsync(int times, CancellationToken ct) => RunAsync((_, _) => Happened.Count == times, ct);

    private async Task RunAsync(Func<TimeSpan, TimeSpan, bool> isOver, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        // Every kind comes once before any is repeated, so that a short run includes all of them.
        var bag = new Queue<string>();
        while (true)
        {
            var wait = TimeSpan.FromSeconds(everySeconds * (0.4 + 1.2 * random.NextDouble()));
            if (isOver(Stopwatch.GetElapsedTime(began), wait))
                break;
            await Task.Delay(wait, ct);
            if (bag.Count == 0)
                foreach (var kind in kinds.OrderBy(_ => random.Next()))
                    bag.Enqueue(kind);
            await BreakAsync(bag.Dequeue(), Stopwatch.GetElapsedTime(began), ct);
        }

        await Task.WhenAll(probing);
    }

    /// <summary>
    /// By kind: the number of faults, and the median and maximum time until an event was acknowledged and until it was counted.
    /// </summary>
    public void Print()
    {
        Console.WriteLine(
            $"\nRecovery, in seconds from when the process may start again (a later fault may overlap)\n  {"fault", -10} "
                + $"{"times", 6} {"acknowledged p50", 18} {"longest", 8} {"counted p50", 14} {"longest", 8}"
        );
        foreach (var kind in Happened.GroupBy(fault => fault.Kind))
        {
            string Text(Func<Fault, double?> of, double share)
            {
                var seen = kind.Select(of).OfType<double>().Order().ToArray();
                return seen.Length == 0 ? "-" : LoadRun.Percentile(seen, share).ToString("0.0", CultureInfo.InvariantCulture);
            }

            Console.WriteLine(
                $"  {kind.Key, -10} {kind.Count(), 6} {Text(fault => fault.AcceptedAfter, 0.5), 18} "
                    + $"{Text(fault => fault.AcceptedAfter, 1), 8} {Text(fault => fault.CountedAfter, 0.5), 14} "
                    + $"{Text(fault => fault.CountedAfter, 1), 8}"
            );
        }
    }

    private async Task BreakAsync(string kind, TimeSpan at, CancellationToken ct)
    {
        var down = random.NextDouble() * LongestDownSeconds;
        using (await platform.KillAsync(kind == "wipe" ? "kafka" : kind, wipe: kind == "wipe"))
            await Task.Delay(TimeSpan.FromSeconds(down), ct);
        var fault = new Fault(kind, at.TotalSeconds, down);
        Happened.Add(fault);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {at.TotalSeconds, 6:0.0} s  {kind} killed, down {down:0.0} s"));
        probing.Add(ProbeAsync(fault, Happened.Count, ct));
    }

    private async Task ProbeAsync(Fault fault, int number, CancellationToken ct)
    {
        using var http = new LoadConnection(url, probes.ApiKey);
        var (customer, began) = ($"probe-{number}", Stopwatch.GetTimestamp());
        var body = Encoding.ASCII.GetBytes($"{{\"idempotency_key\":\"{customer}\",\"type\":\"probe\",\"customer\":\"{customer}\"}}");
        while (Stopwatch.GetElapsedTime(began) < ProbeTimeout && fault.CountedAfter is null)
        {
            if (fault.AcceptedAfter is null && await AcceptedAsync(http, body, ct))
            {
                fault.AcceptedAfter = Stopwatch.GetElapsedTime(began).TotalSeconds;
                Probes++;
            }
            else if (fault.AcceptedAfter is not null && await CountedAsync(customer))
            {
                fault.CountedAfter = Stopwatch.GetElapsedTime(began).TotalSeconds;
            }

            await Task.Delay(25, ct);
        }
    }

    private static async Task<bool> AcceptedAsync(LoadConnection http, byte[] body, CancellationToken ct)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(TimeSpan.FromSeconds(10));
        try
        {
            return (await http.PostAsync(body, late.Token)).Status == 202;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<bool> CountedAsync(string customer)
    {
        try
        {
            return await probes.UsageAsync("probes", customer) == 1;
        }
        catch (Exception exception)
            when (exception is PolarisException or TaskCanceledException or System.Text.Json.JsonException or KeyNotFoundException)
        {
            // The service that answers the query is down.
            return false;
        }
    }
}
