using System.Diagnostics;
using System.Globalization;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>How long after its 202 an event is visible in a usage query, under load at half the maximum rate.</summary>
internal sealed class FreshnessCommand(Options options)
{
    public static readonly string[] Switches = ["--seconds", "--batch", "--connections", "--rate"];

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    public async Task<int> RunAsync()
    {
        var (batch, connections) = (options.Number("--batch", 100), options.Number("--connections", 8));
        using var org = await BenchOrg.CreateAsync(options.Url, "freshness");
        await org.CreateMeterAsync("calls", "COUNT", null, "api.call");
        await org.CreateMeterAsync("probes", "COUNT", null, "probe");
        var top = options.Number("--rate", 0) * 2.0;
        if (top == 0)
        {
            await new LoadRun(options.Url, org.ApiKey, batch, connections, TimeSpan.FromSeconds(3)).RunAsync();
            top = (await new LoadRun(options.Url, org.ApiKey, batch, connections, TimeSpan.FromSeconds(8)).RunAsync()).Rate;
        }

        var (ordered, rate, missed) = await MeasureAsync(
            options.Url,
            org,
            batch,
            connections,
            TimeSpan.FromSeconds(options.Number("--seconds", 20)),
            top / 2
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"maximum {top:0} events/s; at {rate:0} events/s, {ordered.Length} probes: p50 "
                    + $"{LoadRun.Percentile(ordered, 0.5):0} ms, p99 {LoadRun.Percentile(ordered, 0.99):0} ms, longest "
                    + $"{(ordered.Length > 0 ? ordered[^1] : 0):0} ms, not seen {missed}"
            )
        );
        return missed == 0 ? 0 : 1;
    }

    /// <summary>Sorted milliseconds from a probe's acknowledgement until it was first visible.</summary>
    public static async Task<(double[] Ordered, double Rate, int Missed)> MeasureAsync(
        Uri url,
        BenchOrg org,
        int batch,
        int connections,
        TimeSpan time,
        double rate
    )
    {
        var load = new LoadRun(url, org.ApiKey, batch, connections, time + TimeSpan.FromSeconds(1), perSecond: rate).RunAsync();
        var (latencies, missed, began) = (new List<double>(), 0, Stopwatch.GetTimestamp());
        for (var i = 0; Stopwatch.GetElapsedTime(began) < time; i++)
        {
            // Unique in the org: a probe counted in an earlier run would be visible too early.
            var customer = $"probe-{began}-{i}";
            await org.Client.IngestAsync([
                new EventBody(customer, "probe", customer, TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture), []),
            ]);
            var acknowledged = Stopwatch.GetTimestamp();
            while (await org.UsageAsync("probes", customer) == 0 && Stopwatch.GetElapsedTime(acknowledged) < Timeout)
                await Task.Delay(5);
            var waited = Stopwatch.GetElapsedTime(acknowledged);
            if (waited < Timeout)
                latencies.Add(waited.TotalMilliseconds);
            else
                missed++;
        }

        latencies.Sort();
        return ([.. latencies], (await load).Rate, missed);
    }
}
