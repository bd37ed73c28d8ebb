using PdfSharp;
using PdfSharp.Drawing;
using PdfSharp.Pdf;

namespace Polaris.Billing.Features.Documents;

/// <summary>A cell of a row: its place, and how its text is set.</summary>
/// <param name="Left">Points from the left edge of the page.</param>
/// <param name="Width">Points; longer text goes on in a new line.</param>
internal sealed record PdfCell(string Text, double Left, double Width, XFont Font, XBrush Brush, bool IsRight = false);

/// <summary>Pages of A4 that are filled with rows from top to bottom; a row that does not fit goes on on the next page.</summary>
internal sealed class PdfPages : IDisposable
{
    public const double Left = 48;
    public const double Width = 499;

    private const double Top = 48;
    private const double Bottom = 780;
    private const double FooterAt = 812;

    private readonly PdfDocument document;
    private readonly Dictionary<(XFont Font, int Character), double> widths = [];
    private XGraphics page;

    public PdfPages(PdfDocument document)
    {
        this.document = document;
        page = Add();
    }

    /// <summary>Where the next row begins, in points from the top.</summary>
    public double At { get; set; } = Top;

    /// <summary>What every further page begins with.</summary>
    public Action? Head { get; set; }

    public void Space(double points) => At += points;

    /// <summary>A new page, unless so much is left on this one.</summary>
    public void Keep(double points)
    {
        if (At + points <= Bottom)
            return;
        page.Dispose();
        page = Add();
        At = Top;
        Head?.Invoke();
    }

    public void Rule(XColor color, double thickness)
    {
        page.DrawLine(new XPen(color, thickness), Left, At, Left + Width, At);
        At += thickness + 3;
    }

    public void Image(XImage image, double right, double top, double mostWidth, double mostHeight)
    {
        var scale = Math.Min(mostWidth / image.PixelWidth, mostHeight / image.PixelHeight);
        page.DrawImage(image, right - (image.PixelWidth * scale), top, image.PixelWidth * scale, image.PixelHeight * scale);
    }

    /// <summary>Draws a row. A short one is kept together; a long one is cut between lines.</summary>
    public void Row(params IReadOnlyList<PdfCell> cells)
    {
        var lines = cells.Select(cell => Lines(cell).ToArray()).ToArray();
        var height = cells.Max(cell => cell.Font.GetHeight()) + 1.5;
        var count = lines.Max(cell => cell.Length);
        Keep(Math.Min(count, 12) * height);
        for (var i = 0; i < count; i++)
        {
            Keep(height);
            for (var cell = 0; cell < cells.Count; cell++)
            {
                if (i < lines[cell].Length)
                    Draw(cells[cell], lines[cell][i]);
            }

            At += height;
        }
    }

    /// <summary>The lines that a cell takes.</summary>
    public int CountLines(PdfCell cell) => Lines(cell).Count();

    /// <summary>Writes the number of each page at its foot, once all are there.</summary>
    public void Number(string name, XFont font, XBrush brush)
    {
        page.Dispose();
        for (var i = 0; i < document.PageCount; i++)
        {
            using var foot = XGraphics.FromPdfPage(document.Pages[i], XGraphicsPdfPageOptions.Append);
            foot.DrawString(
                $"{name}   Page {i + 1} of {document.PageCount}",
                font,
                brush,
                Left + Width,
                FooterAt,
                XStringFormats.BaseLineRight
            );
        }
    }

    public void Dispose() => page.Dispose();

    private XGraphics Add()
    {
        var added = document.AddPage();
        added.Size = PageSize.A4;
        return XGraphics.FromPdfPage(added);
    }

    private void Draw(PdfCell cell, string line)
    {
        if (line.Length == 0)
            return;
        var left = cell.IsRight ? cell.Left + cell.Width - WidthOf(line, cell.Font) : cell.Left;
        page.DrawString(line, cell.Font, cell.Brush, left, At, XStringFormats.TopLeft);
    }

    /// <summary>Breaks at spaces, and within a word that is wider than the cell.</summary>
    private IEnumerable<string> Lines(PdfCell cell)
    {
        foreach (var paragraph in PrintableText.Of(cell.Text).Split('\n'))
        {
            var (line, used) = ("", 0.0);
            foreach (var word in paragraph.Split(' '))
            {
                var space = line.Length == 0 ? 0 : WidthOf(" ", cell.Font);
                var width = WidthOf(word, cell.Font);
                if (used + space + width <= cell.Width)
                {
                    line = line.Length == 0 ? word : $"{line} {word}";
                    used += space + width;
                    continue;
                }

                if (line.Length > 0)
                    yield return line;
                var parts = Parts(word, cell).ToArray();
                foreach (var part in parts[..^1])
                    yield return part;
                (line, used) = (parts[^1], WidthOf(parts[^1], cell.Font));
            }

            yield return line;
        }
    }

    private IEnumerable<string> Parts(string word, PdfCell cell)
    {
        var (start, at, used) = (0, 0, 0.0);
        foreach (var rune in word.EnumerateRunes())
        {
            var width = WidthOf(rune.Value, cell.Font);
            if (used + width > cell.Width && at > start)
            {
                yield return word[start..at];
                (start, used) = (at, 0);
            }

            used += width;
            at += rune.Utf16SequenceLength;
        }

        yield return word[start..];
    }

    private double WidthOf(string text, XFont font) => text.EnumerateRunes().Sum(rune => WidthOf(rune.Value, font));

    private double WidthOf(int character, XFont font)
    {
        if (!widths.TryGetValue((font, character), out var width))
            widths.Add((font, character), width = page.MeasureString(char.ConvertFromUtf32(character), font).Width);
        return width;
    }
}
