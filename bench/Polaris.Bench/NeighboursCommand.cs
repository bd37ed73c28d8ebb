using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>
/// What an org notices of another one that does its worst: its own events and usage queries, alone and beside each attack. The attacks take
/// turns; each has an org of its own.
/// </summary>
internal sealed class NeighboursCommand(Options options)
{
    public static readonly string[] Switches = ["--seconds", "--attacks"];

    private const int Connections = 16;
    private const int SlowSockets = 300;
    private const int Subscriptions = 1_000;

    /// <summary>Pause between two calls of the neighbour: it is no load itself.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly TimeSpan time = TimeSpan.FromSeconds(options.Number("--seconds", 10));

    private sealed record Measured(double[] Sends, double[] Reads, int Errors);

    public async Task<int> RunAsync()
    {
        var attacks = new (string Name, Func<BenchOrg, CancellationToken, Task> Run)[]
        {
            ("flood", (org, _) => new LoadRun(options.Url, org.ApiKey, 100, Connections, time).RunAsync()),
            ("slow-bodies", SlowBodiesAsync),
            ("huge-batches", (org, _) => new LoadRun(options.Url, org.ApiKey, 1_000, Connections, time).RunAsync()),
            ("mass-closing", CloseAsync),
            ("mass-rebuild", RebuildAsync),
            ("heavy-queries", QueryAsync),
        };
        var chosen = options.Text("--attacks")?.Split(',') ?? [.. attacks.Select(attack => attack.Name)];
        if (chosen.Except(attacks.Select(attack => attack.Name)).FirstOrDefault() is { } unknown)
            throw new PolarisException($"There is no attack '{unknown}': {string.Join(", ", attacks.Select(attack => attack.Name))}.");
        using var neighbour = await BenchOrg.CreateAsync(options.Url, "neighbour");
        await neighbour.CreateMeterAsync("calls", "COUNT", null, "api.call");
        // A platform that has just started compiles what it runs for the first time: that is no quiet one.
        await MeasureAsync(neighbour, time);
        await MeasureAsync(neighbour, time);
        var quiet = await MeasureAsync(neighbour, time);
        Console.WriteLine("  attack           send p50 ms     p99  ratio   read p50 ms     p99  ratio  errors");
        Print("(none)", quiet, quiet);
        var errors = quiet.Errors;
        foreach (var (name, run) in attacks.Where(attack => chosen.Contains(attack.Name)))
        {
            using var attacker = await BenchOrg.CreateAsync(options.Url, name);
            using var stop = new CancellationTokenSource(time);
            var attack = Task.Run(() => run(attacker, stop.Token));
            var beside = await MeasureAsync(neighbour, time);
            await stop.CancelAsync();
            await attack;
            Print(name, beside, quiet);
            errors += beside.Errors;
        }

        return errors == 0 ? 0 : 1;
    }

