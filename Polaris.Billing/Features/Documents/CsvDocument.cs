using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using NodaTime.Text;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Documents;

/// <summary>
/// An invoice as CSV (RFC 4180, UTF-8): a row a line, the invoice's own fields repeated in each. Numbers are exact and plain, whatever the
/// org's figures look like, and sum to the total. A text that a spreadsheet would take for a formula begins with an apostrophe.
/// </summary>
internal static class CsvDocument
{
    private static readonly string[] Columns =
    [
        "invoice_id",
        "number",
        "status",
        "customer",
        "customer_name",
        "customer_tax_id",
        "currency",
        "period_start",
        "period_end",
        "issued",
        "due",
        "ordinal",
        "kind",
        "charge",
        "name",
        "meter",
        "quantity",
        "amount",
        "tax",
        "span_start",
        "span_end",
        "adjusts_invoice_id",
        "adjusts_number",
        "event_count",
    ];

    public static byte[] Render(DocumentSource source)
    {
        var (invoice, parties) = (source.Invoice, source.Parties);
        var (issued, due) = InvoiceDocument.DatesOf(invoice, parties, source.Zone);
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (
            var csv = new CsvWriter(
                text,
                new CsvConfiguration(CultureInfo.InvariantCulture) { NewLine = "\r\n", InjectionOptions = InjectionOptions.None }
            )
        )
        {
            foreach (var column in Columns)
                csv.WriteField(column);
            csv.NextRecord();
            foreach (var line in invoice.Lines)
            {
                string?[] fields =
                [
                    invoice.Id.ToString(),
                    invoice.Status == InvoiceStatuses.Draft ? "" : Safe(invoice.Number),
                    invoice.Status,
                    Safe(invoice.CustomerKey),
                    Safe(parties.Buyer.Name),
                    Safe(parties.Buyer.TaxId),
                    invoice.Currency,
                    InstantPattern.ExtendedIso.Format(invoice.PeriodStart),
                    InstantPattern.ExtendedIso.Format(invoice.PeriodEnd),
                    issued is { } date ? LocalDatePattern.Iso.Format(date) : "",
                    due is { } day ? LocalDatePattern.Iso.Format(day) : "",
                    line.Ordinal.ToString(CultureInfo.InvariantCulture),
                    line.Kind,
                    Safe(line.Charge),
                    Safe(line.Name),
                    Safe(line.Meter),
                    InvoiceRows.Text(line.Quantity),
                    InvoiceRows.Text(line.Amount),
                    InvoiceRows.Text(line.Tax),
                    line.SpanStart is { } from ? InstantPattern.ExtendedIso.Format(from) : "",
                    line.SpanEnd is { } to ? InstantPattern.ExtendedIso.Format(to) : "",
                    line.AdjustsInvoiceId?.ToString(),
                    line.AdjustsInvoiceId is null ? "" : Safe(line.AdjustsNumber),
                    line.EventCount.ToString(CultureInfo.InvariantCulture),
                ];
                foreach (var field in fields)
                    csv.WriteField(field);
                csv.NextRecord();
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>
    /// The library would do the same to every field, and a negative amount is no formula. Spreadsheets skip white space before a formula,
    /// and read full-width signs as well.
    /// </summary>
    internal static string Safe(string? value) =>
        string.IsNullOrEmpty(value) ? ""
        : value.AsSpan().TrimStart() is [var first, ..] && "=+-@＝＋－＠|%".Contains(first, StringComparison.Ordinal)
        || value[0] is '\t' or '\r' or '\n'
            ? "'" + value
        : value;
}
