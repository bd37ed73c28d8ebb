using System.Buffers.Binary;
using PdfSharp.Drawing;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Settings;

/// <summary>An org's logo: a PNG or JPEG file, told by what is in it.</summary>
internal static class Logo
{
    public const string Png = "image/png";
    public const string Jpeg = "image/jpeg";
    public const int MaxBytes = 262_144;

    /// <summary>Width and height: a small file can unpack to a large picture.</summary>
    public const int MaxPixels = 2_000;

    private static ReadOnlySpan<byte> PngStart => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <param name="path">The field, for the refusal.</param>
    /// <param name="base64">The file.</param>
    /// <exception cref="RefusedException">It is not base64, not a picture, too large, or cannot be read.</exception>
    public static (byte[] Data, string Type) Read(string path, string base64)
    {
        if (base64.Length > (MaxBytes + 2) / 3 * 4)
            throw TooLarge(path);
        var data = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, data, out var length) || length == 0)
            throw Invalid(path, "'logo' is a PNG or JPEG file in base64.");
        if (length > MaxBytes)
            throw TooLarge(path);
        Array.Resize(ref data, length);
        if (SizeOf(data) is not var (type, width, height))
            throw Invalid(path, "'logo' is neither a PNG nor a JPEG file.");
        if (width is 0 or > MaxPixels || height is 0 or > MaxPixels)
            throw new RefusedException(
                Refusal.Invalid(path, "out_of_range", $"'logo' has 1 to {MaxPixels} pixels each way, not {width} × {height}.")
            );
        if (!CanBePrinted(data))
            throw Invalid(path, "'logo' cannot be read: the file is damaged, or of a kind that PDF readers do not know.");
        return (data, type);
    }

    /// <summary>The type by the file's first bytes, and its size by its header; null for anything else.</summary>
    internal static (string Type, int Width, int Height)? SizeOf(ReadOnlySpan<byte> data)
    {
        if (data.StartsWith(PngStart))
            return data.Length >= 33 && data[12..16].SequenceEqual("IHDR"u8) ? (Png, Number(data[16..20]), Number(data[20..24])) : null;
        if (!data.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]))
            return null;
        // Segments: FF, kind, length of two bytes that counts itself; the frame's header has the size.
        for (var at = 2; at + 9 < data.Length && data[at] == 0xff; )
        {
            var kind = data[at + 1];
            if (kind is >= 0xc0 and <= 0xcf and not (0xc4 or 0xc8 or 0xcc))
                return (
                    Jpeg,
                    BinaryPrimitives.ReadUInt16BigEndian(data[(at + 7)..]),
                    BinaryPrimitives.ReadUInt16BigEndian(data[(at + 5)..])
                );
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(data[(at + 2)..]);
        }

        return null;
    }

    /// <summary>Whether the PDF's library reads it; it throws whatever a damaged file leads it to.</summary>
    private static bool CanBePrinted(byte[] data)
    {
        try
        {
            using var stream = new MemoryStream(data, 0, data.Length, writable: false, publiclyVisible: true);
            using var image = XImage.FromStream(stream);
            return image.PixelWidth > 0;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return false;
        }
    }

    private static int Number(ReadOnlySpan<byte> bytes) => (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(bytes), int.MaxValue);

    private static RefusedException TooLarge(string path) =>
        new(Refusal.Invalid(path, "too_large", $"'logo' has at most {MaxBytes} bytes."));

    private static RefusedException Invalid(string path, string message) => new(Refusal.Invalid(path, "invalid_logo", message));
}
