using System.Buffers;
using System.IO.Compression;
using Polaris.Ingestion.Domain;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>A request's body in a pooled buffer, inflated where it came compressed. Dispose it to give the buffer back.</summary>
internal readonly struct RequestBody(byte[] buffer, int length) : IDisposable
{
    /// <summary>More than the limit is read and dropped up to here, so that the client gets to read why it was refused.</summary>
    private const int MaxDrainedBytes = 64 * 1024 * 1024;

    private const int FirstBufferBytes = 16 * 1024;

    public ReadOnlySpan<byte> Bytes => buffer.AsSpan(0, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);

    /// <exception cref="BodyException">It is too large, or compressed in a way that cannot be read.</exception>
    public static async Task<RequestBody> ReadAsync(HttpContext context)
    {
        var encoding = context.Request.Headers.ContentEncoding.ToString();
        if (encoding.Length == 0 || encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            return await ReadAsync(context, context.Request.Body, context.Request.ContentLength);
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
