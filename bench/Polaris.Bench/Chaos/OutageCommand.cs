using System.Diagnostics;
using System.Globalization;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>
/// The broker down for a while, and then PostgreSQL, under load all the time: what <c>/ingest</c> answers, that everything acknowledged is counted
/// afterwards, and that no service's memory grows without end.
/// </summary>
internal sealed class OutageCommand(Options options)
{
    public static readonly string[] Switches = ["--seconds", "--rate", "--connections", "--batch"];

    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CatchUp = TimeSpan.FromMinutes(5);

    /// <summary>What a service may hold more, at its highest during and after an outage, than at its highest before.</summary>
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
        using (await platform.KillAsync("kafka")) await MeasureAsync("broker down", platform, org, time);
        await platform.UntilHealthyAsync();
        await MeasureAsync("broker back", platform, org, time);
        using (await platform.KillAsync("postgres")) await MeasureAsync("postgres down", platform, org, time);
        await platform.UntilHealthyAsync();
        await MeasureAsync("postgres back", platform, org, time);

        Print();
        var (broker, postgres) = (phases[1].Load, phases[3].Load);
        var began = Stopwatch.GetTimestamp();
        var accepted = phases.Sum(phase => phase.Load.Accepted);
        // An answer that was lost with its connection may have been a yes: those requests were not sent again.
        var counted = await UntilQuietAsync(org, accepted);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n  acknowledged {accepted}, counted {counted} after {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s; without an answer {phases.Sum(phase => phase.Load.Refused)}"));
        string[] wrong =
        [
            .. broker.Refused > 0 ? [$"{broker.Refused} events were refused while the broker was down"] : Array.Empty<string>(),
            .. postgres.Accepted > 0 ? [$"{postgres.Accepted} events were acknowledged while PostgreSQL was down"] : Array.Empty<string>(),
            .. counted < accepted || counted > accepted + phases.Sum(phase => phase.Load.Refused) ? ["what is counted is not what was acknowledged"] : Array.Empty<string>(),
            .. phases[0].Memory.Where(one => phases.Max(phase => phase.Memory.GetValueOrDefault(one.Key)) > one.Value + AllowedGrowthMiB && one.Key is not ("postgres" or "kafka")).Select(one => $"{one.Key} grew by more than {AllowedGrowthMiB:0} MiB"),
        ];
        foreach (var one in wrong) Console.WriteLine($"  WRONG: {one}");
        return wrong.Length == 0 ? 0 : 1;
    }

    private static async Task<decimal> UntilQuietAsync(BenchOrg org, long accepted)
    {
        var began = Stopwatch.GetTimestamp();
        decimal now;
        while ((now = await org.UsageAsync("calls")) < accepted && Stopwatch.GetElapsedTime(began) < CatchUp) await Task.Delay(100);
        return now;
    }

    private async Task MeasureAsync(string phase, Platform platform, BenchOrg org, TimeSpan time)
    {
        var load = new LoadRun(options.Url, org.ApiKey, options.Number("--batch", 20), options.Number("--connections", 8), time, perSecond: options.Number("--rate", 5_000)).RunAsync();
        var memory = new Dictionary<string, double>();
        while (!load.IsCompleted)
        {
            foreach (var (name, mib) in platform.Memory()) memory[name] = Math.Max(memory.GetValueOrDefault(name), mib);
            await Task.WhenAny(load, Task.Delay(SampleEvery));
        }

        phases.Add((phase, await load, memory));
        Console.WriteLine($"  {phase}: {string.Join(", ", (await load).ByStatus.Select(pair => $"{pair.Value} × {(pair.Key == 0 ? "no answer" : pair.Key)}"))}");
    }

    private void Print()
    {
        string[] names = ["ingestion", "billing", "gateway", "identity", "plans", "notifications", "kafka", "postgres"];
        Console.WriteLine($"\n  {"",-14} {"events/s",9} {"p50 ms",8} {"p99 ms",8} {"max ms",8}  highest own memory in MiB: {string.Join(' ', names.Select(name => $"{name,13}"))}");
        foreach (var (phase, load, memory) in phases)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {phase,-14} {load.Rate,9:0} {load.P50,8:0.0} {load.P99,8:0.0} {load.Longest,8:0}  {"",26} {string.Join(' ', names.Select(name => $"{memory.GetValueOrDefault(name),13:0}"))}"));
        }
    }
}
