using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;

namespace Polaris.Bench.Chaos;

/// <summary>
/// Kills processes under load and then compares what is counted with what was acknowledged, for every customer, meter and 15-minute bucket.
/// The expected figures are computed here from the acknowledged events alone.
/// </summary>
internal sealed class ChaosCommand(Options options)
{
    public static readonly string[] Switches =
    [
        "--minutes",
        "--seconds",
        "--times",
        "--seed",
        "--connections",
        "--rate",
        "--every",
        "--faults",
    ];

    private const int Orgs = 2;

    private static readonly TimeSpan SettleTimeout = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CatchUpTimeout = TimeSpan.FromMinutes(4);

    /// <summary>Long enough for the recovery of lost batches to run over everything, where its position cannot be read.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(22);

    private readonly Comparison comparison = new();

    public async Task<int> RunAsync()
    {
        var time = TimeSpan.FromSeconds(
            options.Number("--minutes", 0) * 60 + options.Number("--seconds", options.Text("--minutes") is null ? 120 : 0)
        );
        var times = options.Number("--times", 0);
        var seed = options.Number("--seed", RandomNumberGenerator.GetInt32(1_000_000));
        var platform = new Platform(options);
        var kinds = options.Text("--faults")?.Split(',') ?? [.. Faults.All.Where(kind => kind != "kafka" || platform.HasRealKafka)];
        if (kinds.Except(Faults.All).FirstOrDefault() is { } unknown)
            throw new PolarisException($"Unknown fault '{unknown}'. Faults are {string.Join(',', Faults.All)}.");
        var (connections, rate) = (options.Number("--connections", 8), options.Number("--rate", 2_000));
        Console.WriteLine(
            $"seed {seed}: {(times > 0 ? $"{times} faults under" : $"{time.TotalSeconds:0} s of")} load on {options.Url} "
                + $"from {connections} connections, {rate} events/s at most; "
                + $"{(platform.HasRealKafka ? "a real Kafka" : "the embedded Kafka, which loses its log whenever it ends")}; "
                + $"faults: {string.Join(", ", kinds)}"
        );

        var events = new ChaosEvents(seed, TimeProvider.System.GetUtcNow());
        var counts = new ChaosCounts();
        using var probes = await BenchOrg.CreateAsync(options.Url, "chaos-probes");
        await probes.CreateMeterAsync("probes", "COUNT", null, "probe");
        var (orgs, senders) = (new List<BenchOrg>(), Array.Empty<ChaosSender>());
        try
        {
            for (var i = 0; i < Orgs; i++)
                orgs.Add(await CreateOrgAsync());
            senders =
            [
                .. Enumerable
                    .Range(0, connections)
                    .Select(index => new ChaosSender(
                        options.Url,
                        orgs[index % Orgs].ApiKey,
                        index,
                        seed,
                        events,
                        counts,
                        rate / (double)connections
                    )),
            ];
            var faults = new Faults(platform, options.Url, probes, seed, kinds, options.Number("--every", 8));
            var began = Stopwatch.GetTimestamp();
            var breaking = times > 0 ? faults.RunAsync(times, CancellationToken.None) : faults.RunAsync(time, CancellationToken.None);
            // Either for the time, or until the last of so many faults has been recovered from.
            bool IsOver() => times > 0 ? breaking.IsCompleted : Stopwatch.GetElapsedTime(began) >= time;
            await Task.WhenAll(senders.Select(sender => Task.Run(() => sender.RunAsync(IsOver, CancellationToken.None))));
            await breaking;
            await SettleAsync(platform, senders);
            await CompareAsync(orgs, senders, events);
            comparison.Check("probes", faults.Probes, await probes.UsageAsync("probes"));
            Print(faults, counts, senders);
        }
        finally
        {
            foreach (var sender in senders)
                sender.Dispose();
            foreach (var org in orgs)
                org.Dispose();
        }

        comparison.Print("Acknowledged (expected) and counted (actual)");
        Console.WriteLine(
            comparison.Differences == 0
                ? $"\nno difference: {comparison.Count} figures are equal (seed {seed})"
                : $"\n{comparison.Differences} DIFFERENCES (seed {seed})"
        );
        return comparison.Differences == 0 ? 0 : 1;
    }

    private async Task<BenchOrg> CreateOrgAsync()
    {
        var org = await BenchOrg.CreateAsync(options.Url, "chaos");
        foreach (var meter in ChaosEvents.Meters)
            await org.CreateMeterAsync(meter.Key, meter.Aggregation, meter.Property, meter.Type);
        return org;
    }

