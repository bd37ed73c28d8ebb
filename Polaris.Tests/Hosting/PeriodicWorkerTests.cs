using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polaris.ServiceDefaults.Hosting;
using Xunit;

namespace Polaris.Tests.Hosting;

public sealed class PeriodicWorkerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    private sealed class Job(WakeSignal? signal, Func<int, CancellationToken, Task<TimeSpan>> turn) : PeriodicJob
    {
        private int turns;

        public int Turns => Volatile.Read(ref turns);

        public bool Stopped { get; private set; }

        public TimeSpan Lingers { get; init; }

        public override WakeSignal? Signal => signal;

        public override TimeSpan Linger => Lingers;

        public override Task<TimeSpan> RunOnceAsync(CancellationToken ct) => turn(Interlocked.Increment(ref turns), ct);

        public override Task StoppedAsync(CancellationToken ct)
        {
            Stopped = true;
            return Task.CompletedTask;
        }

        public static TimeSpan Now => Immediately;
    }

    private static PeriodicWorker<Job> Worker(Job job, SteppedTime time, ILogger<Job>? log = null) =>
        new(job, time, log ?? NullLogger<Job>.Instance);

    [Fact]
    public async Task The_first_turn_comes_at_once_and_each_other_after_the_wait_the_one_before_asked_for()
    {
        var time = new SteppedTime();
        var job = new Job(null, (turn, _) => Task.FromResult(TimeSpan.FromSeconds(turn)));
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        for (var turn = 1; turn <= 3; turn++)
        {
            Assert.Equal(TimeSpan.FromSeconds(turn), await time.NextWaitAsync());
            Assert.Equal(turn, job.Turns);
            time.Advance(TimeSpan.FromSeconds(turn));
        }

        await worker.StopAsync(default);
    }

    [Fact]
    public async Task While_there_is_more_no_turn_waits()
    {
        var time = new SteppedTime();
        var job = new Job(null, (turn, _) => Task.FromResult(turn < 5 ? Job.Now : Interval));
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        Assert.Equal(Interval, await time.NextWaitAsync());
        Assert.Equal(5, job.Turns);
        await worker.StopAsync(default);
    }

    [Fact]
    public async Task A_turn_that_fails_does_not_end_the_loop_and_waits_grow_are_bounded_and_begin_anew_once_it_works()
    {
        var time = new SteppedTime();
        var job = new Job(
            null,
            (turn, _) => turn is <= 12 or 14 ? throw new InvalidOperationException($"turn {turn}") : Task.FromResult(Interval)
        );
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        var step = job.MinBackoff;
        for (var failure = 1; failure <= 12; failure++)
        {
            // At most half of each delay is jitter.
            Assert.InRange(await time.PassNextWaitAsync(), step / 2 - TimeSpan.FromMilliseconds(1), step);
            step = step * 2 < job.MaxBackoff ? step * 2 : job.MaxBackoff;
        }

        Assert.Equal(job.MaxBackoff, step);
        Assert.Equal(Interval, await time.PassNextWaitAsync());
        Assert.InRange(await time.PassNextWaitAsync(), job.MinBackoff / 2 - TimeSpan.FromMilliseconds(1), job.MinBackoff);
        Assert.Equal(Interval, await time.NextWaitAsync());
        Assert.Equal(15, job.Turns);
        await worker.StopAsync(default);
    }

    [Fact]
    public void Waits_after_the_same_failure_differ()
    {
        var waits = Enumerable.Range(0, 20).Select(_ => new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)).Next());
        Assert.True(waits.Distinct().Count() > 1);
    }

    [Fact]
    public async Task A_signal_begins_the_next_turn_at_once_also_one_that_came_during_a_turn()
    {
        var time = new SteppedTime();
        var signal = new WakeSignal();
        var turns = new SemaphoreSlim(0);
        var job = new Job(
            signal,
            (turn, _) =>
            {
                if (turn == 1)
                    signal.Wake();
                turns.Release();
                return Task.FromResult(Interval);
            }
        );
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        for (var turn = 1; turn <= 2; turn++)
            Assert.True(await turns.WaitAsync(Timeout));
        // The second wait, which is not over yet.
        await time.NextWaitAsync();
        await time.NextWaitAsync();
        signal.Wake();
        Assert.True(await turns.WaitAsync(Timeout));
        await worker.StopAsync(default);
        // No time has passed.
        Assert.Equal(new SteppedTime().GetUtcNow(), time.GetUtcNow());
    }

    [Fact]
    public async Task A_woken_turn_waits_for_what_else_comes()
    {
        var time = new SteppedTime();
        var signal = new WakeSignal();
        var job = new Job(signal, (_, _) => Task.FromResult(Interval)) { Lingers = TimeSpan.FromMilliseconds(25) };
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        Assert.Equal(Interval, await time.NextWaitAsync());
        signal.Wake();
        Assert.Equal(job.Linger, await time.NextWaitAsync());
        Assert.Equal(1, job.Turns);
        signal.Wake();
        time.Advance(job.Linger);
        // Signals during the linger join the turn: the one left over wakes at most one more.
        Assert.Equal(Interval, await time.NextWaitAsync());
        Assert.Equal(job.Linger, await time.PassNextWaitAsync());
        Assert.Equal(Interval, await time.NextWaitAsync());
        Assert.Equal(3, job.Turns);
        await worker.StopAsync(default);
    }

    [Fact]
    public async Task A_signal_does_not_shorten_the_wait_after_a_failure_and_is_not_lost()
    {
        var time = new SteppedTime();
        var signal = new WakeSignal();
        var job = new Job(signal, (turn, _) => turn == 1 ? throw new InvalidOperationException("no") : Task.FromResult(Interval));
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        var wait = await time.NextWaitAsync();
        signal.Wake();
        time.Advance(wait - TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, job.Turns);
        time.Advance(TimeSpan.FromMilliseconds(1));
        // The second turn's wait ends early, the third's does not.
        Assert.Equal(Interval, await time.NextWaitAsync());
        Assert.Equal(Interval, await time.NextWaitAsync());
        Assert.Equal(3, job.Turns);
        await worker.StopAsync(default);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stop_waits_for_nothing_that_heeds_it_and_is_told_to_the_job(bool signalled)
    {
        var time = new SteppedTime();
        var job = new Job(signalled ? new WakeSignal() : null, (_, _) => Task.FromResult(Interval));
        using var worker = Worker(job, time);
        await worker.StartAsync(default);
        await time.NextWaitAsync();
        Assert.False(job.Stopped);
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.True(job.Stopped);
        Assert.Equal(1, job.Turns);
    }

    [Fact]
    public async Task What_a_stop_breaks_off_is_no_failure_whatever_it_throws()
    {
        var time = new SteppedTime();
        var log = new Lines();
        var began = new TaskCompletionSource();
        var job = new Job(
            null,
            async (_, ct) =>
            {
                began.SetResult();
                var stopped = new TaskCompletionSource();
                await using var registration = ct.Register(() => stopped.SetResult());
                await stopped.Task;
                throw new InvalidOperationException("the client was told to stop");
            }
        );
        using var worker = Worker(job, time, log);
        await worker.StartAsync(default);
        await began.Task.WaitAsync(Timeout);
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.True(worker.ExecuteTask!.IsCompletedSuccessfully);
        Assert.Empty(log.Messages);
    }

    [Fact]
    public async Task The_same_failure_is_logged_once_a_minute_and_another_at_once()
    {
        var time = new SteppedTime();
        var log = new Lines();
        var job = new Job(null, (turn, _) => throw new InvalidOperationException(turn == 3 ? "another" : "the same"));
        using var worker = Worker(job, time, log);
        await worker.StartAsync(default);
        await time.PassNextWaitAsync();
        await time.PassNextWaitAsync();
        var third = await time.NextWaitAsync();
        Assert.Equal(["the same", "another"], log.Messages);
        time.Advance(third);
        await time.NextWaitAsync();
        Assert.Equal(["the same", "another", "the same"], log.Messages);
        time.Advance(TimeSpan.FromMinutes(1));
        await time.NextWaitAsync();
        Assert.Equal(["the same", "another", "the same", "the same"], log.Messages);
        await worker.StopAsync(default);
    }

    [Fact]
    public async Task What_fails_for_one_org_holds_back_that_org_alone_and_not_for_ever()
    {
        var time = new SteppedTime();
        var orgs = new OrgBackoff("test", time, NullLogger.Instance);
        var (broken, healthy) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var tries = 0;
        Task FailAsync(CancellationToken ct)
        {
            tries++;
            throw new InvalidOperationException("broken data");
        }

        Assert.False(await orgs.RunAsync(broken, FailAsync, default));
        Assert.True(await orgs.RunAsync(healthy, _ => Task.CompletedTask, default));
        Assert.False(await orgs.RunAsync(broken, FailAsync, default));
        Assert.Equal(1, tries);
        for (var more = 2; more <= 10; more++)
        {
            time.Advance(OrgBackoff.MaxWait);
            Assert.False(await orgs.RunAsync(broken, FailAsync, default));
            Assert.Equal(more, tries);
        }

        time.Advance(OrgBackoff.MaxWait / 2 - TimeSpan.FromMilliseconds(1));
        Assert.False(await orgs.RunAsync(broken, FailAsync, default));
        Assert.Equal(10, tries);
        time.Advance(OrgBackoff.MaxWait / 2 + TimeSpan.FromMilliseconds(1));
        Assert.True(await orgs.RunAsync(broken, _ => Task.CompletedTask, default));
        Assert.True(await orgs.RunAsync(broken, _ => Task.CompletedTask, default));
    }

    [Fact]
    public async Task A_database_that_is_away_is_no_orgs_fault()
    {
        var orgs = new OrgBackoff("test", new SteppedTime(), NullLogger.Instance);
        var org = Guid.CreateVersion7();
        await Assert.ThrowsAsync<Npgsql.NpgsqlException>(() =>
            orgs.RunAsync(org, _ => throw new Npgsql.NpgsqlException("away", new IOException()), default)
        );
        Assert.True(await orgs.RunAsync(org, _ => Task.CompletedTask, default));
    }

    private sealed class Lines : ILogger<Job>
    {
        private readonly List<string> messages = [];

        public string[] Messages
        {
            get
            {
                lock (messages)
                    return [.. messages];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            lock (messages)
                messages.Add(exception?.Message ?? "");
        }
    }
}
