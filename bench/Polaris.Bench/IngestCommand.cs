using System.Globalization;
using System.Text.Json;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>
/// Events per second of <c>/ingest</c> with the whole pipeline consuming, compared with baselines on the same PostgreSQL in the same run.
/// </summary>
internal sealed class IngestCommand(Options options)
{
    public static readonly string[] Switches =
    [
        "--batches",
        "--connections",
        "--seconds",
        "--duplicates",
        "--rounds",
        "--at",
        "--postgres",
    ];

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private const int MaxWarmUps = 24;
    private static readonly TimeSpan CatchUp = TimeSpan.FromMinutes(5);

    public async Task<int> RunAsync()
    {
        var time = TimeSpan.FromSeconds(options.Number("--seconds", 8));
        var addresses = Addresses();
        var ceiling = options.Postgres() is { } postgres ? new Ceiling(postgres) : null;
        Console.WriteLine(
            $"load on {string.Join(", ", addresses.Select(address => address.Url))} for {time.TotalSeconds:0} s "
                + $"each{(ceiling is null ? "; PostgreSQL is unknown, so there are no baselines" : "")}"
        );
        using var org = await BenchOrg.CreateAsync(options.Url, "ingest");
        await org.CreateMeterAsync("calls", "COUNT", null, "api.call");
        await org.CreateMeterAsync("tokens", "SUM", "tokens", "api.call");
        var (sent, batches) = (0L, options.Numbers("--batches", 1, 10, 100, 500, 1000));
        foreach (var address in addresses)
            sent += await WarmUpAsync(address.Url, org, batches.Min());
        await org.CatchUpAsync("calls", sent, CatchUp);
        // Warms up the baselines' own code as well.
        await MarksAsync(ceiling, batches.Min(), ConnectionsFor(batches.Min()), WarmUp);

        Console.WriteLine(
            $"  {"at", -9} {"batch", 6} {"conns", 6} {"repeats", 8} {"events/s", 10} {"p50 ms", 8} {"p99 ms", 8} "
                + $"{"longest", 8} {"refused", 8} {"caught up s", 12} {"ceiling/s", 10} {"ratio", 6} {"one-row/s", 10} {"ratio", 6} "
                + $"{"service/s", 10} {"ratio", 6}  CPU µs per event"
        );
        for (var round = 0; round < options.Number("--rounds", 1); round++)
        {
            foreach (var batch in batches)
            {
                foreach (var duplicates in options.Shares("--duplicates", 0))
                {
                    foreach (var address in addresses)
                        sent += await MeasureAsync(address, org, ceiling, batch, duplicates, sent, time);
                }
            }
        }

        return 0;
    }

    /// <summary>The gateway and, when the AppHost's state folder is known, Ingestion directly.</summary>
    private (string Name, Uri Url)[] Addresses()
    {
        var known = options.Endpoints is { ValueKind: JsonValueKind.Object } endpoints;
        return
        [
            .. (options.Text("--at") ?? (known ? "ingestion,gateway" : "gateway"))
                .Split(',')
                .Select(name =>
                    (
                        name,
                        name switch
                        {
                            "gateway" => options.Url,
                            "ingestion" when known => new Uri(
                                options.Endpoints.GetProperty("resources").GetProperty(name).GetProperty("urls")[0].GetString()!
                            ),
                            _ => throw new PolarisException(
                                "--at takes gateway, ingestion or both with a comma; ingestion needs the AppHost's state folder."
                            ),
                        }
                    )
                ),
        ];
    }

    /// <summary>
    /// Runs until three consecutive rounds bring no gain: a fresh process is slow until its hot paths are recompiled, which matters most
    /// for small requests.
    /// </summary>
    private async Task<long> WarmUpAsync(Uri url, BenchOrg org, int batch)
    {
        var (sent, best, since) = (0L, 0.0, 0);
        for (var turn = 0; turn < MaxWarmUps && since < 3; turn++)
        {
            var result = await new LoadRun(url, org.ApiKey, batch, ConnectionsFor(batch), WarmUp).RunAsync();
            sent += result.Accepted;
            since = result.Rate > best * 1.03 ? 0 : since + 1;
            best = Math.Max(best, result.Rate);
        }

        return sent;
    }

    /// <summary>Returns the number of accepted events.</summary>
    private async Task<long> MeasureAsync(
        (string Name, Uri Url) at,
        BenchOrg org,
        Ceiling? ceiling,
        int batch,
        double duplicates,
        long sent,
        TimeSpan time
    )
    {
        var connections = ConnectionsFor(batch);
        // Ratios are only meaningful side by side: the baselines are measured before and after, and averaged.
        var before = await MarksAsync(ceiling, batch, connections, time / 2);
        var cpu = Cpu();
        var result = await new LoadRun(at.Url, org.ApiKey, batch, connections, time, duplicates).RunAsync();
        var behind = await org.CatchUpAsync("calls", sent + result.Accepted, CatchUp);
        var spent = Cpu()
            .Select(process =>
                (process.Key, Spent: (process.Value - cpu.GetValueOrDefault(process.Key)) / (result.Accepted + result.Duplicates) * 1e6)
            )
            .Where(process => process.Spent >= 0.5);
        var after = await MarksAsync(ceiling, batch, connections, time / 2);
        string Mark(double mark) =>
            mark == 0 ? $"{"-", 10} {"-", 6}" : string.Create(CultureInfo.InvariantCulture, $"{mark, 10:0} {result.Rate / mark, 6:0.00}");
        var perProcess = string.Join(
            ' ',
            spent
                .OrderByDescending(process => process.Spent)
                .Select(process => string.Create(CultureInfo.InvariantCulture, $"{process.Key} {process.Spent:0}"))
        );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {at.Name, -9} {batch, 6} {connections, 6} {duplicates, 8:0.##} {result.Rate, 10:0} {result.P50, 8:0.0} "
                    + $"{result.P99, 8:0.0} {result.Longest, 8:0} {result.Refused, 8} {behind, 12:0.00} "
                    + $"{Mark((before.Top + after.Top) / 2)} {Mark((before.OneRow + after.OneRow) / 2)} "
                    + $"{Mark((before.Service + after.Service) / 2)}  "
                    + $"{perProcess}"
            )
        );
        return result.Accepted;
    }

    private int ConnectionsFor(int batch) => options.Number("--connections", batch == 1 ? 64 : 8);

    private static async Task<(double Top, double OneRow, double Service)> MarksAsync(
        Ceiling? ceiling,
        int batch,
        int connections,
        TimeSpan time
    )
    {
        if (ceiling is null)
            return default;
        var top = await ceiling.RateAsync(batch, connections, time);
        return batch > 1
            ? (top, 0, 0)
            : (top, await ceiling.OneRowRateAsync(connections, time), await ceiling.ServiceRateAsync(connections, time));
    }

    private Dictionary<string, double> Cpu() =>
        options.Endpoints is { ValueKind: JsonValueKind.Object } endpoints
            ? ProcessTable.Read(endpoints.GetProperty("resources"), process => process.CpuSeconds)
            : [];
}
