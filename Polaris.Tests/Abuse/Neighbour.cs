using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>
/// An org beside the attacked or attacking one: it sends events and reads its usage all the time, and every answer must be the right one,
/// within half of a request's deadline. How much slower it becomes is printed, and measured by <c>bench neighbours</c>: a machine that runs
/// tests is too busy to tell.
/// </summary>
internal sealed class Neighbour : IAsyncDisposable
{
    private const int QuietRounds = 20;

    /// <summary>It sends and reads like a customer; it is not an attack of its own on those who run beside it.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Slowest = new GraphQLLimits().Deadline / 2;

    private readonly CancellationTokenSource stop = new();
    private readonly List<double> latencies = [];
    private readonly List<string> wrong = [];
    private (double P50, double P99) quiet;
    private Task loop = Task.CompletedTask;
    private int sent;

    private Neighbour(Tenant tenant) => Tenant = tenant;

    public Tenant Tenant { get; }

    /// <summary>Begins once it has been measured alone.</summary>
    public static async Task<Neighbour> StartAsync(PolarisApp polaris)
    {
        var neighbour = new Neighbour(await polaris.SignUpAsync());
        await neighbour.Tenant.CreateMeterAsync("calls", "COUNT");
        await neighbour.SendAsync();
        // The meter may be counting this first event still.
        await polaris.UntilAsync("the neighbour's first event", async () => await neighbour.Tenant.UsageAsync("calls") == 1);
        neighbour.latencies.Clear();
        for (var i = 0; i < QuietRounds; i++)
            await neighbour.RoundAsync();
        neighbour.quiet = neighbour.Percentiles();
        neighbour.latencies.Clear();
        neighbour.loop = Task.Run(neighbour.RunAsync);
        return neighbour;
    }

    /// <summary>Ends the loop; fails with the answers that were wrong or late, and reports the latencies.</summary>
    public async Task EndAsync(PolarisApp polaris, ITestOutputHelper output)
    {
        await stop.CancelAsync();
        await loop;
        Assert.True(wrong.Count == 0, $"The neighbour got {wrong.Count} wrong answers: {string.Join('\n', wrong.Take(5))}");
        await polaris.UntilAsync("counting the neighbour's events", async () => await Tenant.UsageAsync("calls") == sent);
        var (p50, p99) = Percentiles();
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"neighbour: {latencies.Count} calls, p50 {p50:0} ms (alone {quiet.P50:0}), p99 {p99:0} ms (alone {quiet.P99:0})"
            )
        );
        Assert.True(latencies.Count > 10, $"The neighbour was hardly served: {latencies.Count} calls.");
        Assert.True(latencies[^1] < Slowest.TotalMilliseconds, $"An answer to the neighbour took {latencies[^1]:0} ms.");
    }

    /// <summary>Waits until so many more of its calls were answered.</summary>
    public Task ServedAsync(PolarisApp polaris, int calls)
    {
        var until = latencies.Count + calls;
        return polaris.UntilAsync("serving the neighbour", () => Task.FromResult(latencies.Count >= until));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await loop.ContinueWith(_ => { }, TaskScheduler.Default);
        Tenant.Dispose();
        stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Pace);
        while (!stop.IsCancellationRequested)
        {
            await RoundAsync();
            await timer.WaitForNextTickAsync();
        }
    }

    private async Task RoundAsync()
    {
        await SendAsync();
        var today = TimeProvider.System.GetUtcNow().UtcDateTime.Date;
        var query = string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            { me { org { name } } customers { totalCount } invoices { totalCount } recentEvents(limit: 1) { type }
              usage(meter: "calls", from: "{{today.AddDays(-1):yyyy-MM-dd}}T00:00:00Z", to: "{{today.AddDays(2):yyyy-MM-dd}}T00:00:00Z")
              { quantity } }
            """
        );
        await TimeAsync("a query", () => Tenant.Http.PostAsJsonAsync("/graphql", new { query }), 200);
    }

    private async Task SendAsync()
    {
        var body = new { idempotency_key = $"n-{sent}", type = "call" };
        if (await TimeAsync("an event", () => Tenant.Http.PostAsJsonAsync("/ingest", body), 202))
            sent++;
    }

    private async Task<bool> TimeAsync(string what, Func<Task<HttpResponseMessage>> call, int status)
    {
        var began = Stopwatch.GetTimestamp();
        string? got = null;
        try
        {
            using var response = await call();
            var text = await response.Content.ReadAsStringAsync();
            if ((int)response.StatusCode != status || text.Contains("\"errors\"", StringComparison.Ordinal))
                got = string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {text}");
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            got = exception.Message;
        }

        var took = Stopwatch.GetElapsedTime(began);
        latencies.Add(took.TotalMilliseconds);
        if (got is not null)
            wrong.Add(string.Create(CultureInfo.InvariantCulture, $"{what} after {took.TotalMilliseconds:0} ms: {got}"));
        return got is null;
    }

    private (double P50, double P99) Percentiles()
    {
        latencies.Sort();
        double At(double share) => latencies.Count == 0 ? 0 : latencies[(int)Math.Min(latencies.Count - 1, latencies.Count * share)];
        return (At(0.5), At(0.99));
    }
}
