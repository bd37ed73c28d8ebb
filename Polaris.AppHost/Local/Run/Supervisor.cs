using System.Collections.Concurrent;
using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>Starts every resource when what it waits for is there, keeps it running, and stops all in reverse order.</summary>
internal sealed class Supervisor(IReadOnlyList<Resource> resources, string? kafkaHome, StateDirectory state, ProcessGuard guard, LocalConsole console) : IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAtHold = TimeSpan.FromMilliseconds(50);

    /// <summary>A process that ran this long before it ended has not failed at starting: the backoff begins anew.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, ManagedProcess> processes = new();
    private readonly List<string> startOrder = [];
    private readonly Lock order = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Dictionary<Resource, ResourceState> states = resources.ToDictionary(resource => resource, _ => new ResourceState());
    private readonly List<Task> watching = [];
    private volatile bool ready;

    private sealed class ResourceState
    {
        public TaskCompletionSource Started { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Healthy { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<int> Completed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Completes when everything is healthy and every one-shot has ended well; throws what went wrong first.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping.Token);
        var starts = resources.Select(resource => StartAsync(resource, either.Token)).ToList();
        var pending = new List<Task>(starts);
        while (pending.Count > 0)
        {
            var done = await Task.WhenAny(pending);
            pending.Remove(done);
            if (!done.IsFaulted) continue;
            await either.CancelAsync();
            await done;
        }

        ct.ThrowIfCancellationRequested();
        ready = true;
        Publish();
    }

    public Task WaitHealthyAsync(string name, CancellationToken ct) => states[Find(name)].Healthy.Task.WaitAsync(ct);

    public int? ProcessId(string name) => processes.TryGetValue(name, out var process) && !process.HasExited ? process.Pid : null;

    public void Signal(string name, int signal)
    {
        if (processes.TryGetValue(name, out var process) && !process.HasExited) process.Signal(signal);
    }

    public Resource Find(string name) =>
        resources.FirstOrDefault(resource => resource.Name == name) ?? throw new DistributedApplicationException($"There is no resource '{name}'.");

    public async ValueTask DisposeAsync()
    {
        ready = false;
        await stopping.CancelAsync();
        Publish();
        string[] all;
        lock (order) all = [.. startOrder.AsEnumerable().Reverse()];
        // The services together, each draining; then what they stand on.
        var services = all.Where(name => Find(name) is ProjectResource or JavaScriptAppResource).ToArray();
        await Task.WhenAll(services.Select(StopAsync));
        await Task.WhenAll(all.Except(services).Select(StopAsync));
        await Task.WhenAll(watching.Select(watch => watch.ContinueWith(_ => { }, TaskScheduler.Default)));
        stopping.Dispose();
    }

    private Task StopAsync(string name) => processes.TryGetValue(name, out var process) ? process.StopAsync(StopPatience) : Task.CompletedTask;

    private async Task StartAsync(Resource resource, CancellationToken ct)
    {
        foreach (var wait in Waits(resource)) await WaitAsync(resource, wait, ct);
        var own = states[resource];
        switch (resource)
        {
            case PostgresServerResource postgres:
                if (postgres.External is null) Keep(resource, () => new EmbeddedPostgres(postgres, state, guard, console).StartAsync(stopping.Token), await new EmbeddedPostgres(postgres, state, guard, console).StartAsync(ct));
                await EmbeddedPostgres.CreateDatabasesAsync(postgres, ct);
                break;
            case KafkaServerResource kafka:
                if (kafka.External is null) Keep(resource, () => new KafkaParts(kafka, kafkaHome, state, guard, console).StartAsync(stopping.Token), await new KafkaParts(kafka, kafkaHome, state, guard, console).StartAsync(ct));
                else await KafkaParts.CreateTopicsAsync(kafka, ct);
                break;
            case ProjectResource { IsOneShot: true } project:
                await RunOnceAsync(project, own, ct);
                break;
            case ProjectResource or JavaScriptAppResource:
                var commands = new ServiceCommands(state, console);
                if (resource is JavaScriptAppResource app) await commands.InstallAsync(app, ct);
                Task<ManagedProcess> Launch() => Task.FromResult(ManagedProcess.Start(resource.Name, commands.For(resource), guard, console));
                Keep(resource, Launch, await Launch());
                own.Started.TrySetResult();
                await HealthProbe.WaitAsync(resource, () => processes[resource.Name].HasExited ? processes[resource.Name].ExitCode : null, ct);
                break;
        }

        own.Started.TrySetResult();
        own.Healthy.TrySetResult();
    }

    /// <summary>Waiting for a database is waiting for its server.</summary>
    private static List<WaitCondition> Waits(Resource resource) => resource is PostgresDatabaseResource database
        ? [new WaitCondition(database.Parent, WaitKind.Healthy)]
        : resource.Waits;

    private async Task WaitAsync(Resource resource, WaitCondition wait, CancellationToken ct)
    {
        var on = states[wait.On];
        if (wait.Kind == WaitKind.Started) await on.Started.Task.WaitAsync(ct);
        else if (wait.Kind == WaitKind.Healthy) await on.Healthy.Task.WaitAsync(ct);
        else if (await on.Completed.Task.WaitAsync(ct) is var code && code != wait.ExitCode)
            throw new DistributedApplicationException($"{resource.Name} waits for {wait.On.Name}, which ended with {code} instead of {wait.ExitCode}.");
    }

    private async Task RunOnceAsync(ProjectResource project, ResourceState own, CancellationToken ct)
    {
        var process = ManagedProcess.Start(project.Name, new ServiceCommands(state, console).For(project), guard, console);
        Register(project, process);
        own.Started.TrySetResult();
        var code = await process.WaitAsync(ct);
        processes.TryRemove(project.Name, out _);
        own.Completed.TrySetResult(code);
        if (code != 0) throw new DistributedApplicationException($"{project.Name} ended with {code}:\n{console.Recent()}");
    }

    private void Register(Resource resource, ManagedProcess process)
    {
        processes[resource.Name] = process;
        lock (order)
        {
            if (!startOrder.Contains(resource.Name)) startOrder.Add(resource.Name);
        }

        Publish();
    }

    private void Keep(Resource resource, Func<Task<ManagedProcess>> launch, ManagedProcess first)
    {
        Register(resource, first);
        lock (order) watching.Add(KeepAsync(resource, launch, first));
    }

    /// <summary>
    /// Starts it again whenever it ends, at once and then after ever longer pauses; not while it is held down (<see cref="StateDirectory.IsHeld"/>).
    /// </summary>
    private async Task KeepAsync(Resource resource, Func<Task<ManagedProcess>> launch, ManagedProcess process)
    {
        var backoff = TimeSpan.Zero;
        while (true)
        {
            var began = Stopwatch.GetTimestamp();
            int code;
            try
            {
                code = await process.WaitAsync(stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            if (stopping.IsCancellationRequested) return;
            if (Stopwatch.GetElapsedTime(began) > Settled) backoff = TimeSpan.Zero;
            console.Say($"{resource.Name} ended with {code}; it is started again{(backoff > TimeSpan.Zero ? $" in {backoff.TotalSeconds:0.#} s" : "")}");
            try
            {
                for (; state.IsHeld(resource.Name); backoff = TimeSpan.Zero) await Task.Delay(LookAtHold, stopping.Token);
                await Task.Delay(backoff, stopping.Token);
                process = await launch();
                Register(resource, process);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (DistributedApplicationException exception)
            {
                console.Say($"{resource.Name}: {exception.Message}");
            }

            backoff = backoff == TimeSpan.Zero ? TimeSpan.FromMilliseconds(500) : backoff * 2 < MaxBackoff ? backoff * 2 : MaxBackoff;
        }
    }

    private void Publish()
    {
        lock (order)
        {
            state.WriteEndpoints(ready, resources.Where(resource => resource.Endpoints.Count > 0 && resource.Endpoints.All(endpoint => endpoint.AllocatedPort is not null)).ToDictionary(
                resource => resource.Name,
                resource => (resource.Endpoints.Select(endpoint => endpoint.Url).ToArray(), ProcessId(resource.Name))));
        }
    }
}
