using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace Polaris.Client;

/// <summary>
/// A bounded buffer, emptied by one request at a time: events of a customer arrive in the order they were taken. A place in the buffer is
/// free again when its event is settled.
/// </summary>
internal sealed class EventSender : IAsyncDisposable
{
    /// <summary>Half of what a request may have, so that a batch is stored in one turn.</summary>
    private const int MaxEvents = 500;

    /// <summary>A fifth of what a request may have.</summary>
    private const int MaxBytes = 1_048_576;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private sealed record Waiting(UsageEvent Event, byte[] Json, long Taken, TaskCompletionSource<Receipt>? Sent);

    private readonly HttpClient http;
    private readonly PolarisClientOptions options;
    private readonly SemaphoreSlim room;
    private readonly Lock gate = new();
    private readonly Queue<Waiting> queue = new();
    private Task running = Task.CompletedTask;

    /// <summary>Ends the linger of the running task.</summary>
    private TaskCompletionSource hurry = NewSignal();
    private int flushing;
    private bool closed;

    public EventSender(HttpClient http, PolarisClientOptions options)
    {
        (this.http, this.options) = (http, options);
        room = new SemaphoreSlim(options.MaxBuffered, options.MaxBuffered);
    }

    public string Track(UsageEvent usageEvent)
    {
        var (stamped, json) = Stamp(usageEvent);
        if (!room.Wait(0))
            throw new BufferFullException(options.MaxBuffered);
        Enqueue(new Waiting(stamped, json, options.Time.GetTimestamp(), null));
        return stamped.IdempotencyKey!;
    }

    public async Task<Receipt> SendAsync(UsageEvent usageEvent, CancellationToken ct)
    {
        var (stamped, json) = Stamp(usageEvent);
        await room.WaitAsync(ct).ConfigureAwait(false);
        var sent = new TaskCompletionSource<Receipt>(TaskCreationOptions.RunContinuationsAsynchronously);
        Enqueue(new Waiting(stamped, json, options.Time.GetTimestamp(), sent));
        return await sent.Task.WaitAsync(ct).ConfigureAwait(false);
    }

