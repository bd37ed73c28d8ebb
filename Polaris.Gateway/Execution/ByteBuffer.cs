using System.Buffers;

namespace Polaris.Gateway.Execution;

/// <summary>Bytes that grow, in an array of the pool, which is given back when it is disposed.</summary>
internal sealed class ByteBuffer(int capacity) : IBufferWriter<byte>, IDisposable
{
    public byte[] Array { get; private set; } = ArrayPool<byte>.Shared.Rent(capacity);

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => Array.AsSpan(0, Length);

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        Length += bytes.Length;
    }

    public void Advance(int count) => Length += count;

    /// <summary>Takes back what was written after this length.</summary>
    public void Truncate(int length) => Length = length;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(sizeHint, 1));
        return Array.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(Math.Max(sizeHint, 1));
        return Array.AsSpan(Length);
    }

    public void Dispose()
    {
        if (Array.Length > 0)
            ArrayPool<byte>.Shared.Return(Array);
        Array = [];
    }

    private void Grow(int more)
    {
        if (Array.Length - Length >= more)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Array.Length * 2, Length + more));
        Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(Array);
        Array = larger;
    }
}
