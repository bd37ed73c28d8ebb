using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;

namespace Aspire.Hosting.Testing;

/// <summary>Runs an AppHost inside a test: its own <c>Program.cs</c>, with free ports and a state directory of its own.</summary>
public sealed class DistributedApplicationTestingBuilder
{
    private readonly string[] args;
    private readonly System.Reflection.Assembly appHost;

    private DistributedApplicationTestingBuilder(System.Reflection.Assembly appHost, string[] args) => (this.appHost, this.args) = (appHost, args);

    /// <typeparam name="TEntryPoint">The AppHost's project, such as <c>Projects.Polaris_AppHost</c>.</typeparam>
    public static Task<DistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : IProjectMetadata =>
        Task.FromResult(new DistributedApplicationTestingBuilder(typeof(TEntryPoint).Assembly, args));

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default)
    {
        DistributedApplication? built = null;
        DistributedApplication.Built.Value = application => built = application;
        try
        {
            appHost.EntryPoint!.Invoke(null, [(string[])["--random-ports", .. args]]);
        }
        catch (System.Reflection.TargetInvocationException exception) when (exception.InnerException is DistributedApplicationException inner)
        {
            throw inner;
        }
        finally
        {
            DistributedApplication.Built.Value = null;
        }

        return Task.FromResult(built ?? throw new DistributedApplicationException("The AppHost built no application."));
    }
}

public static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(this DistributedApplication app, string resourceName, string? endpointName = null) =>
        new() { BaseAddress = app.GetEndpoint(resourceName, endpointName) };

    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = null)
    {
        var endpoints = app.Supervisor.Find(resourceName).Endpoints;
        var endpoint = endpointName is null ? endpoints[0] : endpoints.First(one => one.EndpointName == endpointName);
        return new Uri(endpoint.Url);
    }

    public static ValueTask<string?> GetConnectionStringAsync(this DistributedApplication app, string resourceName, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(app.Supervisor.Find(resourceName) is IResourceWithConnectionString source ? source.GetValue() : null);
}

/// <summary>What only the stand-in can do: it has real processes to break.</summary>
public static class LocalProcessTestingExtensions
{
    /// <summary>The process of a resource; null while it is not running.</summary>
    public static int? GetProcessId(this DistributedApplication app, string resourceName) => app.Supervisor.ProcessId(resourceName);

    /// <summary>Ends a resource's process the hard way (kill -9). The supervisor starts it again.</summary>
    public static void Kill(this DistributedApplication app, string resourceName) => app.Supervisor.Signal(resourceName, ManagedProcess.SigKill);

    /// <summary>Sends a signal to a resource's process, such as 19 (STOP) and 18 (CONT).</summary>
    public static void Signal(this DistributedApplication app, string resourceName, int signal) => app.Supervisor.Signal(resourceName, signal);

    /// <summary>Ends a resource's process the hard way and keeps it down until what is returned is disposed of.</summary>
    public static IDisposable Hold(this DistributedApplication app, string resourceName)
    {
        var hold = new Hold(app.HoldFile(resourceName));
        app.Kill(resourceName);
        return hold;
    }

    /// <summary>One more process of a project, on ports of its own and with more in its environment, beside the one that runs. Nobody starts it again when it ends.</summary>
    public static Replica StartReplica(this DistributedApplication app, string resourceName, params (string Name, string Value)[] environment) => app.StartReplica(resourceName, environment);

    /// <summary>The last lines that all resources wrote.</summary>
    public static string RecentOutput(this DistributedApplication app) => app.Console.Recent();

    /// <summary>Writes nothing to the terminal from now on.</summary>
    public static void Quiet(this DistributedApplication app) => app.SilenceConsole();
}

internal sealed class Hold : IDisposable
{
    private readonly string file;

    public Hold(string file) => File.WriteAllText(this.file = file, "");

    public void Dispose() => File.Delete(file);
}

/// <summary>A process of a project beside the one of its resource; stopped when disposed of.</summary>
public sealed class Replica : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);
    private readonly ManagedProcess process;

    internal Replica(Uri url, Uri? grpcUrl, ManagedProcess process) => (Url, GrpcUrl, this.process) = (url, grpcUrl, process);

    /// <summary>Where it answers over HTTP, once it is up.</summary>
    public Uri Url { get; }

    /// <summary>Where it answers gRPC; null when it has none.</summary>
    public Uri? GrpcUrl { get; }

    public bool HasExited => process.HasExited;

    /// <summary>Ends it the hard way.</summary>
    public void Kill() => process.Signal(ManagedProcess.SigKill);

    public async ValueTask DisposeAsync() => await process.StopAsync(Patience);
}
