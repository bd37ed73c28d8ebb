using System.Diagnostics;
using System.Globalization;
using System.Text;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>A fault that happened and how long after its end an event was acknowledged, and counted, again; null when that was not seen.</summary>
internal sealed record Fault(string Kind, double At, double DownSeconds)
{
    public double? AcceptedAfter { get; set; }

    public double? CountedAfter { get; set; }
}

/// <summary>Kills at random moments by a seed, each resource down for a random time, and looks with an event of its own when the platform works again.</summary>
internal sealed class Faults(Platform platform, Uri url, BenchOrg probes, long seed, string[] kinds, double everySeconds)
{
    public static readonly string[] All = ["ingestion", "billing", "postgres", "kafka", "wipe"];

    private const double LongestDownSeconds = 4;
    private static readonly TimeSpan ProbePatience = TimeSpan.FromMinutes(2);

    private readonly Random random = new(unchecked((int)seed));
    private readonly List<Task> probing = [];

    public List<Fault> Happened { get; } = [];

    /// <summary>Probes that were acknowledged: each counts once.</summary>
    public int Probes { get; private set; }

    public async Task RunAsync(TimeSpan time, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        // Every kind once before any comes twice: a short run meets them all.
        var bag = new Queue<string>();
        while (true)
        {
            var wait = TimeSpan.FromSeconds(everySeconds * (0.4 + 1.2 * random.NextDouble()));
            if (Stopwatch.GetElapsedTime(began) + wait > time) break;
            await Task.Delay(wait, ct);
            if (bag.Count == 0) foreach (var one in kinds.OrderBy(_ => random.Next())) bag.Enqueue(one);
            await BreakAsync(bag.Dequeue(), Stopwatch.GetElapsedTime(began), ct);
        }

        await Task.WhenAll(probing);
    }

    /// <summary>By kind: how often, and the median and longest time until an event was acknowledged and until it was counted.</summary>
    public void Print()
    {
        Console.WriteLine($"\nRecovery, in seconds after the process may start again (a later fault may fall into it)\n  {"fault",-10} {"times",6} {"acknowledged p50",18} {"longest",8} {"counted p50",14} {"longest",8}");
        foreach (var kind in Happened.GroupBy(fault => fault.Kind))
        {
            string Text(Func<Fault, double?> of, double share)
            {
                var seen = kind.Select(of).OfType<double>().Order().ToArray();
                return seen.Length == 0 ? "-" : LoadRun.Percentile(seen, share).ToString("0.0", CultureInfo.InvariantCulture);
            }

            Console.WriteLine($"  {kind.Key,-10} {kind.Count(),6} {Text(one => one.AcceptedAfter, 0.5),18} {Text(one => one.AcceptedAfter, 1),8} {Text(one => one.CountedAfter, 0.5),14} {Text(one => one.CountedAfter, 1),8}");
        }
    }

    private async Task BreakAsync(string kind, TimeSpan at, CancellationToken ct)
    {
        var down = random.NextDouble() * LongestDownSeconds;
        using (await platform.KillAsync(kind == "wipe" ? "kafka" : kind, wipe: kind == "wipe")) await Task.Delay(TimeSpan.FromSeconds(down), ct);
        var fault = new Fault(kind, at.TotalSeconds, down);
        Happened.Add(fault);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {at.TotalSeconds,6:0.0} s  {kind} killed, down {down:0.0} s"));
        probing.Add(ProbeAsync(fault, Happened.Count, ct));
    }

    private async Task ProbeAsync(Fault fault, int number, CancellationToken ct)
    {
        using var http = new LoadConnection(url, probes.ApiKey);
        var (customer, began) = ($"probe-{number}", Stopwatch.GetTimestamp());
        var body = Encoding.ASCII.GetBytes($"{{\"idempotency_key\":\"{customer}\",\"type\":\"probe\",\"customer\":\"{customer}\"}}");
        while (Stopwatch.GetElapsedTime(began) < ProbePatience && fault.CountedAfter is null)
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
        catch (Exception exception) when (exception is PolarisException or TaskCanceledException or System.Text.Json.JsonException or KeyNotFoundException)
        {
            // The service that answers is down itself.
            return false;
        }
    }
}
