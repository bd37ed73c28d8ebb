using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Hosting;

/// <summary>Work that is repeated for the lifetime of the process, run by <see cref="PeriodicWorker{TJob}"/>.</summary>
public abstract class PeriodicJob
{
    /// <summary>Returned by <see cref="RunOnceAsync"/> when there is more to do.</summary>
    protected static readonly TimeSpan Immediately = TimeSpan.Zero;

    /// <summary>Ends the wait between two turns, but not the one after a failure.</summary>
    public virtual WakeSignal? Signal => null;

    /// <summary>How long a woken turn waits for further work to handle with it.</summary>
    public virtual TimeSpan Linger => TimeSpan.Zero;

    /// <summary>The wait after a first failure.</summary>
    public virtual TimeSpan MinBackoff => TimeSpan.FromMilliseconds(200);

    /// <summary>The maximum wait after a failure.</summary>
    public virtual TimeSpan MaxBackoff => TimeSpan.FromSeconds(5);

    /// <summary>Called before the first turn, such as to register gauges.</summary>
    public virtual void Starting() { }

    /// <summary>One turn of bounded work; the first runs at startup. Throws when it failed as a whole.</summary>
    /// <returns>The wait until the next turn, or <see cref="Immediately"/>.</returns>
    public abstract Task<TimeSpan> RunOnceAsync(CancellationToken ct);

    /// <summary>Called after the last turn, on graceful shutdown.</summary>
    public virtual Task StoppedAsync(CancellationToken ct) => Task.CompletedTask;
}

/// <summary>
/// Runs a job's turns one after the other. A turn that throws is logged and counted, and retried with jittered exponential backoff: no
/// failure ends the loop or the process.
/// </summary>
public sealed partial class PeriodicWorker<TJob>(TJob job, TimeProvider time, ILogger<TJob> log) : BackgroundService
    where TJob : PeriodicJob
{
    private readonly FailureLog failures = new(typeof(TJob).Name, time);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        job.Starting();
        var backoff = new Backoff(job.MinBackoff, job.MaxBackoff);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var rest = await job.RunOnceAsync(stoppingToken);
                backoff.Reset();
                if (rest > TimeSpan.Zero)
                    await RestAsync(rest, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                var wait = backoff.Next();
                if (failures.Count(exception))
                    LogFailed(exception, typeof(TJob).Name, wait);
                await Task.Delay(wait, time, stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // Shutdown cancelled the turn; clients report that as different exceptions.
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await job.StoppedAsync(cancellationToken);
    }

    private async Task RestAsync(TimeSpan rest, CancellationToken ct)
    {
        if (job.Signal is null)
            await Task.Delay(rest, time, ct);
        else if (await job.Signal.WaitAsync(rest, time, ct) && job.Linger > TimeSpan.Zero)
            await Task.Delay(job.Linger, time, ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Worker} failed; next try in {Wait}.")]
    private partial void LogFailed(Exception exception, string worker, TimeSpan wait);
}

/// <summary>Counts a worker's failures and decides which to log, so that an outage does not log a line every few seconds.</summary>
internal sealed class FailureLog(string worker, TimeProvider time)
{
    private static readonly TimeSpan RepeatEvery = TimeSpan.FromMinutes(1);

    private static readonly Counter<long> Failures = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.worker.failures",
        "{failure}",
        "Failed turns of background workers, by worker and type of error."
    );

    private (string? Error, long At) logged;

    /// <summary>True when the failure differs from the last one logged, or that one was a while ago.</summary>
    public bool Count(Exception exception)
    {
        Failures.Add(1, new("worker", worker), new("error.type", exception.GetType().FullName));
        var error = $"{exception.GetType()}: {exception.Message}";
        if (logged.Error == error && time.GetElapsedTime(logged.At) < RepeatEvery)
            return false;
        logged = (error, time.GetTimestamp());
        return true;
    }
}

public static class PeriodicWorkerExtensions
{
    /// <summary>Registers the job as a singleton and its loop.</summary>
    public static IServiceCollection AddPeriodicWorker<TJob>(this IServiceCollection services)
        where TJob : PeriodicJob
    {
        services.TryAddSingleton<TJob>();
        return services.AddHostedService<PeriodicWorker<TJob>>();
    }
}
