using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Settings;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Documents;

/// <summary>What documents look like, whoever wrote what is in them.</summary>
public sealed class DocumentFormatTests
{
    [Fact]
    public async Task An_invoice_of_a_thousand_lines_is_whole_on_numbered_pages()
    {
        var source = MadeInvoice.Of(1_000).Source(MadeInvoice.Everything());
        await DocumentText.AssertShowsAsync(source);
        var pages = DocumentText.OfPdf(PdfInvoice.Render(source));
        Assert.InRange(pages.Length, 20, 100);
        for (var i = 0; i < pages.Length; i++)
            Assert.Contains($"INV-00000007Page{i + 1}of{pages.Length}", pages[i], StringComparison.Ordinal);
        // Each page says what its columns are.
        Assert.All(pages[..^1], page => Assert.Contains("DescriptionQuantityUnitAmountEUR", page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(FigureStyle.Point)]
    [InlineData(FigureStyle.Comma)]
    [InlineData(FigureStyle.Space)]
    [InlineData(FigureStyle.Apostrophe)]
    [InlineData(FigureStyle.Plain)]
    public async Task Figures_are_written_as_the_org_writes_them(FigureStyle style)
    {
        var invoice = MadeInvoice.Of(1);
        invoice.Lines[0].Quantity = 1_234_567.000_5m;
        invoice.Lines[0].Amount = invoice.Total = -1_234_567.8m;
        await DocumentText.AssertShowsAsync(invoice.Source(MadeInvoice.Everything(style)), style);
    }

    [Theory]
    [InlineData("0", 2, "0.00")]
    [InlineData("-0.005", 2, "-0.005")]
    [InlineData("1000", 0, "1,000")]
    [InlineData("-1000.5", 2, "-1,000.50")]
    [InlineData("79228162514264337593543950335", 0, "79,228,162,514,264,337,593,543,950,335")]
    [InlineData("0.0000000000000000000000000001", 3, "0.0000000000000000000000000001")]
    public void A_figure_has_all_its_digits(string value, int places, string written) =>
        Assert.Equal(written, Figures.Text(decimal.Parse(value, CultureInfo.InvariantCulture), FigureStyle.Point, places));

    [Fact]
    public async Task Seller_buyer_terms_and_notes_are_on_both()
    {
        var source = MadeInvoice.Of(3).Source(MadeInvoice.Everything());
        var (pdf, html) = (
            string.Concat(DocumentText.OfPdf(PdfInvoice.Render(source))),
            DocumentText.OfHtml(await HtmlDocument.RenderAsync(source))
        );
        string[] said =
        [
            "Polaris Metering GmbH",
            "Sternstraße 7",
            "50667 Köln",
            "Tax id: DE123456789",
            "billing@polaris.example",
            "Ακμή",
            "105 57 Αθήνα",
            "Tax id: EL987654321",
            "Issued",
            "2026-04-01",
            "2026-03-01 to 2026-03-31",
            "2026-04-15",
            "Please pay to DE89 3704 0044 0532 0130 00.",
            "HRB 12345, Köln",
            new string('b', 64),
        ];
        Assert.All(said, text => Assert.Contains(DocumentText.Dense(text), html, StringComparison.Ordinal));
        // In the PDF, what stands beside each other is drawn row by row; a long fact is broken.
        Assert.All(
            said.SelectMany(text => text.Length == 64 ? [text[..20]] : text.Split(' ')),
            text => Assert.Contains(text, pdf, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(InvoiceStatusText.Draft, "DRAFT", "anotinvoiceyet")]
    [InlineData(InvoiceStatusText.Paid, "INV-00000007", "Paid")]
    [InlineData(InvoiceStatusText.Void, "INV-00000007", "Void")]
    public async Task Only_a_final_invoice_passes_for_one(string status, string title, string said)
    {
        var source = MadeInvoice.Of(2, status: status).Source();
        var (pdf, html) = (
            string.Concat(DocumentText.OfPdf(PdfInvoice.Render(source))),
            DocumentText.OfHtml(await HtmlDocument.RenderAsync(source))
        );
        Assert.All(
            (string[])[pdf, html],
            text =>
            {
                Assert.Contains(title, text, StringComparison.Ordinal);
                Assert.Contains(said == "anotinvoiceyet" ? "notaninvoiceyet" : said, text, StringComparison.Ordinal);
                Assert.EndsWith(
                    status == InvoiceStatusText.Draft ? "3.75" : "0.00",
                    text[..text.IndexOf("Certificate", StringComparison.Ordinal)],
                    StringComparison.Ordinal
                );
            }
        );
        if (status == InvoiceStatusText.Draft)
            Assert.DoesNotContain("INV-", pdf + html, StringComparison.Ordinal);
    }

    public static readonly TheoryData<string> HostileTexts =
    [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{ doc.title }}{% for i in (1..9) %}x{% endfor %}",
        "=cmd|' /C calc'!A0",
        "\t=1+1",
        "שלום עולם 123",
        "مرحبا بالعالم",
        "\u202egnp.exe\u202c",
        "👩‍👩‍👧 émoji 🇩🇪",
        "漢字かな",
        "a\u0301\u0302\u0303\u0304\u0305",
        "a,\"b\"\r\nc;d",
        "\u0001\u001b[31m\uffff\ufffe",
        "𝕊𝕦𝕣𝕣𝕠𝕘𝕒𝕥𝕖",
        "(\\) Tj ET endstream",
        new string('W', 255),
    ];

    [Theory]
    [MemberData(nameof(HostileTexts))]
    public async Task Hostile_texts_are_texts(string text)
    {
        var party = new Party(text, new PostalAddress(text, text, text, text[..Math.Min(text.Length, 9)], text, "DE"), text, text);
        var invoice = MadeInvoice.Of(1, text);
        invoice.CustomerKey = text;
        var source = invoice.Source(new InvoiceParties(party, party, 30, text, text, null));

        var html = Encoding.UTF8.GetString(await HtmlDocument.RenderAsync(source));
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(DocumentText.Dense(text), DocumentText.OfHtml(Encoding.UTF8.GetBytes(html)), StringComparison.Ordinal);

        // What the fonts do not have is missed, and nothing else.
        var pdf = string.Concat(DocumentText.OfPdf(PdfInvoice.Render(source)));
        Assert.Contains("1×1.25", pdf, StringComparison.Ordinal);
        if (text.All(char.IsAscii) && !text.Any(char.IsControl))
            Assert.Contains(DocumentText.Dense(text)[..Math.Min(20, DocumentText.Dense(text).Length)], pdf, StringComparison.Ordinal);
        Assert.Equal(
            PrintableText.Of(text).Contains(PrintableText.Missing, StringComparison.Ordinal),
            pdf.Contains(PrintableText.Missing, StringComparison.Ordinal)
        );

        var csv = CsvDocument.Render(source);
        var row = Assert.Single(DocumentText.OfCsv(csv));
        foreach (var column in (string[])["customer", "customer_name", "customer_tax_id", "name", "meter"])
        {
            Assert.DoesNotContain(row[column].TrimStart() is [var first, ..] ? first : 'x', "=+-@");
            Assert.EndsWith(text, row[column], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("-5", "'-5")]
    [InlineData("  =1", "'  =1")]
    [InlineData("＝1", "'＝1")]
    [InlineData("@a", "'@a")]
    [InlineData("a=1", "a=1")]
    [InlineData("", "")]
    public void A_formula_in_a_text_is_defused(string text, string cell) => Assert.Equal(cell, CsvDocument.Safe(text));

    [Fact]
    public void A_negative_amount_stays_a_number()
    {
        var invoice = MadeInvoice.Of(1);
        invoice.Lines[0].Amount = -5.50m;
        Assert.Equal("-5.50", DocumentText.OfCsv(CsvDocument.Render(invoice.Source()))[0]["amount"]);
    }

    [Theory]
    [InlineData("€ ß Ж λ ⅝ — “q”", true)]
    [InlineData("א", false)]
    [InlineData("漢", false)]
    [InlineData("م", false)]
    [InlineData("\u0007", false)]
    public void Text_that_cannot_be_printed_is_missed(string text, bool printable)
    {
        var missing = PrintableText.Of(text).Contains(PrintableText.Missing, StringComparison.Ordinal);
        Assert.Equal(printable, !missing);
    }

    [Fact]
    public void A_logo_is_a_picture_of_bounded_size()
    {
        var png = Png(40, 10);
        Assert.Equal("image/png", Logo.Read("logo", Convert.ToBase64String(png)).Type);
        Assert.NotEmpty(PdfInvoice.Render(MadeInvoice.Of(1).Source(logo: png)));
        Assert.Equal("image/jpeg", Logo.Read("logo", Jpeg).Type);

        Assert.Equal("invalid_logo", RuleOf("not base64!"));
        Assert.Equal("invalid_logo", RuleOf(""));
        Assert.Equal("invalid_logo", RuleOf(Convert.ToBase64String("<svg xmlns='http://www.w3.org/2000/svg'/>"u8)));
        Assert.Equal("invalid_logo", RuleOf(Convert.ToBase64String(png.AsSpan(0, 40))));
        Assert.Equal("invalid_logo", RuleOf(Convert.ToBase64String([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0])));
        Assert.Equal("out_of_range", RuleOf(Convert.ToBase64String(Header(Logo.MaxPixels + 1, 1))));
        Assert.Equal("out_of_range", RuleOf(Convert.ToBase64String(Header(1, int.MaxValue))));
        Assert.Equal("out_of_range", RuleOf(Convert.ToBase64String(Header(0, 1))));

        // At the very edge of the size.
        Assert.Equal(Logo.MaxBytes, Logo.Read("logo", Convert.ToBase64String(Filled(png, Logo.MaxBytes))).Data.Length);
        Assert.Equal("too_large", RuleOf(Convert.ToBase64String(Filled(png, Logo.MaxBytes + 1))));

        static string RuleOf(string base64) => Assert.Throws<RefusedException>(() => Logo.Read("logo", base64)).Refusal.Code;

        static byte[] Filled(byte[] file, int length)
        {
            Array.Resize(ref file, length);
            return file;
        }

        static byte[] Header(int width, int height)
        {
            var file = Png(1, 1);
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(16), width);
            BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(20), height);
            return file;
        }
    }

    [Fact]
    public async Task One_orgs_PDFs_keep_no_other_org_from_its_turn()
    {
        using var queue = new PrintQueue();
        var (busy, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var printing = new ManualResetEventSlim();
        var order = new List<string>();
        Task<byte[]> Print(Guid org, string name) =>
            Task.Run(() =>
                queue.PrintAsync(
                    org,
                    () =>
                    {
                        printing.Wait();
                        order.Add(name);
                        return [];
                    },
                    default
                )
            );
        var waiting = Enumerable.Range(0, PrintQueue.MaxOfOrg).Select(_ => Print(busy, "busy")).ToArray();
        while (queue.CountOf(busy) < PrintQueue.MaxOfOrg)
            await Task.Yield();
        var refused = await Assert.ThrowsAsync<RefusedException>(() => Print(busy, "more").WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal((RefusalKind.TooMany, "too_many_requests"), (refused.Refusal.Kind, refused.Refusal.Code));
        var others = Print(other, "other");
        printing.Set();
        await Task.WhenAll([.. waiting, others]);
        Assert.Equal(PrintQueue.MaxOfOrg + 1, order.Count);
        // Who had their turn may come again.
        await Print(busy, "again");
        Assert.Equal(0, queue.CountOf(busy));
    }

    /// <summary>Eight pixels high.</summary>
    private const string Jpeg =
        "/9j/4AAQSkZJRgABAQEAAAAAAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/"
        + "2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wAARCAAIAAYDASIAAhEBAxEB/8QA"
        + "HwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkK"
        + "FhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXG"
        + "x8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAEC"
        + "AxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOE"
        + "hYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD2eXSLDVbo"
        + "S6npunXbqm1XltFZgM9Mtnjk8e9FFFVzNdRWT6H/2Q==";

    /// <summary>A picture of one colour.</summary>
    internal static byte[] Png(int width, int height)
    {
        var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        Chunk("IHDR", header);
        using var pixels = new MemoryStream();
        using (var packed = new ZLibStream(pixels, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var y = 0; y < height; y++)
            {
                packed.WriteByte(0);
                for (var x = 0; x < width; x++)
                    packed.Write([0x1f, 0x4e, 0x79]);
            }
        }

        Chunk("IDAT", pixels.ToArray());
        Chunk("IEND", []);
        return file.ToArray();

        void Chunk(string kind, byte[] data)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
            file.Write(number);
            byte[] body = [.. Encoding.ASCII.GetBytes(kind), .. data];
            file.Write(body);
            BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
            file.Write(number);
        }

        static uint Crc(byte[] data)
        {
            var crc = 0xffffffff;
            foreach (var one in data)
            {
                crc ^= one;
                for (var i = 0; i < 8; i++)
                    crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xedb88320 : crc >> 1;
            }

            return ~crc;
        }
    }
}

internal static class InvoiceStatusText
{
    public const string Draft = "draft";
    public const string Paid = "paid";
    public const string Void = "void";
}
