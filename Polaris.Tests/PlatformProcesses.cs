using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Polaris.AppHost.Hosting;

namespace Polaris.Tests;

/// <summary>The processes of a platform under test: to be killed, held down, doubled, and their output read. Linux only.</summary>
public static partial class PlatformProcesses
{
    private const int KillSignal = 9;

    private static readonly ConditionalWeakTable<DistributedApplication, RecentLines> Output = [];

    /// <summary>Starts to collect the last lines that all resources write.</summary>
    public static void CollectOutput(this DistributedApplication app)
    {
        _ = CollectAsync(app, Output.GetOrCreateValue(app));
    }

    /// <summary>The last lines that all resources wrote.</summary>
    public static string RecentOutput(this DistributedApplication app) => Output.GetOrCreateValue(app).ToString();

    /// <summary>The process of a resource; null while it is not running.</summary>
    public static int? GetProcessId(this DistributedApplication app, string resourceName) =>
        app.Services.GetRequiredService<Startup>().ProcessId(resourceName);

    /// <summary>Ends a resource's process the hard way (kill -9). The AppHost starts it again.</summary>
    public static void Kill(this DistributedApplication app, string resourceName) => app.Signal(resourceName, KillSignal);

    /// <summary>Sends a signal to a resource's process, such as 19 (STOP) and 18 (CONT).</summary>
    public static void Signal(this DistributedApplication app, string resourceName, int signal)
    {
        if (app.GetProcessId(resourceName) is { } pid)
            _ = SendSignal(pid, signal);
    }

    /// <summary>Ends a resource's process the hard way and keeps it down until what is returned is disposed of.</summary>
    public static IDisposable Hold(this DistributedApplication app, string resourceName)
    {
        var hold = new HoldFile(app.Services.GetRequiredService<StateDirectory>()["hold." + resourceName]);
        app.Kill(resourceName);
        return hold;
    }

    /// <summary>
    /// One more process of a project, on ports of its own and with more in its environment, beside the one that runs. Nobody starts it
    /// again when it ends.
    /// </summary>
    public static Replica StartReplica(
        this DistributedApplication app,
        string resourceName,
        params (string Name, string Value)[] environment
    )
    {
        var original = app.GetProcessId(resourceName) ?? throw new InvalidOperationException($"{resourceName} does not run.");
        var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{original}");
        var start = new ProcessStartInfo(File.ResolveLinkTarget(Path.Combine(folder, "exe"), returnFinalTarget: true)!.FullName)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = File.ResolveLinkTarget(Path.Combine(folder, "cwd"), returnFinalTarget: true)!.FullName,
        };
        start.Environment.Clear();
        foreach (var (name, value) in EnvironmentOf(original))
            start.Environment[name] = value;
        var (http, grpc) = FreePorts();
        start.Environment["ASPNETCORE_URLS"] = $"http://localhost:{http}";
        start.Environment["GRPC_PORT"] = grpc.ToString(CultureInfo.InvariantCulture);
        // Its one HTTP port serves everything.
        start.Environment.Remove("PUBLIC_PORT");
        // The first process has written it already, and a test may be reading it.
        start.Environment.Remove(PolarisApp.AccessFolderVariable);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = new Process { StartInfo = start };
        var (lines, own) = (Output.GetOrCreateValue(app), new RecentLines());
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new Replica(new Uri($"http://localhost:{http}"), new Uri($"http://localhost:{grpc}"), process, own.ToString);

        void Add(string? line)
        {
            own.Add(resourceName, line);
            lines.Add($"{resourceName}-replica", line);
        }
    }

    /// <summary>What a process was given at its start.</summary>
    public static Dictionary<string, string> EnvironmentOf(int pid) =>
        File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/environ"))
            .Split('\0', StringSplitOptions.RemoveEmptyEntries)
            .Select(variable => variable.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);

    /// <summary>A process has an id of its own, known when it is first heard of; its console is collected under that id.</summary>
    private static async Task CollectAsync(DistributedApplication app, RecentLines lines)
    {
        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        var known = new HashSet<string>();
        try
        {
            await foreach (var change in app.ResourceNotifications.WatchAsync())
            {
                if (known.Add(change.ResourceId))
                    _ = CollectAsync(logs, change.ResourceId, change.Resource.Name, lines);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The application has ended.
        }
    }

    private static async Task CollectAsync(ResourceLoggerService logs, string resourceId, string name, RecentLines lines)
    {
        try
        {
            await foreach (var batch in logs.WatchAsync(resourceId))
            foreach (var line in batch)
                lines.Add(name, line.Content);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            // The application has ended.
        }
    }

    private static (int Http, int Grpc) FreePorts()
    {
        // Both are held until both are chosen.
        using var http = new TcpListener(IPAddress.Loopback, 0);
        using var grpc = new TcpListener(IPAddress.Loopback, 0);
        http.Start();
        grpc.Start();
        return (((IPEndPoint)http.LocalEndpoint).Port, ((IPEndPoint)grpc.LocalEndpoint).Port);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    internal static partial int SendSignal(int pid, int signal);

    private sealed class HoldFile : IDisposable
    {
        private readonly string file;

        public HoldFile(string file) => File.WriteAllText(this.file = file, "");

        public void Dispose() => File.Delete(file);
    }

    private sealed class RecentLines
    {
        private const int Kept = 400;

        private readonly ConcurrentQueue<string> lines = new();

        public void Add(string resource, string? text)
        {
            if (text is null)
                return;
            lines.Enqueue($"{resource}: {text}");
            while (lines.Count > Kept)
                lines.TryDequeue(out _);
        }

        public override string ToString() => string.Join('\n', lines);
    }
}

/// <summary>A process of a project beside the one of its resource; stopped when disposed of.</summary>
public sealed class Replica(Uri url, Uri grpcUrl, Process process, Func<string> output) : IAsyncDisposable
{
    private const int TerminateSignal = 15;

    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(12);

    /// <summary>Where it answers over HTTP, once it is up.</summary>
    public Uri Url { get; } = url;

    /// <summary>Where it answers gRPC.</summary>
    public Uri GrpcUrl { get; } = grpcUrl;

    public bool HasExited => process.HasExited;

    /// <summary>The last lines that it wrote.</summary>
    public string RecentOutput => output();

    /// <summary>Ends it the hard way.</summary>
    public void Kill() => process.Kill();

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            _ = PlatformProcesses.SendSignal(process.Id, TerminateSignal);
            using var late = new CancellationTokenSource(StopTimeout);
            try
            {
                await process.WaitForExitAsync(late.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        process.Dispose();
    }
}
