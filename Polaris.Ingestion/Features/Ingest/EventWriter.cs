using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Npgsql;
using Polaris.Ingestion.Features.Relay;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>Events cannot be stored now; the client should retry.</summary>
internal sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Group commit: waiting requests are written in one transaction and answered only after it has committed. Writers overlap, so that one
/// prepares while another waits for the disk. Requests with many events have a queue and writers of their own: whoever sends a few events
/// neither waits behind those of another org nor commits together with them.
/// </summary>
internal sealed partial class EventWriter(NpgsqlDataSource database, RelaySignal relay, TimeProvider time, ILogger<EventWriter> log)
    : BackgroundService
{
    /// <summary>Maximum number of waiting requests in each queue; further ones are answered 503 immediately.</summary>
    public const int QueueCapacity = 2_048;

    /// <summary>Approximate maximum number of events in one transaction.</summary>
    public const int MaxGroupEvents = 5_000;

    /// <summary>A request of so many events or more waits with its like.</summary>
    public const int LargeFrom = 300;

    private const int SecondLaneFrom = 300;
    private const int LargeLanes = 2;
    private const int MaxTries = 3;

    private static readonly Counter<long> Events = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.ingestion.events",
        "{event}",
        "Events by outcome."
    );
    private static readonly Histogram<double> GroupSize = PolarisTelemetry.Meter.CreateHistogram<double>(
        "polaris.ingestion.group_events",
        "{event}",
        "Events per group commit."
    );

    /// <summary>The maximum time a request waits for others to join its group.</summary>
    private static readonly TimeSpan MaxGather = TimeSpan.FromMilliseconds(10);

    private readonly SemaphoreSlim gathered = new(0);
    private readonly SemaphoreSlim crowded = new(0);
    private int waitingEvents;
    private int waitingRequests;
    private int expected;

    private readonly Channel<WriteRequest> queue = NewQueue();
    private readonly Channel<WriteRequest> large = NewQueue();

    /// <summary>The outcomes in the order of <paramref name="events"/>, once they are committed.</summary>
    /// <exception cref="StorageUnavailableException">
    /// The queue is full or the database is unavailable. Nothing is known to be stored; the same keys may be sent again.
    /// </exception>
    public Task<Outcome[]> WriteAsync(Guid org, IReadOnlyList<Domain.IncomingEvent> events)
    {
        var done = new TaskCompletionSource<Outcome[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var request = new WriteRequest(org, events, done, TraceLinks.Current);
        if (events.Count >= LargeFrom)
            return large.Writer.TryWrite(request) ? done.Task : throw Full();
        var before = Interlocked.Add(ref waitingEvents, events.Count) - events.Count;
        if (!queue.Writer.TryWrite(request))
        {
            Interlocked.Add(ref waitingEvents, -events.Count);
            throw Full();
        }

        var waiting = Interlocked.Increment(ref waitingRequests);
        if (Volatile.Read(ref expected) is > 0 and var enough && (waiting >= enough || Volatile.Read(ref waitingEvents) >= SecondLaneFrom))
            StopGathering();
        if (before < SecondLaneFrom && before + events.Count >= SecondLaneFrom)
            crowded.Release();
        return done.Task;
    }

    public override void Dispose()
    {
        gathered.Dispose();
        crowded.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await Task.WhenAll([
                RunAsync(stoppingToken),
                HelpAsync(stoppingToken),
                .. Enumerable.Range(0, LargeLanes).Select(_ => WriteLargeAsync(stoppingToken)),
            ]);
        }
        finally
        {
            // Otherwise requests that are still queued would never be answered.
            foreach (var channel in (Channel<WriteRequest>[])[queue, large])
            {
                channel.Writer.TryComplete();
                while (channel.Reader.TryRead(out var request))
                    request.Done.TrySetException(Stopping());
            }
        }
    }

    private async Task RunAsync(CancellationToken ct)
    {
        await using var store = new StoreGroup(database);
        var group = new List<WriteRequest>();
        var (atOnce, took) = (0, TimeSpan.Zero);
        while (await queue.Reader.WaitToReadAsync(ct))
        {
            await GatherAsync(atOnce, took, ct);
            if (!TryTake(group))
                continue;
            var began = Stopwatch.GetTimestamp();
            await WriteGroupAsync(store, group, ct);
            (atOnce, took) = (group.Count + Volatile.Read(ref waitingRequests), Stopwatch.GetElapsedTime(began));
        }
    }

    /// <summary>
    /// A group costs about the same whatever its size: the first writer takes what waits, this one helps when the queue is long.
    /// </summary>
    private async Task HelpAsync(CancellationToken ct)
    {
        await using var store = new StoreGroup(database);
        var group = new List<WriteRequest>();
        while (true)
        {
            await crowded.WaitAsync(ct);
            while (Volatile.Read(ref waitingEvents) >= SecondLaneFrom && TryTake(group))
                await WriteGroupAsync(store, group, ct);
        }
    }

    private async Task WriteLargeAsync(CancellationToken ct)
    {
        await using var store = new StoreGroup(database);
        var group = new List<WriteRequest>();
        while (await large.Reader.WaitToReadAsync(ct))
        {
            if (Take(large, group) > 0)
                await WriteGroupAsync(store, group, ct);
        }
    }

    private bool TryTake(List<WriteRequest> group)
    {
        var count = Take(queue, group);
        Interlocked.Add(ref waitingEvents, -count);
        Interlocked.Add(ref waitingRequests, -group.Count);
        return group.Count > 0;
    }

    /// <returns>The number of events taken.</returns>
    private static int Take(Channel<WriteRequest> from, List<WriteRequest> group)
    {
        group.Clear();
        var count = 0;
        while (count < MaxGroupEvents && from.Reader.TryRead(out var request))
        {
            group.Add(request);
            count += request.Events.Count;
        }

        if (count > 0)
            GroupSize.Record(count);
        return count;
    }

    /// <summary>
    /// Clients that were just answered send their next event immediately. A group costs about the same whatever its size, so the writer
    /// waits for as many requests as the last group had, at most twice as long as that group took. A single client is never delayed.
    /// </summary>
    private async Task GatherAsync(int atOnce, TimeSpan took, CancellationToken ct)
    {
        if (Volatile.Read(ref waitingEvents) >= SecondLaneFrom)
            return;
        Volatile.Write(ref expected, atOnce);
        if (Volatile.Read(ref waitingRequests) < atOnce)
            await gathered.WaitAsync(took * 2 < MaxGather ? took * 2 : MaxGather, ct);
        Volatile.Write(ref expected, 0);
        // A release that came after the wait must not end the next one.
        while (gathered.Wait(0, CancellationToken.None)) { }
    }

    private void StopGathering()
    {
        if (Interlocked.Exchange(ref expected, 0) > 0)
            gathered.Release();
    }

    private static Channel<WriteRequest> NewQueue() =>
        Channel.CreateBounded<WriteRequest>(new BoundedChannelOptions(QueueCapacity) { FullMode = BoundedChannelFullMode.Wait });

    private static StorageUnavailableException Full() => new("Too many requests are waiting to be stored.");

    private static StorageUnavailableException Stopping(Exception? inner = null) => new("The service is stopping.", inner);

    private async Task WriteGroupAsync(StoreGroup store, List<WriteRequest> group, CancellationToken ct)
    {
        using var span = TraceLinks.Start("store events", ActivityKind.Internal, group.Select(request => request.Trace));
        span.SetOrgs(group.Select(request => request.Org));
        span?.SetTag("polaris.requests", group.Count).SetTag("polaris.events", group.Sum(request => request.Events.Count));
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var outcomes = await store.StoreAsync(group, WholeMicroseconds(time.GetUtcNow()), Topics.UsagePartitions, ct);
                relay.Wake();
                for (var i = 0; i < group.Count; i++)
                    group[i].Done.TrySetResult(outcomes[i]);
                Count(outcomes.SelectMany(outcome => outcome));
                return;
            }
            catch (PostgresException exception)
                when (exception.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure
                    && attempt < MaxTries
                )
            {
                // A concurrent writer stored the same keys; retrying the same group is safe.
            }
            catch (Exception exception)
                when (exception is NpgsqlException or TimeoutException or StorageUnavailableException or System.Net.Sockets.SocketException)
            {
                LogFailed(exception, group.Count);
                span.Fail(exception);
                foreach (var request in group)
                    request.Done.TrySetException(new StorageUnavailableException("Events cannot be stored at the moment.", exception));
                return;
            }
            catch (OperationCanceledException exception)
            {
                foreach (var request in group)
                    request.Done.TrySetException(Stopping(exception));
                throw;
            }
            catch (Exception exception)
            {
                span.Fail(exception);
                foreach (var request in group)
                    request.Done.TrySetException(exception);
                LogBroken(exception);
                return;
            }
        }
    }

    internal static void Count(IEnumerable<Outcome> outcomes)
    {
        foreach (var verdict in outcomes.GroupBy(outcome => outcome.Verdict))
            Events.Add(verdict.Count(), new KeyValuePair<string, object?>("outcome", verdict.Key.ToString()));
    }

    /// <summary>Truncated to the stored precision: the receipt of a duplicate must equal the first one exactly.</summary>
    internal static DateTimeOffset WholeMicroseconds(DateTimeOffset now) => now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));

    [LoggerMessage(Level = LogLevel.Warning, Message = "A group of {Count} requests could not be stored; they were answered 503.")]
    private partial void LogFailed(Exception exception, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Writing a group failed unexpectedly.")]
    private partial void LogBroken(Exception exception);
}
