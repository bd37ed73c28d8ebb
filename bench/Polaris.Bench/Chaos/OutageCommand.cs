using System.Diagnostics;
using System.Globalization;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>
/// Takes the broker down for a while and then PostgreSQL, under constant load, and checks the responses of <c>/ingest</c>, that every
/// acknowledged event is counted afterwards, and that no service's memory grows without bound.
/// </summary>
internal sealed class OutageCommand(Options options)
{
    public static readonly string[] Switches = ["--seconds", "--rate", "--connections", "--batch"];

    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CatchUp = TimeSpan.FromMinutes(5);

    /// <summary>Allowed growth of a service's memory: its maximum during and after an outage over its maximum before.</summary>
    private const double AllowedGrowthMiB = 300;

    private readonly List<(string Phase, LoadResult Load, Dictionary<string, double> Memory)> phases = [];

    public async Task<int> RunAsync()
    {
        var time = TimeSpan.FromSeconds(options.Number("--seconds", 60));
        var platform = new Platform(options);
        using var org = await BenchOrg.CreateAsync(options.Url, "outage");
        await org.CreateMeterAsync("calls", "COUNT", null, "api.call");
        Console.WriteLine($"{time.TotalSeconds:0} s each, {options.Number("--rate", 5_000)} events/s at most");

        await MeasureAsync("before", platform, org, time);
        using (await platform.KillAsync("kafka"))
            await MeasureAsync("broker down", platform, org, time);
        await platform.UntilHealthyAsync();
        await MeasureAsync("broker back", platform, org, time);
        using (await platform.KillAsync("postgres"))
            await MeasureAsync("postgres down", platform, org, time);
        await platform.UntilHealthyAsync();
        await MeasureAsync("postgres back", platform, org, time);

        Print();
        var (broker, postgres) = (phases[1].Load, phases[3].Load);
        var began = Stopwatch.GetTimestamp();
        var accepted = phases.Sum(phase => phase.Load.Accepted);
        // Events of a request whose response was lost may be stored; such requests were not sent again.
        var counted = await UntilQuietAsync(org, accepted);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"\n  acknowledged {accepted}, counted {counted} after {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s; "
                    + $"unanswered {phases.Sum(phase => phase.Load.Refused)}"
            )
        );
        string[] wrong =
        [
            .. broker.Refused > 0 ? [$"{broker.Refused} events were refused while the broker was down"] : Array.Empty<string>(),
            .. postgres.Accepted > 0 ? [$"{postgres.Accepted} events were acknowledged while PostgreSQL was down"] : Array.Empty<string>(),
            .. counted < accepted || counted > accepted + phases.Sum(phase => phase.Load.Refused)
                ? ["the counted events differ from the acknowledged ones"]
                : Array.Empty<string>(),
            .. phases[0]
                .Memory.Where(process =>
                    phases.Max(phase => phase.Memory.GetValueOrDefault(process.Key)) > process.Value + AllowedGrowthMiB
                    && process.Key is not ("postgres" or "kafka")
                )
                .Select(process => $"{process.Key} grew by more than {AllowedGrowthMiB:0} MiB"),
        ];
        foreach (var failure in wrong)
            Console.WriteLine($"  VIOLATION: {failure}");
        return wrong.Length == 0 ? 0 : 1;
    }

    private static async Task<decimal> UntilQuietAsync(BenchOrg org, long accepted)
    {
        var began = Stopwatch.GetTimestamp();
        decimal now;
        while ((now = await org.UsageAsync("calls")) < accepted && Stopwatch.GetElapsedTime(began) < CatchUp)
            await Task.Delay(100);
        return now;
    }

    private async Task MeasureAsync(string phase, Platform platform, BenchOrg org, TimeSpan time)
    {
        var load = new LoadRun(
            options.Url,
            org.ApiKey,
            options.Number("--batch", 20),
            options.Number("--connections", 8),
            time,
            perSecond: options.Number("--rate", 5_000)
        ).RunAsync();
        var memory = new Dictionary<string, double>();
        while (!load.IsCompleted)
        {
            foreach (var (name, mib) in platform.Memory())
                memory[name] = Math.Max(memory.GetValueOrDefault(name), mib);
            await Task.WhenAny(load, Task.Delay(SampleEvery));
        }

        phases.Add((phase, await load, memory));
        var byStatus = (await load).ByStatus.Select(pair => $"{pair.Value} × {(pair.Key == 0 ? "no response" : pair.Key)}");
        Console.WriteLine($"  {phase}: {string.Join(", ", byStatus)}");
    }

    private void Print()
    {
        string[] names = ["ingestion", "billing", "gateway", "identity", "plans", "notifications", "kafka", "postgres"];
        Console.WriteLine(
            $"\n  {"", -14} {"events/s", 9} {"p50 ms", 8} {"p99 ms", 8} {"max ms", 8}  highest own memory in MiB: "
                + $"{string.Join(' ', names.Select(name => $"{name, 13}"))}"
        );
        foreach (var (phase, load, memory) in phases)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {phase, -14} {load.Rate, 9:0} {load.P50, 8:0.0} {load.P99, 8:0.0} {load.Longest, 8:0}  {"", 26} "
                        + $"{string.Join(' ', names.Select(name => $"{memory.GetValueOrDefault(name), 13:0}"))}"
                )
            );
        }
    }
}
