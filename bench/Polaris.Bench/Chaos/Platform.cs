using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>
/// The processes of a running AppHost, to be killed. Each is checked to be a child of the AppHost's orchestrator before it gets a signal.
/// </summary>
internal sealed class Platform
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private readonly Options options;
    private readonly string state;
    private readonly int orchestrator;

    /// <exception cref="PolarisException">No state folder of an AppHost is known, or none is running there.</exception>
    public Platform(Options options)
    {
        if (!OperatingSystem.IsLinux())
            throw new PolarisException("Killing processes requires Linux's /proc.");
        this.options = options;
        state = options.StateFolder ?? throw new PolarisException("The AppHost's state folder is unknown; name it with --state.");
        orchestrator =
            ProcessTable.ParentOf(ListedPid("gateway") ?? throw new PolarisException($"No AppHost runs with the state folder {state}."))
            ?? throw new PolarisException($"The AppHost with the state folder {state} has ended.");
    }

    /// <summary>Whether the broker is a real Apache Kafka, which keeps its log when killed; the embedded one loses everything.</summary>
    public bool HasRealKafka =>
        ListedPid("kafka") is { } pid && ProcessTable.CommandOf(pid).Contains("kafka.Kafka", StringComparison.Ordinal);

    /// <summary>Resident memory of each resource, children included, in MiB.</summary>
    public Dictionary<string, double> Memory() => ProcessTable.Read(Resources(), process => process.ResidentMiB);

    /// <summary>Kills a resource's process (kill -9) and keeps it down until the returned object is disposed.</summary>
    /// <param name="name">The resource.</param>
    /// <param name="wipe">Also deletes the log of a real broker.</param>
    public async Task<IDisposable> KillAsync(string name, bool wipe = false)
    {
        var hold = new Held(Path.Combine(state, $"hold.{name}"));
        try
        {
            var began = Stopwatch.GetTimestamp();
            while (true)
            {
                // Between its end and its next start a resource has no process; the hold file then prevents the start.
                if (ListedPid(name) is { } pid && IsOwn(pid))
                {
                    using var process = Process.GetProcessById(pid);
                    process.Kill();
                    await process.WaitForExitAsync();
                    break;
                }

                if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromSeconds(5))
                    break;
                await Task.Delay(20);
            }

            if (wipe && Directory.Exists(Path.Combine(state, "kafka", "log")))
                Directory.Delete(Path.Combine(state, "kafka", "log"), recursive: true);
            return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the process was started by the orchestrator that started the gateway, directly or through a shell (PostgreSQL).
    /// </summary>
    private bool IsOwn(int pid) =>
        ProcessTable.ParentOf(pid) is { } parent && (parent == orchestrator || ProcessTable.ParentOf(parent) == orchestrator);

    private int? ListedPid(string name) =>
        Resources().TryGetProperty(name, out var resource) && resource.GetProperty("pid") is { ValueKind: JsonValueKind.Number } pid
            ? pid.GetInt32()
            : null;

    private JsonElement Resources() =>
        options.Endpoints is { ValueKind: JsonValueKind.Object } endpoints
            ? endpoints.GetProperty("resources")
            : throw new PolarisException($"{state} has no endpoints.json; is the AppHost running?");

    /// <summary>Waits until every service with a health check is healthy.</summary>
    public async Task UntilHealthyAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var began = Stopwatch.GetTimestamp();
        foreach (var name in new[] { "identity", "plans", "ingestion", "billing", "notifications", "gateway" })
        {
            while (!await IsHealthyAsync(http, name))
            {
                if (Stopwatch.GetElapsedTime(began) > Timeout)
                    throw new PolarisException($"{name} did not become healthy within {Timeout.TotalSeconds:0} s.");
                await Task.Delay(100);
            }
        }
    }

    /// <summary>One of its ports answers that; the others do not know the path or speak HTTP/2 only.</summary>
    private async Task<bool> IsHealthyAsync(HttpClient http, string name)
    {
        foreach (var url in Resources().GetProperty(name).GetProperty("urls").EnumerateArray())
        {
            try
            {
                using var answer = await http.GetAsync(url.GetString()! + "/health");
                if (answer.IsSuccessStatusCode)
                    return true;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                // The next one may.
            }
        }

        return false;
    }

    /// <summary>The AppHost does not restart a resource while a file with this name exists.</summary>
    private sealed class Held : IDisposable
    {
        private readonly string file;

        public Held(string file) => File.WriteAllText(this.file = file, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

        public void Dispose() => File.Delete(file);
    }
}
