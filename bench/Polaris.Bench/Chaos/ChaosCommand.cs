using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Polaris.Bench.Chaos;

/// <summary>
/// Load while processes are killed, and then the question whether what was acknowledged is what is counted: nothing missing, nothing twice, for every
/// customer, meter and quarter of an hour. The figures it should be are computed here from the acknowledged events alone.
/// </summary>
internal sealed class ChaosCommand(Options options)
{
    public static readonly string[] Switches = ["--minutes", "--seconds", "--seed", "--connections", "--rate", "--every", "--faults"];

    private const int Orgs = 2;

    private static readonly TimeSpan SettlePatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromMinutes(4);

    /// <summary>Long enough for whatever looks for lost batches to pass over everything: what it counted twice would show.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(22);

    private readonly Comparison comparison = new();

    public async Task<int> RunAsync()
    {
        var time = TimeSpan.FromSeconds(options.Number("--minutes", 0) * 60 + options.Number("--seconds", options.Text("--minutes") is null ? 120 : 0));
        var seed = options.Number("--seed", RandomNumberGenerator.GetInt32(1_000_000));
        var platform = new Platform(options);
        var kinds = options.Text("--faults")?.Split(',') ?? [.. Faults.All.Where(kind => kind != "kafka" || platform.HasRealKafka)];
        if (kinds.Except(Faults.All).FirstOrDefault() is { } unknown) throw new PolarisException($"There is no fault '{unknown}': {string.Join(',', Faults.All)}.");
        var (connections, rate) = (options.Number("--connections", 8), options.Number("--rate", 2_000));
        Console.WriteLine($"seed {seed}: {time.TotalSeconds:0} s of load on {options.Url} from {connections} connections, {rate} events/s at most; {(platform.HasRealKafka ? "a real Kafka" : "the embedded Kafka, whose every end is a wipe")}; faults: {string.Join(", ", kinds)}");

        var events = new ChaosEvents(seed, TimeProvider.System.GetUtcNow());
        var counts = new ChaosCounts();
        using var probes = await BenchOrg.CreateAsync(options.Url, "chaos-probes");
        await probes.CreateMeterAsync("probes", "COUNT", null, "probe");
        var (orgs, senders) = (new List<BenchOrg>(), Array.Empty<ChaosSender>());
        try
        {
            for (var i = 0; i < Orgs; i++) orgs.Add(await CreateOrgAsync());
            senders = [.. Enumerable.Range(0, connections).Select(index => new ChaosSender(options.Url, orgs[index % Orgs].ApiKey, index, seed, events, counts, rate / (double)connections))];
            var faults = new Faults(platform, options.Url, probes, seed, kinds, options.Number("--every", 8));
            var breaking = faults.RunAsync(time, CancellationToken.None);
            await Task.WhenAll(senders.Select(sender => Task.Run(() => sender.RunAsync(time, CancellationToken.None))));
            await breaking;
            await SettleAsync(platform, senders);
            await CompareAsync(orgs, senders, events);
            comparison.Check("probes", faults.Probes, await probes.UsageAsync("probes"));
            Print(faults, counts, senders);
        }
        finally
        {
            foreach (var sender in senders) sender.Dispose();
            foreach (var org in orgs) org.Dispose();
        }

        comparison.Print("What was acknowledged, and what is counted");
        Console.WriteLine(comparison.Differences == 0 ? $"\nno difference: {comparison.Count} figures are equal (seed {seed})" : $"\n{comparison.Differences} DIFFERENCES (seed {seed})");
        return comparison.Differences == 0 ? 0 : 1;
    }

    private async Task<BenchOrg> CreateOrgAsync()
    {
        var org = await BenchOrg.CreateAsync(options.Url, "chaos");
        foreach (var meter in ChaosEvents.Meters) await org.CreateMeterAsync(meter.Key, meter.Aggregation, meter.Property, meter.Type);
        return org;
    }

    private static async Task SettleAsync(Platform platform, ChaosSender[] senders)
    {
        var began = Stopwatch.GetTimestamp();
        var open = senders.Sum(sender => sender.Unsettled);
        await Task.WhenAll(senders.Select(sender => sender.SettleAsync(SettlePatience, CancellationToken.None)));
        await platform.UntilHealthyAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  load ended; {open} requests that had no answer were sent again until they had one, {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s"));
    }

    private async Task CompareAsync(List<BenchOrg> orgs, ChaosSender[] senders, ChaosEvents events)
    {
        var folds = orgs.Select(_ => new ChaosFold()).ToArray();
        foreach (var sender in senders)
        {
            foreach (var (first, count) in sender.Acknowledged)
            {
                for (var number = first; number < first + count; number++) folds[sender.Connection % Orgs].Add(events.Of(sender.Connection, number));
            }
        }

        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Orgs; i++) await CatchUpAsync(orgs[i], folds[i]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  caught up after {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s; {Quiet.TotalSeconds:0} s of quiet, then every figure is compared"));
        await Task.Delay(Quiet);
        for (var i = 0; i < Orgs; i++)
        {
            await CompareAsync(i + 1, orgs[i], folds[i]);
            await Audit.CheckAsync($"org {i + 1}", orgs[i], folds[i].Events, comparison);
        }
    }

    /// <summary>Until the counts are there; what does not come is found by the comparison.</summary>
    private static async Task CatchUpAsync(BenchOrg org, ChaosFold fold)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var meter in ChaosEvents.Meters.Where(meter => meter.Aggregation == "COUNT"))
        {
            while (await org.UsageAsync(meter.Key) < fold.Quantity(meter, "") && Stopwatch.GetElapsedTime(began) < CatchUpPatience) await Task.Delay(200);
        }
    }

    private async Task CompareAsync(int number, BenchOrg org, ChaosFold fold)
    {
        comparison.Check($"org {number}: events", fold.Events, await SumAsync(org));
        foreach (var meter in ChaosEvents.Meters)
        {
            comparison.Check($"org {number}: {meter.Key}", fold.Quantity(meter, ""), await org.UsageAsync(meter.Key));
            for (var i = 0; i < ChaosEvents.Customers; i++)
                comparison.Check($"org {number}/customer-{i} {meter.Key}", fold.Quantity(meter, $"customer-{i}"), await org.UsageAsync(meter.Key, $"customer-{i}"));
            foreach (var (start, quantity) in await org.TimelineAsync(meter.Key))
                comparison.Check($"org {number}/{start} {meter.Key}", fold.Quantity(meter, start), quantity);
        }
    }

    private static async Task<decimal> SumAsync(BenchOrg org)
    {
        var sum = 0m;
        foreach (var meter in ChaosEvents.Meters.Where(meter => meter.Aggregation == "COUNT")) sum += await org.UsageAsync(meter.Key);
        return sum;
    }

    private void Print(Faults faults, ChaosCounts counts, ChaosSender[] senders)
    {
        Console.WriteLine($"\n  {counts.Requests} requests: {counts.Accepted} events accepted, {counts.Duplicates} duplicates, {counts.Conflicts} conflicts; {senders.Sum(sender => sender.Acknowledged.Sum(range => range.Count))} keys acknowledged");
        Console.WriteLine($"  not acknowledged at first: {(counts.Unanswered.Count == 0 ? "none" : string.Join(", ", counts.Unanswered.Select(pair => $"{pair.Value} × {(pair.Key == 0 ? "no answer" : pair.Key.ToString(CultureInfo.InvariantCulture))}")))}");
        foreach (var violation in counts.Violations) Console.WriteLine($"  WRONG: {violation}");
        comparison.Check("answers that contradict what was acknowledged", 0, counts.ViolationCount);
        faults.Print();
    }
}
