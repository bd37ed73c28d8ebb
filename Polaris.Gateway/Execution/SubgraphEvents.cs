namespace Polaris.Gateway.Execution;

internal enum SubgraphEvent
{
    /// <summary>An answer, which is in the buffer.</summary>
    Next,

    /// <summary>A comment: the subgraph is there, and has nothing to say.</summary>
    Beat,

    /// <summary>There is no further answer.</summary>
    Complete,
}

/// <summary>Reads the events of a subgraph's subscription: "GraphQL over SSE", distinct connections mode.</summary>
/// <param name="body">The subgraph's answer.</param>
/// <param name="maxBytes">Of an event.</param>
internal sealed class SubgraphEvents(Stream body, int maxBytes = FetchExecutor.MaxAnswerBytes) : IDisposable
{
    private const int UsualBytes = 4_096;

    private readonly byte[] chunk = new byte[UsualBytes];
    private readonly ByteBuffer line = new(UsualBytes);
    private int next;
    private int end;

    /// <param name="answer">Gets the answer of an event <see cref="SubgraphEvent.Next"/>.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="IOException">The subgraph ended in between.</exception>
    /// <exception cref="AnswerException">An event is too large.</exception>
    public async Task<SubgraphEvent> ReadAsync(ByteBuffer answer, CancellationToken ct)
    {
        for (var isComplete = false; ; line.Truncate(0))
        {
            await ReadLineAsync(maxBytes - answer.Length, ct);
            var text = line.Span.TrimEnd((byte)'\r');
            if (text.SequenceEqual("event: complete"u8))
                isComplete = true;
            else if (text.StartsWith("data:"u8))
                answer.Write(text["data:"u8.Length..]);
            else if (text.IsEmpty && (isComplete || answer.Length > 0))
            {
                line.Truncate(0);
                return isComplete ? SubgraphEvent.Complete : SubgraphEvent.Next;
            }
            else if (text.StartsWith(":"u8) && answer.Length == 0)
            {
                line.Truncate(0);
                return SubgraphEvent.Beat;
            }
        }
    }

    public void Dispose()
    {
        line.Dispose();
        body.Dispose();
    }

    private async Task ReadLineAsync(int max, CancellationToken ct)
    {
        while (true)
        {
            if (next == end)
                (next, end) = (0, await body.ReadAsync(chunk, ct));
            if (end == 0)
                throw new IOException("The subgraph ended a subscription that is not complete.");
            var rest = chunk.AsSpan(next..end);
            var length = rest.IndexOf((byte)'\n');
            line.Write(length < 0 ? rest : rest[..length]);
            next = length < 0 ? end : next + length + 1;
            if (line.Length > max)
                throw new AnswerException("An event is too large.");
            if (length >= 0)
                return;
        }
    }
}
