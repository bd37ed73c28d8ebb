using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>
/// A request's body: in the server's own buffer, or in a pooled one, decompressed if necessary. Disposing it releases the memory.
/// </summary>
internal readonly struct RequestBody : IDisposable
{
    /// <summary>Bytes over the limit are read and discarded up to here, so that the client receives the response that says why.</summary>
    private const int MaxDrainedBytes = 64 * 1024 * 1024;

    private const int FirstBufferBytes = 16 * 1024;
    private const int GrowthFactor = 4;

    private readonly PipeReader? reader;
    private readonly ReadOnlySequence<byte> whole;
    private readonly byte[] buffer;

    /// <param name="reader">Is advanced when <paramref name="whole"/> is no longer needed.</param>
    /// <param name="whole">The entire body in one segment.</param>
    private RequestBody(PipeReader reader, ReadOnlySequence<byte> whole) => (this.reader, this.whole, buffer) = (reader, whole, []);

    private RequestBody(byte[] buffer, int length) => (whole, this.buffer) = (new ReadOnlySequence<byte>(buffer, 0, length), buffer);

    public ReadOnlySpan<byte> Bytes => whole.FirstSpan;

    public void Dispose()
    {
        if (reader is null)
            ArrayPool<byte>.Shared.Return(buffer);
        else
            reader.AdvanceTo(whole.End);
    }

    /// <exception cref="BodyException">
    /// It is too large or does not arrive in time, or its compression is not supported or invalid.
    /// </exception>
    /// <exception cref="OverLimitException">The org has too many bytes in progress.</exception>
    public static async Task<RequestBody> ReadAsync(HttpContext context, IngestLimiter.Reservation reservation, TimeSpan timeout)
    {
        var encoding = context.Request.Headers.ContentEncoding.ToString();
        var isPlain = encoding.Length == 0 || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase);
        if (isPlain && TryReadInPlace(context.Request.BodyReader, reservation) is { } arrived)
            return arrived;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(timeout);
        try
        {
            return isPlain
                ? await ReadAsync(context, context.Request.Body, context.Request.ContentLength, reservation, deadline.Token)
                : await InflateAsync(context, encoding, reservation, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            throw new BodyException(
                408,
                "body_timeout",
                $"The body did not arrive within {timeout.TotalSeconds:0.#} s. Nothing was stored."
            );
        }
    }

    private static async Task<RequestBody> InflateAsync(
        HttpContext context,
        string encoding,
        IngestLimiter.Reservation reservation,
        CancellationToken ct
    )
    {
        if (!encoding.Equals("gzip", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.Headers.AcceptEncoding = "gzip";
            throw new BodyException(415, "unsupported_encoding", "'Content-Encoding' must be gzip or absent.");
        }

        // The limit applies to the decompressed size and is checked while decompressing, so a zip bomb stops there.
        await using var inflated = new GZipStream(context.Request.Body, CompressionMode.Decompress, leaveOpen: true);
        try
        {
            return await ReadAsync(context, inflated, announced: null, reservation, ct);
        }
        catch (InvalidDataException)
        {
            throw new BodyException(400, "malformed_gzip", "The body is not valid gzip, or is truncated.");
        }
    }

    /// <summary>
    /// A small body arrives with the headers and need not be copied. Null, with nothing consumed, when it has not arrived yet.
    /// </summary>
    private static RequestBody? TryReadInPlace(PipeReader reader, IngestLimiter.Reservation reservation)
    {
        if (!reader.TryRead(out var read))
            return null;
        if (read.IsCompleted && read.Buffer is { IsSingleSegment: true, Length: <= Limits.MaxRequestBytes })
        {
            reservation.AddBytes(read.Buffer.Length);
            return new RequestBody(reader, read.Buffer);
        }

        reader.AdvanceTo(read.Buffer.Start);
        return null;
    }

    /// <summary>
    /// Memory is taken, and reserved, as the body arrives: many connections that announce a large one and send nothing hold little.
    /// </summary>
    private static async Task<RequestBody> ReadAsync(
        HttpContext context,
        Stream body,
        long? announced,
        IngestLimiter.Reservation reservation,
        CancellationToken ct
    )
    {
        // One byte more than announced, so that the end is seen without a larger buffer.
        var enough = announced is > 0 and <= Limits.MaxRequestBytes ? (int)announced.Value + 1 : int.MaxValue;
        reservation.AddBytes(FirstBufferBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
        var length = 0;
        try
        {
            int read;
            while ((read = await body.ReadAsync(buffer.AsMemory(length), ct)) > 0)
            {
                length += read;
                if (length > Limits.MaxRequestBytes)
                {
                    await DrainAsync(context, buffer, length, ct);
                    throw new BodyException(
                        413,
                        "request_too_large",
                        $"A request must have at most {Limits.MaxRequestBytes} bytes after decompression. "
                            + "Split the events over several requests."
                    );
                }

                if (length < buffer.Length)
                    continue;
                var size = Math.Min(buffer.Length * GrowthFactor, Math.Max(enough, length + 1));
                reservation.AddBytes(size - buffer.Length);
                var larger = ArrayPool<byte>.Shared.Rent(size);
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

    /// <summary>Reads the rest of the raw body, without decompressing it.</summary>
    private static async Task DrainAsync(HttpContext context, byte[] buffer, long drained, CancellationToken ct)
    {
        int read;
        while (drained < MaxDrainedBytes && (read = await context.Request.Body.ReadAsync(buffer, ct)) > 0)
            drained += read;
    }
}
