using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// Restarts a process that crashed, at once and then after growing pauses; Aspire leaves that to a person at its dashboard. Resources that
/// were stopped on purpose or run once are left alone.
/// </summary>
internal sealed class CrashRestarts(ResourceCommandService commands, StateDirectory state, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HoldInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>A process that ran this long before it ended has not failed at starting: the pauses begin anew.</summary>
    private static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, (TimeSpan Pause, long EndedAt)> ends = new();

    public static void Use(IDistributedApplicationBuilder builder)
    {
        builder.Services.AddSingleton<CrashRestarts>();
        builder.Eventing.Subscribe<ResourceStoppedEvent>(
            (stopped, ct) =>
            {
                var snapshot = stopped.ResourceEvent.Snapshot;
                // 0, 130 and 143 are ends that were asked for (SIGINT, SIGTERM).
                var crashed =
                    snapshot.State?.Text != KnownResourceStates.FailedToStart && snapshot.ExitCode is not (null or 0 or 130 or 143);
                if (crashed && stopped.Resource is ProjectResource or ExecutableResource && !stopped.Resource.RunsOnce())
                    _ = stopped.Services.GetRequiredService<CrashRestarts>().RestartAsync(stopped.ResourceEvent, snapshot.ExitCode);
                return Task.CompletedTask;
            }
        );
    }

    private async Task RestartAsync(ResourceEvent ended, int? exitCode)
    {
        var name = ServerProcess.ServerOf(ended.Resource.Name);
        var stopping = lifetime.ApplicationStopping;
        if (stopping.IsCancellationRequested)
            return;
        var pause = TimeSpan.Zero;
        if (ends.TryGetValue(name, out var last) && TimeProvider.System.GetElapsedTime(last.EndedAt) < SettledAfter)
            pause = last.Pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(last.Pause.Ticks * 2, LongestPause.Ticks));
        ends[name] = (pause, TimeProvider.System.GetTimestamp());
        try
        {
            // A console that is gone must not keep the process down.
            await Console.Out.WriteLineAsync(
                $"{name} ended with {exitCode}; it is started again{(pause > TimeSpan.Zero ? $" in {pause.TotalSeconds:0.#} s" : "")}."
            );
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or ObjectDisposedException)
        {
            // It was only to be told.
        }

        try
        {
            while (state.IsHeld(name))
                await Task.Delay(HoldInterval, stopping);
            await Task.Delay(pause, stopping);
            var result = await commands.ExecuteCommandAsync(ended.ResourceId, KnownResourceCommands.StartCommand, stopping);
            if (!result.Success && !stopping.IsCancellationRequested)
                await Console.Error.WriteLineAsync($"{name} could not be started again: {result.Message}");
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
    }
}

/// <summary>Marks a resource that runs to completion: it is not restarted, and the start is complete only when it exited with 0.</summary>
internal sealed class RunsOnceAnnotation : IResourceAnnotation;

internal static class RunsOnceExtensions
{
    public static IResourceBuilder<T> RunOnce<T>(this IResourceBuilder<T> builder)
        where T : IResource => builder.WithAnnotation(new RunsOnceAnnotation());

    public static bool RunsOnce(this IResource resource) => resource.HasAnnotationOfType<RunsOnceAnnotation>();
}
