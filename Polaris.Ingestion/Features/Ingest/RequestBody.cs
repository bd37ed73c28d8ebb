using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>A request's body: where the server read it into, or in a pooled buffer, inflated where it came compressed. Dispose it to give the memory back.</summary>
internal readonly struct RequestBody : IDisposable
{
    /// <summary>More than the limit is read and dropped up to here, so that the client gets to read why it was refused.</summary>
    private const int MaxDrainedBytes = 64 * 1024 * 1024;

    private const int FirstBufferBytes = 16 * 1024;

    private readonly PipeReader? reader;
    private readonly ReadOnlySequence<byte> whole;
    private readonly byte[] buffer;

    /// <param name="reader">To be told when <paramref name="whole"/> is no longer needed.</param>
    /// <param name="whole">All of the body, in one piece.</param>
    private RequestBody(PipeReader reader, ReadOnlySequence<byte> whole) => (this.reader, this.whole, buffer) = (reader, whole, []);

    private RequestBody(byte[] buffer, int length) => (whole, this.buffer) = (new ReadOnlySequence<byte>(buffer, 0, length), buffer);

    public ReadOnlySpan<byte> Bytes => whole.FirstSpan;

    public void Dispose()
    {
        if (reader is null) ArrayPool<byte>.Shared.Return(buffer);
        else reader.AdvanceTo(whole.End);
    }

    /// <exception cref="BodyException">It is too large, or compressed in a way that cannot be read.</exception>
    public static async Task<RequestBody> ReadAsync(HttpContext context)
    {
        var encoding = context.Request.Headers.ContentEncoding.ToString();
        if (encoding.Length == 0 || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            return TryReadInPlace(context.Request.BodyReader) ?? await ReadAsync(context, context.Request.Body, context.Request.ContentLength);
        if (!encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.Headers.AcceptEncoding = "gzip";
            throw new BodyException(415, "unsupported_encoding", "'Content-Encoding' is gzip or absent.");
        }

        // The limit is for what comes out, and looked at while it comes: a small body that inflates without end stops there.
        await using var inflated = new GZipStream(context.Request.Body, CompressionMode.Decompress, leaveOpen: true);
        try
        {
            return await ReadAsync(context, inflated, announced: null);
        }
        catch (InvalidDataException)
        {
            throw new BodyException(400, "malformed_gzip", "The body is not gzip, or ends too early.");
        }
    }

    /// <summary>A small body came with the headers and need not be copied. Null when it did not, and nothing is taken.</summary>
    private static RequestBody? TryReadInPlace(PipeReader reader)
    {
        if (!reader.TryRead(out var read)) return null;
        if (read.IsCompleted && read.Buffer is { IsSingleSegment: true, Length: <= Limits.MaxRequestBytes }) return new RequestBody(reader, read.Buffer);
        reader.AdvanceTo(read.Buffer.Start);
        return null;
    }

    private static async Task<RequestBody> ReadAsync(HttpContext context, Stream body, long? announced)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(announced is > 0 and <= Limits.MaxRequestBytes ? (int)announced.Value + 1 : FirstBufferBytes);
        var length = 0;
        try
        {
            int read;
            while ((read = await body.ReadAsync(buffer.AsMemory(length), context.RequestAborted)) > 0)
            {
                length += read;
                if (length > Limits.MaxRequestBytes)
                {
                    await DrainAsync(context, buffer, length);
                    throw new BodyException(413, "request_too_large", $"A request has at most {Limits.MaxRequestBytes} bytes (of a compressed one: uncompressed). Send the events in several.");
                }

                if (length < buffer.Length) continue;
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.AsSpan(0, length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }

            return new RequestBody(buffer, length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    /// <summary>The rest as it comes over the wire; it is not inflated.</summary>
    private static async Task DrainAsync(HttpContext context, byte[] buffer, long drained)
    {
        int read;
        while (drained < MaxDrainedBytes && (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0) drained += read;
    }
}
