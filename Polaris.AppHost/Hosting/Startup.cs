using System.Collections.Immutable;
using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// Follows the start until everything is healthy and every one-shot has ended well, says where things are, and keeps
/// <c>endpoints.json</c> current. A start that cannot succeed ends the AppHost with 1 and the words of what failed.
/// </summary>
internal sealed class Startup(
    DistributedApplicationModel model,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    StateDirectory state,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime
)
{
    public const string AspireDashboard = "aspire-dashboard";

    private const int ShownLogLines = 40;

    private readonly long began = TimeProvider.System.GetTimestamp();
    private readonly Dictionary<string, CustomResourceSnapshot> snapshots = [];
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string written = "";

    /// <summary>Completes when everything is up; fails with the reason when it cannot be.</summary>
    public Task Ready => ready.Task;

    /// <summary>The process of a resource (for PostgreSQL its postmaster); null while there is none.</summary>
    public int? ProcessId(string name)
    {
        lock (snapshots)
        {
            if (name == "postgres" && PostmasterId() is { } postmaster)
                return postmaster;
            var snapshot = snapshots.GetValueOrDefault(ServerProcess.NameFor(name)) ?? snapshots.GetValueOrDefault(name);
            if (snapshot?.State?.Text != KnownResourceStates.Running)
                return null;
            var pid = snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value;
            return pid is null ? null : Convert.ToInt32(pid, CultureInfo.InvariantCulture);
        }
    }

    public static void Use(IDistributedApplicationBuilder builder)
    {
        builder.Services.AddSingleton<Startup>();
        // A hosted service would begin only when Aspire has started everything.
        builder.Eventing.Subscribe<BeforeStartEvent>(
            (start, ct) =>
            {
                _ = start.Services.GetRequiredService<Startup>().FollowAsync();
                return Task.CompletedTask;
            }
        );
    }

    private async Task FollowAsync()
    {
        try
        {
            await foreach (var change in notifications.WatchAsync(lifetime.ApplicationStopping))
            {
                lock (snapshots)
                    snapshots[change.Resource.Name] = change.Snapshot;
                if (!ready.Task.IsCompleted)
                    await FollowStartAsync(change);
                WriteEndpoints();
            }
        }
        catch (OperationCanceledException)
        {
            ready.TrySetCanceled(CancellationToken.None);
        }
    }

    private async Task FollowStartAsync(ResourceEvent change)
    {
        if (Failure(change) is { } failure)
        {
            var message = $"{failure}\n{await LogAsync(change.ResourceId)}";
            await Console.Error.WriteLineAsync($"Polaris could not start: {message}");
            ready.TrySetException(new DistributedApplicationException(message));
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
        else if (model.Resources.All(IsUp))
        {
            ready.TrySetResult();
            ReadyMessage.Print(model, state, DashboardUrl(), TimeProvider.System.GetElapsedTime(began));
        }
    }

    private static string? Failure(ResourceEvent change) =>
        change.Snapshot switch
        {
            { State.Text: "FailedToStart" } => $"{change.Resource.Name} could not be started.",
            { State.Text: "Finished" or "Exited", ExitCode: { } code and not 0 } when change.Resource.RunsOnce() =>
                $"{change.Resource.Name} ended with {code}.",
            _ => null,
        };

    private bool IsUp(IResource resource)
    {
        // A resource with an explicit start is for somebody to start: beside each project stands one that builds it anew.
        if (
            resource is not (ProjectResource or ExecutableResource or ContainerResource)
            || resource.HasAnnotationOfType<ExplicitStartupAnnotation>()
        )
            return true;
        var snapshot = snapshots.GetValueOrDefault(resource.Name);
        return resource.RunsOnce()
            ? snapshot is { ExitCode: 0, State.Text: "Finished" or "Exited" }
            : snapshot is { State.Text: "Running", HealthStatus: null or HealthStatus.Healthy };
    }

    /// <summary>Where Aspire's dashboard is, with its login token; null when it does not run.</summary>
    public string? DashboardUrl()
    {
        var url = configuration["ASPNETCORE_URLS"]?.Split(';')[0].TrimEnd('/');
        return configuration["AppHost:BrowserToken"] is { Length: > 0 } token && HasDashboard ? $"{url}/login?t={token}" : url;
    }

    private bool HasDashboard => model.Resources.Any(resource => resource.Name == AspireDashboard);

    private void WriteEndpoints()
    {
        var resources = model
            .Resources.OfType<IResourceWithEndpoints>()
            .Where(resource => resource.Name != AspireDashboard)
            .Select(resource => (resource.Name, Urls: Urls(resource)))
            .Where(resource => resource.Urls.Length > 0)
            .ToDictionary(resource => resource.Name, resource => (resource.Urls, ProcessId(resource.Name)));
        if (HasDashboard)
            resources[AspireDashboard] = ([DashboardUrl()!], null);
        var up = ready.Task.IsCompletedSuccessfully;
        var content = string.Join('\n', resources.Select(pair => $"{up}{pair.Key}{string.Join(',', pair.Value.Item1)}{pair.Value.Item2}"));
        if (content == written)
            return;
        state.WriteEndpoints(up, resources);
        written = content;
    }

    private static string[] Urls(IResourceWithEndpoints resource) =>
        [.. resource.GetEndpoints().Where(endpoint => endpoint.IsAllocated).Select(endpoint => endpoint.Url)];

    /// <summary>The server is a child of the shell that Aspire started, and names itself in its data.</summary>
    private int? PostmasterId()
    {
        var file = Path.Combine(new EmbeddedPostgres(state).DataFolder, "postmaster.pid");
        try
        {
            return File.Exists(file) && int.TryParse(File.ReadLines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var pid)
                ? pid
                : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async Task<string> LogAsync(string resourceId)
    {
        var lines = ImmutableArray.CreateBuilder<string>();
        await foreach (var batch in logs.GetAllAsync(resourceId))
            lines.AddRange(batch.Select(line => line.Content));
        return string.Join('\n', lines.TakeLast(ShownLogLines));
    }
}
