using System.Globalization;
using System.Text;
using PdfSharp.Drawing;
using PdfSharp.Pdf;
using Polaris.Billing.Features.Invoices;

namespace Polaris.Billing.Features.Documents;

/// <summary>An invoice as PDF: everything that its HTML has, on as many pages of A4 as that takes.</summary>
internal static class PdfInvoice
{
    // The table's columns, in points.
    private const double Quantity = 290;
    private const double Unit = 378;
    private const double Amount = 452;
    private const double Indent = 10;

    private static readonly Lock Sync = new();

    /// <remarks>One at a time: the library shares fonts between documents. Callers wait in <see cref="PrintQueue"/>.</remarks>
    public static byte[] Render(DocumentSource source)
    {
        lock (Sync)
            return Print(source);
    }

    private static byte[] Print(DocumentSource source)
    {
        PrintFonts.Install();
        var invoice = source.ToDocument();
        using var document = new PdfDocument();
        document.Info.Title = PrintableText.Of(invoice.Title);
        document.Info.Author = PrintableText.Of(invoice.Parties.Seller.Name ?? "");
        document.Info.Creator = "Polaris";
        document.Info.CreationDate = invoice.ChangedAt.ToDateTimeUtc();
        using (var pages = new PdfPages(document))
        {
            var style = new Style(invoice.Accent);
            Head(pages, invoice, style, source.Logo);
            Sides(pages, invoice, style);
            Table(pages, invoice, style);
            Totals(pages, invoice, style);
            End(pages, invoice, style);
            pages.Number(PrintableText.Of(invoice.Title), style.Small, Style.Gray);
        }

        using var stream = new MemoryStream();
        document.Save(stream, closeStream: false);
        return stream.ToArray();
    }

    private static void Head(PdfPages pages, InvoiceDocument invoice, Style style, byte[]? logo)
    {
        var top = pages.At;
        if (logo is not null)
        {
            using var stream = new MemoryStream(logo, 0, logo.Length, writable: false, publiclyVisible: true);
            using var image = XImage.FromStream(stream);
            pages.Image(image, PdfPages.Left + PdfPages.Width, top, 150, 60);
        }

        pages.Row(new PdfCell(invoice.Title, PdfPages.Left, 330, style.Title, style.Accent));
        if (invoice.Status.Length > 0)
            pages.Row(new PdfCell(invoice.Status, PdfPages.Left, 330, style.Bold, Style.Black));
        pages.At = Math.Max(pages.At, logo is null ? 0 : top + 60) + 18;
    }

    /// <summary>Seller, buyer and facts beside each other.</summary>
    private static void Sides(PdfPages pages, InvoiceDocument invoice, Style style)
    {
        const double second = PdfPages.Left + 165;
        const double third = PdfPages.Left + 320;
        pages.Row(
            new PdfCell("FROM", PdfPages.Left, 150, style.Small, Style.Gray),
            new PdfCell("TO", second, 145, style.Small, Style.Gray)
        );
        var (seller, buyer) = (Documents.Sides.Of(invoice.Parties.Seller), Documents.Sides.Of(invoice.Parties.Buyer));
        pages.Row(
            new PdfCell(seller.Name, PdfPages.Left, 150, style.Bold, Style.Black),
            new PdfCell(buyer.Name, second, 145, style.Bold, Style.Black)
        );
        var (labels, values) = (new StringBuilder(), new StringBuilder());
        foreach (var fact in invoice.Facts)
        {
            var value = new PdfCell(fact.Value, third + 76, PdfPages.Left + PdfPages.Width - third - 76, style.Text, Style.Black);
            // A label stands beside the first line of its value.
            labels.Append(fact.Label).Append('\n', pages.CountLines(value));
            values.Append(fact.Value).Append('\n');
        }

        pages.Row(
            new PdfCell(string.Join('\n', seller.Lines), PdfPages.Left, 150, style.Text, Style.Black),
            new PdfCell(string.Join('\n', buyer.Lines), second, 145, style.Text, Style.Black),
            new PdfCell(labels.ToString().TrimEnd(), third, 72, style.Text, Style.Gray),
            new PdfCell(values.ToString().TrimEnd(), third + 76, PdfPages.Left + PdfPages.Width - third - 76, style.Text, Style.Black)
        );
        pages.Space(20);
    }