    public async Task FlushAsync(CancellationToken ct)
    {
        Interlocked.Increment(ref flushing);
        try
        {
            while (true)
            {
                Task current;
                lock (gate)
                {
                    hurry.TrySetResult();
                    if (queue.Count == 0 && running.IsCompleted)
                        return;
                    current = running;
                }

                await current.WaitAsync(ct).ConfigureAwait(false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref flushing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (gate)
            closed = true;
        await FlushAsync(default).ConfigureAwait(false);
    }

    /// <summary>Fixes what is left to default: a retry must send the same content.</summary>
    private (UsageEvent Stamped, byte[] Json) Stamp(UsageEvent given)
    {
        var corrects = given.Voids is not null || given.Replaces is not null;
        var stamped = given with
        {
            IdempotencyKey = given.IdempotencyKey ?? Guid.CreateVersion7(options.Time.GetUtcNow()).ToString(),
            Timestamp = given.Timestamp ?? (corrects ? null : options.Time.GetUtcNow()),
            Properties = given.Properties?.ToDictionary(),
        };
        var wire = new WireEvent(
            stamped.IdempotencyKey,
            stamped.Type,
            stamped.Customer,
            stamped.Timestamp,
            stamped.Properties,
            stamped.Voids,
            stamped.Replaces
        );
        return (stamped, JsonSerializer.SerializeToUtf8Bytes(wire, Wire.Json));
    }

    private void Enqueue(Waiting waiting)
    {
        lock (gate)
        {
            if (closed)
            {
                room.Release();
                throw new ObjectDisposedException(nameof(PolarisClient));
            }

            queue.Enqueue(waiting);
            if (queue.Count >= MaxEvents || flushing > 0)
                hurry.TrySetResult();
            if (running.IsCompleted)
            {
                if (queue.Count < MaxEvents && flushing == 0)
                    hurry = NewSignal();
                running = Task.Run(RunAsync);
            }
        }
    }

    private async Task RunAsync()
    {
        await Task.WhenAny(hurry.Task, Task.Delay(options.Linger, options.Time)).ConfigureAwait(false);
        while (Next() is { Count: > 0 } batch)
            await SendBatchAsync(batch).ConfigureAwait(false);
    }

    /// <summary>The next batch. Once it is empty the caller must end: under the same lock the next event starts another.</summary>
    private List<Waiting> Next()
    {
        lock (gate)
        {
            var batch = new List<Waiting>();
            var bytes = 0;
            while (batch.Count < MaxEvents && queue.TryPeek(out var first) && (batch.Count == 0 || bytes + first.Json.Length < MaxBytes))
            {
                bytes += first.Json.Length + 1;
                batch.Add(queue.Dequeue());
            }

            if (batch.Count == 0)
                running = Task.CompletedTask;
            return batch;
        }
    }

    /// <summary>Until each of its events is stored, refused or given up.</summary>
    private async Task SendBatchAsync(List<Waiting> batch)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var (refusal, retryAfter) = await TryAsync(batch).ConfigureAwait(false);
            if (refusal is null)
                return;
            // Half of the pause is random, so that many clients do not come back at once.
            var wait = pause * (0.5 + RandomNumberGenerator.GetInt32(1000) / 2000.0);
            if (retryAfter is { } asked && asked > wait)
                wait = asked;
            if (retryAfter is null || options.Time.GetElapsedTime(batch[^1].Taken) + wait >= options.GiveUpAfter)
            {
                foreach (var waiting in batch)
                    Settle(waiting, null, new UsageEventException(refusal.Code, refusal.Message, refusal.Status, waiting.Event));
                return;
            }

            await Task.Delay(wait, options.Time).ConfigureAwait(false);
        }
    }

    /// <summary>Null when the batch is settled; else why not, and, when it may be tried again, after how long at the earliest.</summary>
    private async Task<(PolarisException? Refusal, TimeSpan? RetryAfter)> TryAsync(List<Waiting> batch)
    {
        try
        {
            using var content = new ByteArrayContent(Body(batch));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http.PostAsync("ingest?receipts=all", content).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            var answer = await response.Content.ReadFromJsonAsync<WireResponse>(Wire.Json).ConfigureAwait(false);
            if (answer?.Results is { } results)
            {
                SettleAll(batch, results, status);
                return (null, null);
            }

            var refusal = new PolarisException(
                answer?.Code ?? "unexpected_answer",
                answer?.Detail ?? answer?.Title ?? $"Polaris answered {status}.",
                status
            );
            return (refusal, status is 408 or 429 or 500 or 502 or 503 or 504 ? response.Headers.RetryAfter?.Delta ?? TimeSpan.Zero : null);
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or IOException or JsonException)
        {
            // Whether anything was stored is unknown: the same keys make it safe to send them again.
            return (new PolarisException("unreachable", failure.Message, 0), TimeSpan.Zero);
        }
    }

    private static byte[] Body(List<Waiting> batch)
    {
        var body = new MemoryStream(batch.Sum(waiting => waiting.Json.Length + 1) + 1);
        foreach (var waiting in batch)
        {
            body.WriteByte(body.Length == 0 ? (byte)'[' : (byte)',');
            body.Write(waiting.Json);
        }

        body.WriteByte((byte)']');
        return body.ToArray();
    }

    private void SettleAll(List<Waiting> batch, IReadOnlyList<WireResult> results, int status)
    {
        var byIndex = results.ToDictionary(result => result.Index);
        foreach (var (index, waiting) in batch.Index())
        {
            var result = byIndex.GetValueOrDefault(index);
            if (result?.Status is "accepted" or "duplicate")
                Settle(waiting, new Receipt(waiting.Event.IdempotencyKey!, result.Status == "duplicate"), null);
            else
                Settle(
                    waiting,
                    null,
                    new UsageEventException(
                        result?.Code ?? "unexpected_answer",
                        result?.Message ?? "Polaris did not name it.",
                        status,
                        waiting.Event,
                        result?.Field
                    )
                );
        }
    }

    private void Settle(Waiting waiting, Receipt? receipt, UsageEventException? error)
    {
        room.Release();
        if (receipt is not null)
            waiting.Sent?.TrySetResult(receipt);
        else if (waiting.Sent is { } sent)
            sent.TrySetException(error!);
        else
            options.OnError(error!);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
