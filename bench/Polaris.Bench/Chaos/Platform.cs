using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>The processes of a running AppHost, to be broken. Only its own children are touched: each is checked before it gets a signal.</summary>
internal sealed class Platform
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Options options;
    private readonly string state;
    private readonly int appHost;

    /// <exception cref="PolarisException">No AppHost's state folder is known, or nothing runs there.</exception>
    public Platform(Options options)
    {
        if (!OperatingSystem.IsLinux()) throw new PolarisException("Breaking processes needs Linux's /proc.");
        this.options = options;
        state = options.StateFolder ?? throw new PolarisException("No AppHost's state folder is known: name it with --state.");
        appHost = ProcessTable.ParentOf(ListedPid("gateway") ?? throw new PolarisException($"No platform runs on {state}.")) ?? throw new PolarisException($"The platform of {state} has ended.");
    }

    /// <summary>The broker is a real Apache Kafka: killed, it remembers. The embedded one forgets everything.</summary>
    public bool HasRealKafka => ListedPid("kafka") is { } pid && ProcessTable.CommandOf(pid).Contains("kafka.Kafka", StringComparison.Ordinal);

    /// <summary>Resident memory of each resource, children included, in MiB.</summary>
    public Dictionary<string, double> Memory() => ProcessTable.Read(Resources(), process => process.ResidentMiB);

    /// <summary>Ends a resource's process (kill -9), and keeps it down until what is returned is disposed of.</summary>
    /// <param name="name">The resource.</param>
    /// <param name="wipe">Deletes a real broker's log as well.</param>
    public async Task<IDisposable> KillAsync(string name, bool wipe = false)
    {
        var hold = new Held(Path.Combine(state, $"hold.{name}"));
        try
        {
            var began = Stopwatch.GetTimestamp();
            while (true)
            {
                // Between its end and its next start a resource has no process; the hold then keeps it that way.
                if (ListedPid(name) is { } pid && ProcessTable.ParentOf(pid) == appHost)
                {
                    using var process = Process.GetProcessById(pid);
                    process.Kill();
                    await process.WaitForExitAsync();
                    break;
                }

                if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(5)) break;
                await Task.Delay(20);
            }

            if (wipe && Directory.Exists(Path.Combine(state, "kafka", "log"))) Directory.Delete(Path.Combine(state, "kafka", "log"), recursive: true);
            return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    private int? ListedPid(string name) =>
        Resources().TryGetProperty(name, out var resource) && resource.GetProperty("pid") is { ValueKind: JsonValueKind.Number } pid ? pid.GetInt32() : null;

    private JsonElement Resources() => options.Endpoints is { ValueKind: JsonValueKind.Object } endpoints
        ? endpoints.GetProperty("resources")
        : throw new PolarisException($"There is no endpoints.json in {state}: is the AppHost running?");

    /// <summary>Waits until every service with a health check answers that it is well.</summary>
    public async Task UntilHealthyAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var began = Stopwatch.GetTimestamp();
        foreach (var name in new[] { "identity", "plans", "ingestion", "billing", "notifications", "gateway" })
        {
            while (!await IsHealthyAsync(http, name))
            {
                if (Stopwatch.GetElapsedTime(began) > Patience) throw new PolarisException($"{name} did not become healthy within {Patience.TotalSeconds:0} s.");
                await Task.Delay(100);
            }
        }
    }

    private async Task<bool> IsHealthyAsync(HttpClient http, string name)
    {
        try
        {
            using var answer = await http.GetAsync(Resources().GetProperty(name).GetProperty("urls")[0].GetString()! + "/health");
            return answer.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>The AppHost does not start again what a file of this name asks to keep down.</summary>
    private sealed class Held : IDisposable
    {
        private readonly string file;

        public Held(string file) => File.WriteAllText(this.file = file, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

        public void Dispose() => File.Delete(file);
    }
}
