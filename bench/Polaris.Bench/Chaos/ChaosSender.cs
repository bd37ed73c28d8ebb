using System.Diagnostics;
using System.Text;
using Polaris.Bench.Load;

namespace Polaris.Bench.Chaos;

/// <summary>Counts over all senders of a run.</summary>
internal sealed class ChaosCounts
{
    private readonly Lock sync = new();

    public long Requests { get; private set; }

    public long Accepted { get; private set; }

    public long Duplicates { get; private set; }

    public long Conflicts { get; private set; }

    /// <summary>Requests that were not acknowledged, by status; 0 is a broken connection or a missing response.</summary>
    public SortedDictionary<int, long> Unanswered { get; } = [];

    /// <summary>Violated guarantees; the first of them in words.</summary>
    public List<string> Violations { get; } = [];

    public long ViolationCount { get; private set; }

    public void Add(LoadAnswer answer, bool acknowledged)
    {
        lock (sync)
        {
            Requests++;
            if (!acknowledged)
                Unanswered[answer.Status] = Unanswered.GetValueOrDefault(answer.Status) + 1;
            else
                (Accepted, Duplicates, Conflicts) = (
                    Accepted + answer.Accepted,
                    Duplicates + answer.Duplicates,
                    Conflicts + answer.Conflicts
                );
        }
    }

    public void Violated(string what)
    {
        const int Kept = 20;
        lock (sync)
        {
            ViolationCount++;
            if (Violations.Count < Kept)
                Violations.Add(what);
        }
    }
}

/// <summary>
/// One client: sends single events, batches, batches with duplicate keys, and keys that were acknowledged before, with the same and with
/// different content. Unacknowledged requests are retried immediately, then later, and at the end until they succeed.
/// </summary>
internal sealed class ChaosSender(
    Uri url,
    string apiKey,
    int connection,
    long seed,
    ChaosEvents events,
    ChaosCounts counts,
    double perSecond
) : IDisposable
{
    private const int MaxAttempts = 3;
    private const int MaxUnsettled = 50;
    private const int MaxBatch = 400;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly Random random = new(unchecked((int)(seed * 31 + connection)));
    private readonly LoadConnection http = new(url, apiKey);
    private readonly Queue<(int First, int Count)> unsettled = new();
    private readonly StringBuilder text = new();
    private int next;

    /// <summary>Events by number, each acknowledged once: as accepted, or as the duplicate of an attempt whose response was lost.</summary>
    public List<(int First, int Count)> Acknowledged { get; } = [];

    public int Connection => connection;

    public int Unsettled => unsettled.Count;

    public async Task RunAsync(Func<bool> isOver, CancellationToken ct)
    {
        var (began, sent) = (Stopwatch.GetTimestamp(), 0L);
        while (!isOver() && !ct.IsCancellationRequested)
        {
            var due = TimeSpan.FromSeconds(sent / perSecond);
            if (due - Stopwatch.GetElapsedTime(began) is var wait && wait > TimeSpan.Zero)
                await Task.Delay(wait < Pause ? wait : Pause, ct);
            if (Stopwatch.GetElapsedTime(began) < due)
                continue;
            sent += await TurnAsync(ct);
        }
    }

    /// <summary>Sends unacknowledged events until they are acknowledged.</summary>
    /// <exception cref="PolarisException">They were not within the timeout.</exception>
    public async Task SettleAsync(TimeSpan timeout, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        while (unsettled.TryPeek(out var range))
        {
            if (await SendAsync(range, again: true, MaxAttempts, ct))
                unsettled.Dequeue();
            else if (Stopwatch.GetElapsedTime(began) > timeout)
                throw new PolarisException($"Events were not acknowledged within {timeout.TotalSeconds:0} s after the last fault.");
        }
    }

    public void Dispose() => http.Dispose();

    private async Task<int> TurnAsync(CancellationToken ct)
    {
        var dice = random.Next(100);
        if (dice < 12 && Acknowledged.Count > 0)
            return await RepeatAsync(altered: false, ct);
        if (dice < 20 && Acknowledged.Count > 0)
            return await RepeatAsync(altered: true, ct);
        if (unsettled.Count > 0 && (dice < 30 || unsettled.Count >= MaxUnsettled))
        {
            var old = unsettled.Dequeue();
            if (!await SendAsync(old, again: true, 1, ct))
                unsettled.Enqueue(old);
            return old.Count;
        }

        var range = (
            First: next,
            Count: dice < 60 ? 1
            : dice < 85 ? random.Next(2, 40)
            : random.Next(100, MaxBatch)
        );
        next += range.Count;
        if (!await SendAsync(range, again: false, MaxAttempts, ct))
            unsettled.Enqueue(range);
        return range.Count;
    }

    private async Task<bool> SendAsync((int First, int Count) range, bool again, int tries, CancellationToken ct)
    {
        // Some batches repeat their first key at the end, which must be a duplicate.
        var own = range.Count > 1 && range.First % 5 == 0 ? 1 : 0;
        for (var attempt = 0; attempt < tries; attempt++)
        {
            if (attempt > 0)
                await Task.Delay(Pause, ct);
            var answer = await PostAsync(range, altered: false, own, ct);
            var lost = again || attempt > 0;
            if (!IsAcknowledged(answer))
                continue;
            var right =
                answer.Conflicts == 0
                && answer.Rejected == 0
                && (
                    answer is { Accepted: var accepted, Duplicates: var repeated } && accepted == range.Count && repeated == own
                    || lost && answer.Accepted == 0 && answer.Duplicates == range.Count + own
                );
            if (!right)
                counts.Violated(
                    $"events {connection}-{range.First} to {range.First + range.Count - 1}, {(lost ? "resent" : "new")}: {answer}"
                );
            Acknowledged.Add(range);
            return true;
        }

        return false;
    }

    /// <summary>Sends acknowledged keys again: none of them may be accepted.</summary>
    private async Task<int> RepeatAsync(bool altered, CancellationToken ct)
    {
        var range = Acknowledged[random.Next(Acknowledged.Count)];
        var answer = await PostAsync(range, altered, 0, ct);
        if (!IsAcknowledged(answer))
            return range.Count;
        var right = altered
            ? answer is { Accepted: 0, Duplicates: 0, Rejected: 0 } && answer.Conflicts == range.Count
            : answer is { Accepted: 0, Conflicts: 0, Rejected: 0 } && answer.Duplicates == range.Count;
        if (!right)
            counts.Violated(
                $"acknowledged events {connection}-{range.First} to {range.First + range.Count - 1}, resent with "
                    + $"{(altered ? "different" : "the same")} content: {answer}"
            );
        return range.Count;
    }

    private bool IsAcknowledged(LoadAnswer answer)
    {
        var acknowledged = answer.Status is 202 or 409;
        counts.Add(answer, acknowledged);
        if (!acknowledged && answer.Status is not (0 or 429 or 502 or 503 or 504))
            counts.Violated($"status {answer.Status}");
        return acknowledged;
    }

    private async Task<LoadAnswer> PostAsync((int First, int Count) range, bool altered, int own, CancellationToken ct)
    {
        text.Clear();
        if (range.Count > 1)
            text.Append('[');
        for (var i = 0; i < range.Count + own; i++)
        {
            if (i > 0)
                text.Append(',');
            ChaosEvents.Write(text, events.Of(connection, range.First + i % range.Count), altered);
        }

        if (range.Count > 1)
            text.Append(']');
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(AnswerWithin);
        try
        {
            return await http.PostAsync(Encoding.ASCII.GetBytes(text.ToString()), late.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return default;
        }
    }
}
