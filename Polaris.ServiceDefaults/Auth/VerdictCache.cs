using System.Diagnostics;
using Grpc.Core;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>What Identity answered, and when it was asked.</summary>
internal interface IVerdict
{
    bool IsValid { get; }

    DateTimeOffset At { get; }
}

/// <summary>
/// Identity's verdicts. A verdict is fresh for <see cref="FreshFor"/> and refreshed from half of that time on, with one call for all
/// waiting requests. While Identity is unavailable, or accepts calls and does not answer, a valid verdict serves up to <see
/// cref="StaleFor"/>: a call that takes longer than <see cref="AnswerTimeout"/> is no longer waited for, and after one such call nobody
/// waits who has a valid verdict, until Identity answers again. At most <see cref="Capacity"/> verdicts are cached. A general cache
/// library was measured at 50 µs a request, half the cost of an event (docs/adr/0010, 0017).
/// </summary>
internal abstract class VerdictCache<TQuestion, TVerdict>(TimeProvider time) : IDisposable
    where TVerdict : class, IVerdict
{
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan StaleFor = TimeSpan.FromMinutes(15);

    /// <summary>From the start of a call; callers that have a valid verdict wait for its answer no longer than that.</summary>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromMilliseconds(750);

    /// <summary>The deadline of a call when there is a valid verdict meanwhile.</summary>
    public static readonly TimeSpan RefreshTimeout = TimeSpan.FromSeconds(2);

    /// <summary>The deadline of a call about something never seen before, whose callers have nothing else to go by.</summary>
    public static readonly TimeSpan FirstTimeout = TimeSpan.FromSeconds(10);

    public const int Capacity = 20_000;

    private readonly MemoryCache entries = new(new MemoryCacheOptions { SizeLimit = Capacity });
    private int asking;

    /// <summary>The last call failed or was not answered in time.</summary>
    private volatile bool silent;

    /// <summary>The name of the span of a call.</summary>
    protected abstract string SpanName { get; }

    /// <exception cref="RpcException">Identity is unavailable and the verdict is not cached.</exception>
    /// <exception cref="NpgsqlException">The same, in Identity itself.</exception>
    protected async ValueTask<TVerdict> FindAsync(Guid id, TQuestion question, CancellationToken ct)
    {
        var entry = entries.TryGetValue(id, out Entry? remembered)
            ? remembered!
            : entries.Set(id, new Entry(), new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = StaleFor });
        var (known, now) = (entry.Known, time.GetUtcNow());
        if (known is not null && now - known.At < FreshFor / 2)
            return known;
        var isFresh = known is not null && now - known.At < FreshFor;
        var mayServe = isFresh || (known is { IsValid: true } && now - known.At < StaleFor);
        // While Identity is silent, one call at a time finds out when it no longer is.
        if (mayServe && silent && Volatile.Read(ref asking) > 0)
            return known!;
        var timeout = mayServe ? RefreshTimeout : FirstTimeout;
        var call = entry.Call(now, started => RequestAsync(question, waits: !isFresh, timeout, started));
        if (isFresh)
            return known!;
        // The call is in another request's trace: link to it from this one.
        if (call.Span.TraceId != default && Activity.Current is { Recorded: true } own && own.TraceId != call.Span.TraceId)
            own.AddLink(new ActivityLink(call.Span));
        if (!mayServe)
            return await call.Answer.WaitAsync(ct);
        var left = silent ? TimeSpan.Zero : AnswerTimeout - (now - call.StartedAt);
        try
        {
            return await call.Answer.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, ct);
        }
        catch (TimeoutException)
        {
            silent = true;
            return known!;
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException)
        {
            return known!;
        }
    }

    protected bool HasValid(Guid id) => entries.TryGetValue(id, out Entry? entry) && entry!.Known is { IsValid: true };

    public void Dispose() => entries.Dispose();

    protected abstract Task<TVerdict> AskAsync(TQuestion question, DateTimeOffset at, CancellationToken ct);

    /// <summary>Not cancelled by the request that started it, because others may wait for it; it has a deadline of its own.</summary>
    private async Task<TVerdict> RequestAsync(TQuestion question, bool waits, TimeSpan timeout, Pending pending)
    {
        using var span = StartSpan(waits);
        pending.Span = TraceLinks.Current;
        // Fresh from the time of the call, not of the answer.
        var started = time.GetUtcNow();
        using var deadline = new CancellationTokenSource(timeout);
        Interlocked.Increment(ref asking);
        try
        {
            var verdict = await AskAsync(question, started, deadline.Token);
            silent = false;
            return verdict;
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled }
                && deadline.IsCancellationRequested
            )
        {
            silent = true;
            throw new RpcException(new Status(StatusCode.DeadlineExceeded, "Identity did not answer in time.", exception));
        }
        catch
        {
            silent = true;
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref asking);
        }
    }

    /// <summary>
    /// The span of the call: below the request when the request waits, else in a trace of its own that links to the request.
    /// </summary>
    private Activity? StartSpan(bool waits)
    {
        var cause = TraceLinks.Current;
        if (waits || cause == default)
            return PolarisTelemetry.Source.StartActivity(SpanName);
        Activity.Current = null;
        return TraceLinks.Start(SpanName, ActivityKind.Internal, [], [cause]);
    }

    /// <summary>A call to Identity in flight or completed, and its span when recorded.</summary>
    private sealed class Pending(DateTimeOffset startedAt)
    {
        public DateTimeOffset StartedAt { get; } = startedAt;

        public ActivityContext Span { get; set; }

        public Task<TVerdict> Answer { get; set; } = null!;
    }

    private sealed class Entry
    {
        private readonly Lock sync = new();
        private volatile TVerdict? known;
        private Pending? current;

        public TVerdict? Known => known;

        /// <summary>Joins the call in flight, unless it started too long ago: its answer may predate a revocation.</summary>
        public Pending Call(DateTimeOffset now, Func<Pending, Task<TVerdict>> request)
        {
            lock (sync)
            {
                if (current is { Answer.IsCompleted: false } && now - current.StartedAt < FreshFor)
                    return current;
                var pending = new Pending(now);
                pending.Answer = StoreAsync(request(pending));
                // Nobody may be waiting any more when it fails.
                _ = pending.Answer.ContinueWith(
                    static failed => failed.Exception,
                    CancellationToken.None,
                    TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default
                );
                return current = pending;
            }
        }

        private async Task<TVerdict> StoreAsync(Task<TVerdict> answer)
        {
            var given = await answer;
            // A slow answer does not replace that of a later call.
            lock (sync)
                known = known is { } other && other.At > given.At ? other : given;
            return given;
        }
    }
}
