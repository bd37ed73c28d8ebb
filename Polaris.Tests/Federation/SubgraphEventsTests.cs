using System.Text;
using Polaris.Gateway.Execution;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>A subgraph's events, however they come in.</summary>
public sealed class SubgraphEventsTests
{
    private const string Lines =
        ":\n\nevent: next\ndata: {\"data\":1}\n\n:\n\nevent: next\r\ndata: {\"a\":\r\ndata: 2}\r\n\r\nevent: complete\ndata:\n\n";

    [Fact]
    public async Task Events_are_the_same_wherever_the_bytes_are_cut()
    {
        for (var length = 1; length <= Lines.Length; length++)
        {
            using var events = new SubgraphEvents(new Pieces(Encoding.UTF8.GetBytes(Lines), length));
            Assert.Equal(
                [
                    (SubgraphEvent.Beat, ""),
                    (SubgraphEvent.Next, " {\"data\":1}"),
                    (SubgraphEvent.Beat, ""),
                    (SubgraphEvent.Next, " {\"a\": 2}"),
                    (SubgraphEvent.Complete, ""),
                ],
                [
                    await ReadAsync(events),
                    await ReadAsync(events),
                    await ReadAsync(events),
                    await ReadAsync(events),
                    await ReadAsync(events),
                ]
            );
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("event: next\ndata: {}\n")]
    [InlineData("event: complete\ndata:\n")]
    public async Task A_stream_that_ends_early_is_not_complete(string lines)
    {
        using var events = new SubgraphEvents(new MemoryStream(Encoding.UTF8.GetBytes(lines)));
        await Assert.ThrowsAsync<IOException>(() => ReadAsync(events));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    public async Task An_event_has_a_largest_size_in_one_line_or_many(int perLine)
    {
        using var events = new SubgraphEvents(new Endless(perLine), 100_000);
        await Assert.ThrowsAsync<AnswerException>(() => ReadAsync(events));
    }

    private static async Task<(SubgraphEvent, string)> ReadAsync(SubgraphEvents events)
    {
        using var answer = new ByteBuffer(16);
        var kind = await events.ReadAsync(answer, TestContext.Current.CancellationToken);
        return (kind, Encoding.UTF8.GetString(answer.Span));
    }

    /// <summary>Gives a few bytes at a time.</summary>
    private sealed class Pieces(byte[] bytes, int length) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(length, buffer.Length)], cancellationToken);
    }

    /// <summary>Data without end, with a line's end after so many bytes; 0 for none.</summary>
    private sealed class Endless(int perLine) : MemoryStream
    {
        private static readonly byte[] Head = Encoding.UTF8.GetBytes("data: ");
        private long at;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            for (var i = 0; i < buffer.Length; i++, at++)
            {
                var column = perLine == 0 ? at : at % perLine;
                buffer.Span[i] =
                    column < Head.Length ? Head[column]
                    : perLine > 0 && column == perLine - 1 ? (byte)'\n'
                    : (byte)'x';
            }

            return ValueTask.FromResult(buffer.Length);
        }
    }
}
