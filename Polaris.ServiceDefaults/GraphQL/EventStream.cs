using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// The answers to a subscription as server-sent events, by the protocol "GraphQL over SSE", distinct connections mode: an event
/// <c>next</c> with each answer, and <c>complete</c> after the last one. One at a time is written.
/// </summary>
public sealed class EventStream(HttpContext context)
{
    public const string MediaType = "text/event-stream";

    /// <summary>A comment is sent when there was nothing else for so long: proxies give up a connection on which nothing comes.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    /// <summary>Who does not take what is sent for so long is left, so that no slow reader keeps anything.</summary>
    public static readonly TimeSpan MaxWriteTime = TimeSpan.FromSeconds(10);

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    /// <summary>Whether the client names the media type, which it must for a subscription.</summary>
    public static bool IsAccepted(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Headers.Accept.Count > 0
            && MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
            && accepted.Any(one => one.MediaType.Equals(MediaType, StringComparison.OrdinalIgnoreCase) && one.Quality is null or > 0);
    }

    /// <summary>Runs what writes the events, and completes the stream when it is done or its time is over.</summary>
    /// <param name="write">What writes the events.</param>
    /// <param name="end">Its time is over, or the client has left.</param>
    public async Task RunAsync(Func<CancellationToken, Task> write, CancellationToken end)
    {
        ArgumentNullException.ThrowIfNull(write);
        try
        {
            await OpenAsync();
            try
            {
                await write(end);
            }
            catch (OperationCanceledException) when (end.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
            {
                // It may go on in another one.
            }

            // With data, even if none, since browsers do not report an event without it.
            await WriteAsync("event: complete\ndata:\n\n"u8.ToArray());
        }
        catch (OperationCanceledException)
        {
            // Nobody is there to be told.
        }
    }

    private Task OpenAsync()
    {
        context.Response.ContentType = MediaType;
        context.Response.Headers.CacheControl = "no-store";
        // nginx would keep events back until a buffer is full.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        return BeatAsync();
    }

    /// <param name="answer">An answer in JSON.</param>
    public Task NextAsync(ReadOnlySpan<byte> answer)
    {
        var head = "event: next\ndata: "u8;
        var bytes = new byte[head.Length + answer.Length + 2];
        head.CopyTo(bytes);
        var body = bytes.AsSpan(head.Length, answer.Length);
        answer.CopyTo(body);
        // Between values, where JSON may have them; within texts it has none. They would end the line.
        body.ReplaceAny(LineEnds, (byte)' ');
        bytes.AsSpan(^2..).Fill((byte)'\n');
        return WriteAsync(bytes);
    }

    public Task BeatAsync() => WriteAsync(":\n\n"u8.ToArray());

    /// <exception cref="OperationCanceledException">The client is gone, or too slow.</exception>
    private async Task WriteAsync(byte[] bytes)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(MaxWriteTime);
        try
        {
            await context.Response.Body.WriteAsync(bytes, limit.Token);
            await context.Response.Body.FlushAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
            throw;
        }
    }
}