    private static void Table(PdfPages pages, InvoiceDocument invoice, Style style)
    {
        void Columns()
        {
            pages.Row(
                new PdfCell("Description", PdfPages.Left, Quantity - PdfPages.Left - 8, style.Bold, Style.Gray),
                new PdfCell("Quantity", Quantity, Unit - Quantity - 8, style.Bold, Style.Gray, IsRight: true),
                new PdfCell("Unit", Unit, Amount - Unit - 4, style.Bold, Style.Gray),
                new PdfCell(
                    $"Amount {invoice.Currency}",
                    Amount,
                    PdfPages.Left + PdfPages.Width - Amount,
                    style.Bold,
                    Style.Gray,
                    IsRight: true
                )
            );
            pages.Rule(style.AccentColor, 1.2);
        }

        pages.Keep(60);
        Columns();
        pages.Head = Columns;
        foreach (var line in invoice.Lines)
            Line(pages, line, style);
        if (invoice.Lines.Count == 0)
            pages.Row(new PdfCell("Nothing is charged.", PdfPages.Left, PdfPages.Width, style.Text, Style.Black));
        pages.Head = null;
    }

    private static void Line(PdfPages pages, DocumentLine line, Style style)
    {
        // A name at the foot of a page, its figures on the next one, is hard to read.
        pages.Keep(30);
        pages.Row(
            new PdfCell(line.Name, PdfPages.Left, Quantity - PdfPages.Left - 8, style.Bold, Style.Black),
            new PdfCell(line.Quantity, Quantity, Unit - Quantity - 8, style.Text, Style.Black, IsRight: true),
            new PdfCell(line.Unit, Unit, Amount - Unit - 4, style.Text, Style.Black),
            new PdfCell(line.Amount, Amount, PdfPages.Left + PdfPages.Width - Amount, style.Text, Style.Black, IsRight: true)
        );
        foreach (var detail in line.Details)
            pages.Row(new PdfCell(detail, PdfPages.Left, Quantity - PdfPages.Left - 8, style.Small, Style.Gray));
        foreach (var step in line.Steps)
        {
            var left = PdfPages.Left + (Indent * (1 + Math.Min(step.Depth, 8)));
            pages.Row(
                new PdfCell(step.Label, left, Quantity - left - 30, style.Small, Style.Gray),
                new PdfCell(step.Arithmetic, Quantity - 25, Amount - Quantity + 17, style.Small, Style.Gray, IsRight: true),
                new PdfCell(step.Amount, Amount, PdfPages.Left + PdfPages.Width - Amount, style.Small, Style.Gray, IsRight: true)
            );
        }

        pages.Space(3);
        pages.Rule(Style.Light, 0.5);
    }

    private static void Totals(PdfPages pages, InvoiceDocument invoice, Style style)
    {
        const double left = PdfPages.Left + 230;
        pages.Space(8);
        pages.Keep(Math.Min(invoice.Totals.Count, 12) * 15);
        foreach (var total in invoice.Totals)
            pages.Row(
                new PdfCell(total.Label, left, 160, total.IsStrong ? style.Bold : style.Text, total.IsStrong ? style.Accent : Style.Black),
                new PdfCell(
                    total.Amount,
                    left + 160,
                    PdfPages.Width - 390,
                    total.IsStrong ? style.Bold : style.Text,
                    total.IsStrong ? style.Accent : Style.Black,
                    IsRight: true
                )
            );
    }

    private static void End(PdfPages pages, InvoiceDocument invoice, Style style)
    {
        if (invoice.Parties.Note is { } note)
        {
            pages.Space(20);
            pages.Row(new PdfCell(note, PdfPages.Left, PdfPages.Width, style.Text, Style.Black));
        }

        if (invoice.Parties.Footer is { } footer)
        {
            pages.Space(20);
            pages.Row(new PdfCell(footer, PdfPages.Left, PdfPages.Width, style.Small, Style.Gray));
        }

        pages.Space(14);
        pages.Row(new PdfCell(invoice.Certificate, PdfPages.Left, PdfPages.Width, style.Tiny, Style.Gray));
    }

    private sealed class Style
    {
        public static readonly XColor Light = XColor.FromArgb(0xd0, 0xd7, 0xde);
        public static readonly XBrush Black = new XSolidBrush(XColor.FromArgb(0x1b, 0x1f, 0x24));
        public static readonly XBrush Gray = new XSolidBrush(XColor.FromArgb(0x57, 0x60, 0x6a));

        public Style(string accent)
        {
            var rgb = int.Parse(accent.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            AccentColor = XColor.FromArgb((rgb >> 16) & 0xff, (rgb >> 8) & 0xff, rgb & 0xff);
            Accent = new XSolidBrush(AccentColor);
        }

        public XColor AccentColor { get; }

        public XBrush Accent { get; }

        public XFont Title { get; } = Font(18, bold: true);

        public XFont Bold { get; } = Font(8.5, bold: true);

        public XFont Text { get; } = Font(8.5);

        public XFont Small { get; } = Font(7);

        public XFont Tiny { get; } = Font(5.5);

        private static XFont Font(double size, bool bold = false) =>
            new(PrintFonts.Family, size, bold ? XFontStyleEx.Bold : XFontStyleEx.Regular, new XPdfFontOptions(PdfFontEncoding.Unicode));
    }
}
