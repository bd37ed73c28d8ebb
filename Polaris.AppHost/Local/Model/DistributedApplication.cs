using System.Diagnostics;
using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting;

/// <summary>The application: built from the model, run as local processes or published as a manifest.</summary>
public sealed class DistributedApplication : IAsyncDisposable
{
    private readonly LocalApplicationBuilder builder;
    private readonly long created = Stopwatch.GetTimestamp();
    private StateDirectory? state;
    private ProcessGuard? guard;
    private Supervisor? supervisor;

    internal DistributedApplication(LocalApplicationBuilder builder) => this.builder = builder;

    /// <summary>Set by the testing builder: it takes the application that <c>Program.cs</c> builds, instead of letting it run.</summary>
    internal static AsyncLocal<Action<DistributedApplication>?> Built { get; } = new();

    public ResourceNotificationService ResourceNotifications => new(this);

    internal Supervisor Supervisor => supervisor ?? throw new InvalidOperationException("The application has not been started.");

    internal LocalConsole Console { get; private set; } = new(quiet: false);

    public static IDistributedApplicationBuilder CreateBuilder(string[] args)
    {
        try
        {
            return new LocalApplicationBuilder(args);
        }
        catch (DistributedApplicationException exception) when (Built.Value is null)
        {
            System.Console.Error.WriteLine(exception.Message);
            Environment.Exit(2);
            throw;
        }
    }

    /// <summary>Runs until it is told to stop. Ends the process with 1 when it cannot start.</summary>
    public void Run()
    {
        if (Built.Value is { } taker) taker(this);
        else Environment.ExitCode = RunToEndAsync().GetAwaiter().GetResult();
    }

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        var arguments = builder.Arguments;
        state = StateDirectory.Open(arguments.StateDirectory ?? Path.Combine(AppHostProject.Root, ".polaris"), arguments.Reset);
        guard = ProcessGuard.Start(state);
        state.FillSecrets(builder.Resources.OfType<ParameterResource>());
        Ports.Allocate(builder.Resources.Where(IsLocal).SelectMany(resource => resource.Endpoints), arguments.RandomPorts, Console.Say);
        supervisor = new Supervisor(builder.Resources, arguments.KafkaHome, state, guard, Console);
        await supervisor.StartAsync(cancellationToken);
    }

    public ValueTask StopAsync(CancellationToken cancellationToken = default) => DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        if (supervisor is { } running) await running.DisposeAsync();
        supervisor = null;
        guard?.Dispose();
        guard = null;
        state?.Dispose();
        state = null;
    }

    internal string HoldFile(string name) => state!["hold." + Supervisor.Find(name).Name];

    internal Testing.Replica StartReplica(string name, IEnumerable<(string Name, string Value)> environment)
    {
        var resource = (ProjectResource)Supervisor.Find(name);
        var start = new ServiceCommands(state!, Console).For(resource);
        var endpoints = resource.Endpoints.Select(endpoint => new EndpointReference(resource, endpoint.EndpointName, endpoint.Scheme, null, endpoint.ContainerPort, endpoint.PortVariable)).ToArray();
        Ports.Allocate(endpoints, random: true, Console.Say);
        foreach (var endpoint in endpoints)
            start.Environment[endpoint.PortVariable ?? "ASPNETCORE_URLS"] = endpoint.PortVariable is null ? endpoint.Url : endpoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (var (variable, value) in environment) start.Environment[variable] = value;
        var grpc = Array.Find(endpoints, endpoint => endpoint.PortVariable == "GRPC_PORT");
        return new Testing.Replica(new Uri(endpoints.First(endpoint => endpoint.PortVariable is null).Url), grpc is null ? null : new Uri(grpc.Url), ManagedProcess.Start($"{name}-replica", start, guard!, Console));
    }

    internal void SilenceConsole() => Console = new LocalConsole(quiet: true);

    private static bool IsLocal(Resource resource) => resource is not (PostgresServerResource { External: not null } or KafkaServerResource { External: not null });

    private async Task<int> RunToEndAsync()
    {
        if (builder.Arguments.Help)
        {
            System.Console.WriteLine(LocalArguments.HelpText);
            return 0;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, stop));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, stop));
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => Stop(signal, stop));
        try
        {
            if (builder.Arguments.Publisher is { } publisher)
            {
                Publisher.Publish(publisher, builder.Resources, builder.Arguments.OutputPath);
                return 0;
            }

            await StartAsync(stop.Token);
            ReadyMessage.Print(Console, builder.Resources, state!, Stopwatch.GetElapsedTime(created));
            await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.Say("stopping");
            return 0;
        }
        catch (DistributedApplicationException exception)
        {
            System.Console.Error.WriteLine($"Polaris could not start: {exception.Message}");
            return 1;
        }
        finally
        {
            await DisposeAsync();
        }
    }

    private static void Stop(PosixSignalContext signal, CancellationTokenSource stop)
    {
        signal.Cancel = true;
        stop.Cancel();
    }
}

/// <summary>Tells when a resource is healthy.</summary>
public sealed class ResourceNotificationService
{
    private readonly DistributedApplication application;

    internal ResourceNotificationService(DistributedApplication application) => this.application = application;

    public Task WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        application.Supervisor.WaitHealthyAsync(resourceName, cancellationToken);
}
