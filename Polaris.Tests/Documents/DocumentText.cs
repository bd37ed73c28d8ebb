using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using CsvHelper;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.GraphQL;
using UglyToad.PdfPig;
using Xunit;

namespace Polaris.Tests.Documents;

/// <summary>
/// Reads documents back: the text out of a PDF by another library than the one that wrote it, the text of an HTML page, the cells of a CSV;
/// and compares their figures with those that GraphQL answers.
/// </summary>
internal static partial class DocumentText
{
    /// <summary>Each page's text in the order in which it was drawn, without white space.</summary>
    public static string[] OfPdf(byte[] pdf)
    {
        using var document = PdfDocument.Open(pdf);
        return [.. document.GetPages().Select(page => Dense(string.Concat(page.Letters.Select(letter => letter.Value))))];
    }

    /// <summary>The page's text without tags and white space.</summary>
    public static string OfHtml(byte[] html)
    {
        var body = Style().Replace(Encoding.UTF8.GetString(html), "");
        return Dense(WebUtility.HtmlDecode(Tag().Replace(body, "")));
    }

    public static Dictionary<string, string>[] OfCsv(byte[] csv)
    {
        using var reader = new CsvReader(new StringReader(Encoding.UTF8.GetString(csv)), CultureInfo.InvariantCulture);
        Assert.True(reader.Read() && reader.ReadHeader());
        var rows = new List<Dictionary<string, string>>();
        while (reader.Read())
            rows.Add(reader.HeaderRecord!.ToDictionary(column => column, column => reader.GetField(column)!));
        return [.. rows];
    }

    /// <summary>
    /// Every figure of the answer is in both documents, in its order: of each line its quantity and amount, of each step its arithmetic and
    /// amount; then the sums. The CSV has each line's exact values.
    /// </summary>
    public static async Task AssertShowsAsync(DocumentSource source, FigureStyle style = FigureStyle.Point)
    {
        var answer = InvoiceType.Of(source.Invoice);
        var (pdf, html) = (string.Concat(OfPdf(PdfInvoice.Render(source))), OfHtml(await HtmlDocument.RenderAsync(source)));
        foreach (var text in (string[])[pdf, html])
        {
            var at = text.IndexOf("Amount" + answer.Currency, StringComparison.Ordinal);
            Assert.True(at > 0, text);
            foreach (var figure in Figures(answer, style))
            {
                var found = text.IndexOf(figure, at, StringComparison.Ordinal);
                Assert.True(found >= 0, $"{figure} is not in {text[at..]}");
                at = found + figure.Length;
            }
        }

        var rows = OfCsv(CsvDocument.Render(source));
        Assert.Equal(answer.Lines.Count, rows.Length);
        Assert.Equal(
            answer.Lines.Select(line => (line.Quantity, line.Amount, line.EventCount)),
            rows.Select(row =>
                (Number(row["quantity"]), Number(row["amount"]), long.Parse(row["event_count"], CultureInfo.InvariantCulture))
            )
        );
        Assert.Equal(answer.Tax, rows.Sum(row => Number(row["tax"])));
    }

    private static IEnumerable<string> Figures(InvoiceType answer, FigureStyle style)
    {
        foreach (var line in answer.Lines)
        {
            if (line.Meter is not null)
                yield return Written(line.Quantity, 0, style);
            yield return Written(line.Amount, 2, style);
            foreach (var step in line.Explanation.SelectMany(step => OfStep(step, style)))
                yield return step;
        }

        yield return Written(answer.Subtotal, 2, style);
        if (answer.Tax != 0)
            yield return Written(answer.Tax, 2, style);
        yield return Written(answer.Total, 2, style);
    }

    private static IEnumerable<string> OfStep(ExplanationStepType step, FigureStyle style)
    {
        // A long one goes on in the next line, behind the figures.
        yield return Dense(step.Label)[..Math.Min(20, Dense(step.Label).Length)];
        if (step.Children.Count == 0)
            yield return $"{Written(step.Quantity, 0, style)}×{Written(step.UnitPrice, 0, style)}"
                + (step.Divisor == 1 ? "" : $"÷{Written(step.Divisor, 0, style)}");
        yield return Written(step.Amount, 2, style);
        foreach (var child in step.Children.SelectMany(child => OfStep(child, style)))
            yield return child;
    }

    /// <summary>By .NET's own formatting, not by the code that is tested; of currencies with two decimal places.</summary>
    public static string Written(decimal value, int places, FigureStyle style)
    {
        var text = value.ToString("#,##0." + new string('0', places) + new string('#', 28 - places), CultureInfo.InvariantCulture);
        var (group, point) = style switch
        {
            FigureStyle.Point => (",", "."),
            FigureStyle.Comma => (".", ","),
            FigureStyle.Space => ("", ","),
            FigureStyle.Apostrophe => ("'", "."),
            _ => ("", "."),
        };
        return text.Replace(',', '\u0001').Replace(".", point, StringComparison.Ordinal).Replace("\u0001", group, StringComparison.Ordinal);
    }

    public static string Dense(string text) => string.Concat(text.Where(character => !char.IsWhiteSpace(character)));

    private static decimal Number(string text) => decimal.Parse(text, NumberStyles.Number, CultureInfo.InvariantCulture);

    [GeneratedRegex("<style>.*?</style>", RegexOptions.Singleline)]
    private static partial Regex Style();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();
}
