using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Polaris.Tests.Hosting;

/// <summary>A clock that reports every wait that begins, so that a test can let exactly that wait pass.</summary>
internal sealed class SteppedTime : FakeTimeProvider
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private readonly Channel<TimeSpan> waits = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        // On the thread pool, as the system's timers do: a worker that goes on without a wait would otherwise keep the thread of the test.
        var timer = base.CreateTimer(_ => ThreadPool.QueueUserWorkItem(_ => callback(state)), null, dueTime, period);
        waits.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>The next wait that began and was not returned yet.</summary>
    public Task<TimeSpan> NextWaitAsync() => waits.Reader.ReadAsync().AsTask().WaitAsync(Timeout);

    /// <summary>Lets the next wait pass; returns its length.</summary>
    public async Task<TimeSpan> PassNextWaitAsync()
    {
        var wait = await NextWaitAsync();
        Advance(wait);
        return wait;
    }
}
