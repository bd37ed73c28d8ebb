using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// Runs a server that the model knows as a container (PostgreSQL, Kafka) as a process, so that no container runtime is needed. The model
/// and the manifest keep the container. The process is a child resource, which Aspire's orchestrator starts, logs and stops; its state is
/// mirrored onto the server and what belongs to it, so health checks, the creation of databases and every <c>WaitFor</c> work unchanged.
/// </summary>
internal static class ServerProcess
{
    private const string Suffix = "-process";

    private static readonly TimeSpan ProbeInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>The process's resource is named after its server.</summary>
    public static string NameFor(string server) => server + Suffix;

    /// <summary>The server's name for its process's, any other name as it is.</summary>
    public static string ServerOf(string resource) =>
        resource.EndsWith(Suffix, StringComparison.Ordinal) ? resource[..^Suffix.Length] : resource;

    /// <param name="server">The server of the model.</param>
    /// <param name="process">Its process, as an executable resource named by <see cref="NameFor"/>.</param>
    /// <param name="port">Where it listens, on loopback.</param>
    /// <param name="children">Resources that are up when the server is, such as its databases.</param>
    /// <param name="isReady">Whether the server answers; asked until it does, so that the first health check already passes.</param>
    public static void RunAsProcess<T>(
        this IResourceBuilder<T> server,
        IResourceBuilder<ExecutableResource> process,
        int port,
        Func<IEnumerable<IResource>> children,
        Func<CancellationToken, Task<bool>> isReady
    )
        where T : ContainerResource
    {
        foreach (var image in server.Resource.Annotations.OfType<ContainerImageAnnotation>().ToArray())
            server.Resource.Annotations.Remove(image);
        server.WithEndpoint(
            "tcp",
            endpoint =>
            {
                endpoint.IsProxied = false;
                endpoint.Port = endpoint.TargetPort = port;
                endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", port);
            }
        );
        process.WithParentRelationship(server).ExcludeFromManifest();
        server.OnInitializeResource(
            async (_, initialize, ct) =>
            {
                IResource[] all = [server.Resource, .. children()];
                await initialize.Eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(server.Resource, initialize.Services), ct);
                foreach (var resource in all)
                    await initialize.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, initialize.Services), ct);
                await MirrorAsync(process.Resource, all, initialize.Notifications, isReady, ct);
            }
        );
    }

    /// <summary>A server of the user's own, known by its connection string: nothing is started, only waited for.</summary>
    public static void RunElsewhere<T>(this IResourceBuilder<T> server, string connectionString, Func<IEnumerable<IResource>> children)
        where T : ContainerResource, IResourceWithConnectionString
    {
        foreach (var annotation in server.Resource.Annotations.Where(a => a is ContainerImageAnnotation or EndpointAnnotation).ToArray())
            server.Resource.Annotations.Remove(annotation);
        server.WithConnectionStringRedirection(
            new ConnectionStringResource(server.Resource.Name + "-own", ReferenceExpression.Create($"{connectionString}"))
        );
        server.OnInitializeResource(
            async (_, initialize, ct) =>
            {
                foreach (var resource in (IResource[])[server.Resource, .. children()])
                {
                    await initialize.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, initialize.Services), ct);
                    await initialize.Notifications.PublishUpdateAsync(
                        resource,
                        snapshot => snapshot with { State = KnownResourceStates.Running }
                    );
                }
            }
        );
    }

    private static async Task MirrorAsync(
        IResource process,
        IResource[] targets,
        ResourceNotificationService notifications,
        Func<CancellationToken, Task<bool>> isReady,
        CancellationToken ct
    )
    {
        ResourceStateSnapshot? last = null;
        await foreach (var change in notifications.WatchAsync(ct))
        {
            if (change.Resource != process || change.Snapshot.State == last)
                continue;
            last = change.Snapshot.State;
            while (last?.Text == KnownResourceStates.Running && !await isReady(ct))
            {
                // A process that ended while it came up has a state of its own by now.
                if (!notifications.TryGetCurrentState(change.ResourceId, out var current) || current.Snapshot.State != last)
                    break;
                await Task.Delay(ProbeInterval, ct);
            }

            foreach (var target in targets)
            {
                await notifications.PublishUpdateAsync(
                    target,
                    snapshot =>
                        snapshot with
                        {
                            State = last,
                            StartTimeStamp = change.Snapshot.StartTimeStamp,
                            StopTimeStamp = change.Snapshot.StopTimeStamp,
                            ExitCode = change.Snapshot.ExitCode,
                        }
                );
            }
        }
    }
}