    private static void Print(string name, Measured found, Measured quiet)
    {
        double At(double[] ordered, double share) => LoadRun.Percentile(ordered, share);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {name, -15} {At(found.Sends, 0.5), 12:0.0} {At(found.Sends, 0.99), 7:0.0} "
                    + $"{At(found.Sends, 0.99) / At(quiet.Sends, 0.99), 6:0.00} {At(found.Reads, 0.5), 13:0.0} "
                    + $"{At(found.Reads, 0.99), 7:0.0} {At(found.Reads, 0.99) / At(quiet.Reads, 0.99), 6:0.00} {found.Errors, 7}"
            )
        );
    }

    /// <summary>Sends one event and reads the usage, in turn; nothing is repeated, so every refusal counts as an error.</summary>
    private async Task<Measured> MeasureAsync(BenchOrg org, TimeSpan during)
    {
        using var http = new HttpClient { BaseAddress = options.Url, Timeout = TimeSpan.FromSeconds(30) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", org.ApiKey);
        var (sends, reads, errors) = (new List<double>(), new List<double>(), 0);
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var query = new
        {
            query = string.Create(
                CultureInfo.InvariantCulture,
                $"{{ usage(meter: \"calls\", from: \"{today:yyyy-MM-dd}T00:00:00Z\", "
                    + $"to: \"{today.AddDays(1):yyyy-MM-dd}T00:00:00Z\") {{ quantity }} }}"
            ),
        };
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < during; await Task.Delay(Pause))
        {
            await TimeAsync(
                sends,
                () => http.PostAsJsonAsync("/ingest", new { idempotency_key = Guid.CreateVersion7().ToString(), type = "api.call" })
            );
            await TimeAsync(reads, () => http.PostAsJsonAsync("/graphql", query));
        }

        sends.Sort();
        reads.Sort();
        return new Measured([.. sends], [.. reads], errors);

        async Task TimeAsync(List<double> latencies, Func<Task<HttpResponseMessage>> call)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                using var response = await call();
                var body = await response.Content.ReadAsStringAsync();
                if (!response.IsSuccessStatusCode || body.Contains("\"errors\"", StringComparison.Ordinal))
                    errors++;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                errors++;
            }

            latencies.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }
    }

    /// <summary>Requests that announce 5 MB and send a byte a second.</summary>
    private async Task SlowBodiesAsync(BenchOrg org, CancellationToken ct)
    {
        var head = Encoding.ASCII.GetBytes(
            $"POST /ingest HTTP/1.1\r\nHost: {options.Url.Authority}\r\nAuthorization: Bearer {org.ApiKey}\r\n"
                + "Content-Type: application/json\r\nContent-Length: 5000000\r\n\r\n["
        );
        await Task.WhenAll(Enumerable.Range(0, SlowSockets).Select(_ => DripAsync()));

        async Task DripAsync()
        {
            while (!ct.IsCancellationRequested)
            {
                try
                {
                    using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await socket.ConnectAsync(options.Url.Host, options.Url.Port, ct);
                    await socket.SendAsync(head, ct);
                    while (true)
                    {
                        await Task.Delay(TimeSpan.FromSeconds(1), ct);
                        await socket.SendAsync(" "u8.ToArray(), ct);
                    }
                }
                catch (Exception exception) when (exception is SocketException or OperationCanceledException)
                {
                    // The server closed it, and another one is opened; or the time is over.
                }
            }
        }
    }

    /// <summary>A thousand subscriptions and a clock at the year 2100. What is left at the end goes on in turn with other orgs.</summary>
    private static async Task CloseAsync(BenchOrg org, CancellationToken ct)
    {
        var start = TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyy-MM-01T00:00:00Z", CultureInfo.InvariantCulture);
        await org.Client.QueryAsync(
            """
            mutation { createPlan(input: {key: "p", name: "P", currency: "EUR", interval: MONTH, publish: true,
              charges: [{key: "fee", price: {model: FLAT, amount: "1"}}]}) { id } }
            """
        );
        var keys = Enumerable.Range(0, Subscriptions).Select(i => $"c{i}").ToArray();
        await org.Client.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = keys.Select(key => new { key }) }
        );
        await org.Client.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = keys.Select(key => new
                {
                    customer = key,
                    plan = "p",
                    start,
                }),
            }
        );
        await org.Client.QueryAsync("mutation { setClock(now: \"2100-01-01T00:00:00Z\") { now } }");
        await UntilStoppedAsync(ct);
    }

    /// <summary>Events over a month and meters created after them: each meter is filled from all of them.</summary>
    private async Task RebuildAsync(BenchOrg org, CancellationToken ct)
    {
        var now = TimeProvider.System.GetUtcNow();
        for (var day = 1; day <= 28; day++)
            await org.Client.IngestAsync([
                .. Enumerable
                    .Range(0, 1_000)
                    .Select(i => new EventBody(
                        $"{day}-{i}",
                        "api.call",
                        $"c{i % 50}",
                        now.AddDays(-day).AddMinutes(-i).ToString("O", CultureInfo.InvariantCulture),
                        new JsonObject { ["n"] = i }
                    )),
            ]);
        for (var meter = 0; !ct.IsCancellationRequested; meter++)
        {
            await org.CreateMeterAsync($"m{meter}", "UNIQUE_COUNT", "n", "api.call");
            await org.Client.IngestAsync([
                new EventBody($"more-{meter}", "api.call", "c0", now.ToString("O", CultureInfo.InvariantCulture), []),
            ]);
            await Task.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
        }
    }

    private static async Task QueryAsync(BenchOrg org, CancellationToken ct)
    {
        await org.CreateMeterAsync("calls", "COUNT", null, "api.call");
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(async _ =>
                {
                    while (!ct.IsCancellationRequested)
                    {
                        try
                        {
                            await org.Client.QueryAsync(
                                """
                                { usageTimeline(meter: "calls", from: "2015-01-01T00:00:00Z", to: "2015-02-20T00:00:00Z",
                                    window: QUARTER_HOUR) { start quantity } }
                                """
                            );
                        }
                        catch (PolarisException)
                        {
                            // Refused, over the org's limits: it asks again at once, as who does his worst would.
                        }
                    }
                })
        );
    }

    private static async Task UntilStoppedAsync(CancellationToken ct)
    {
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, ct);
        }
        catch (OperationCanceledException)
        {
            // The time is over.
        }
    }
}