    private static async Task SettleAsync(Platform platform, ChaosSender[] senders)
    {
        var began = Stopwatch.GetTimestamp();
        var open = senders.Sum(sender => sender.Unsettled);
        await Task.WhenAll(senders.Select(sender => sender.SettleAsync(SettleTimeout, CancellationToken.None)));
        await platform.UntilHealthyAsync();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  load ended; {open} unanswered requests were sent again until they were answered, "
                    + $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s"
            )
        );
    }

    private async Task CompareAsync(List<BenchOrg> orgs, ChaosSender[] senders, ChaosEvents events)
    {
        var folds = orgs.Select(_ => new ChaosFold()).ToArray();
        foreach (var sender in senders)
        {
            foreach (var (first, count) in sender.Acknowledged)
            {
                for (var number = first; number < first + count; number++)
                    folds[sender.Connection % Orgs].Add(events.Of(sender.Connection, number));
            }
        }

        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < Orgs; i++)
            await CatchUpAsync(orgs[i], folds[i]);
        var took = Stopwatch.GetElapsedTime(began).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        Console.WriteLine($"  caught up after {took} s; lost batches are searched once more, then every figure is compared");
        await UntilSearchedAsync();
        for (var i = 0; i < Orgs; i++)
        {
            await CompareAsync(i + 1, orgs[i], folds[i]);
            await ReconciliationCheck.RunAsync($"org {i + 1}", orgs[i], folds[i].Events, comparison);
        }
    }

    /// <summary>Waits until the recovery of lost batches has run over everything sent, so that double counting would show.</summary>
    private async Task UntilSearchedAsync()
    {
        if (options.Postgres() is not { } postgres)
        {
            await Task.Delay(Quiet);
            return;
        }

        var (now, began) = (TimeProvider.System.GetUtcNow(), Stopwatch.GetTimestamp());
        await using var database = NpgsqlDataSource.Create(postgres + ";Database=billingdb");
        await using var command = database.CreateCommand("SELECT received_at > $1 FROM recovery_position WHERE id = 1");
        command.Parameters.AddWithValue(now);
        while (await command.ExecuteScalarAsync() is not true)
        {
            if (Stopwatch.GetElapsedTime(began) > CatchUpTimeout)
                throw new PolarisException($"Lost batches were not looked for within {CatchUpTimeout.TotalMinutes:0} min.");
            await Task.Delay(200);
        }
    }

    /// <summary>
    /// Waits until the figures are reached, of each meter, since a bucket that is rebuilt may have some of them earlier than others. Events
    /// that never arrive, or are counted twice, are found by the comparison.
    /// </summary>
    private static async Task CatchUpAsync(BenchOrg org, ChaosFold fold)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var meter in ChaosEvents.Meters)
        {
            while (await org.UsageAsync(meter.Key) != fold.Quantity(meter, "") && Stopwatch.GetElapsedTime(began) < CatchUpTimeout)
                await Task.Delay(200);
        }
    }

    private async Task CompareAsync(int number, BenchOrg org, ChaosFold fold)
    {
        comparison.Check($"org {number}: events", fold.Events, await SumAsync(org));
        foreach (var meter in ChaosEvents.Meters)
        {
            comparison.Check($"org {number}: {meter.Key}", fold.Quantity(meter, ""), await org.UsageAsync(meter.Key));
            for (var i = 0; i < ChaosEvents.Customers; i++)
                comparison.Check(
                    $"org {number}/customer-{i} {meter.Key}",
                    fold.Quantity(meter, $"customer-{i}"),
                    await org.UsageAsync(meter.Key, $"customer-{i}")
                );
            foreach (var (start, quantity) in await org.TimelineAsync(meter.Key))
                comparison.Check($"org {number}/{start} {meter.Key}", fold.Quantity(meter, start), quantity);
        }
    }

    private static async Task<decimal> SumAsync(BenchOrg org)
    {
        var sum = 0m;
        foreach (var meter in ChaosEvents.Meters.Where(meter => meter.Aggregation == "COUNT"))
            sum += await org.UsageAsync(meter.Key);
        return sum;
    }

    private void Print(Faults faults, ChaosCounts counts, ChaosSender[] senders)
    {
        Console.WriteLine(
            $"\n  {counts.Requests} requests: {counts.Accepted} events accepted, {counts.Duplicates} duplicates, "
                + $"{counts.Conflicts} conflicts; {senders.Sum(sender => sender.Acknowledged.Sum(range => range.Count))} "
                + "keys acknowledged"
        );
        var unanswered = counts.Unanswered.Select(pair =>
            $"{pair.Value} × {(pair.Key == 0 ? "no response" : pair.Key.ToString(CultureInfo.InvariantCulture))}"
        );
        Console.WriteLine($"  not acknowledged at first: {(counts.Unanswered.Count == 0 ? "none" : string.Join(", ", unanswered))}");
        foreach (var violation in counts.Violations)
            Console.WriteLine($"  VIOLATION: {violation}");
        comparison.Check("responses that contradict an acknowledgement", 0, counts.ViolationCount);
        faults.Print();
    }
}
