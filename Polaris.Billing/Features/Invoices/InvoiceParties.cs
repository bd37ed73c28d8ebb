using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Somebody who is named on an invoice; what is not known is null.</summary>
public sealed record Party(string? Name, PostalAddress? Address, string? TaxId, string? Email);

/// <summary>
/// Who bills whom, on what terms and in which form. As stored in <see cref="InvoiceRow.Document"/> it is what a final invoice says for
/// ever.
/// </summary>
public sealed record InvoiceParties(
    Party Seller,
    Party Buyer,
    int? PaymentDays,
    string? Note,
    string? Footer,
    string? AccentColor,
    FigureStyle Figures = FigureStyle.Point
)
{
    private static readonly JsonSerializerOptions Stored = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>
    /// Writes the parties of invoices that are being finalized into them, in the caller's transaction: any number in one statement. It has
    /// to name what the properties above are called in JSON.
    /// </summary>
    public static Task FreezeAsync(BillingDbContext db, Guid org, Guid[] invoices, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            UPDATE invoices SET document = named.document
            FROM (
              SELECT invoice.id, jsonb_strip_nulls(jsonb_build_object(
                'seller', jsonb_build_object(
                  'name', seller.legal_name, 'address', seller.address, 'taxId', seller.tax_id, 'email', seller.email),
                'buyer', jsonb_build_object('name', coalesce(buyer.name, invoice.customer_key),
                  'address', buyer.address, 'taxId', buyer.tax_id, 'email', buyer.email),
                'paymentDays', seller.payment_days, 'note', seller.note, 'footer', seller.footer,
                'accentColor', seller.accent_color, 'figures', seller.figures)) AS document
              FROM invoices AS invoice
              LEFT JOIN customers AS buyer ON buyer.org_id = invoice.org_id AND buyer.key = invoice.customer_key
              LEFT JOIN invoice_settings AS seller ON seller.org_id = invoice.org_id
              WHERE invoice.org_id = {org} AND invoice.id = ANY ({invoices})
            ) AS named
            WHERE invoices.org_id = {org} AND invoices.id = named.id
            """,
            ct
        );

    /// <summary>Those of the invoice: as they were when it was finalized, else as they are now.</summary>
    public static async Task<InvoiceParties> ReadAsync(BillingDbContext db, InvoiceRow invoice, CancellationToken ct)
    {
        if (invoice.Document is { } document)
            return JsonSerializer.Deserialize<InvoiceParties>(document, Stored)!;
        var seller = await db
            .InvoiceSettings.AsNoTracking()
            .Select(row => new
            {
                row.LegalName,
                row.Address,
                row.TaxId,
                row.Email,
                row.PaymentDays,
                row.Note,
                row.Footer,
                row.AccentColor,
                row.Figures,
            })
            .SingleOrDefaultAsync(ct);
        var buyer = await db.Customers.AsNoTracking().SingleOrDefaultAsync(row => row.Key == invoice.CustomerKey, ct);
        return new InvoiceParties(
            new Party(seller?.LegalName, StatedParty.Address(seller?.Address), seller?.TaxId, seller?.Email),
            new Party(buyer?.Name ?? invoice.CustomerKey, StatedParty.Address(buyer?.Address), buyer?.TaxId, buyer?.Email),
            seller?.PaymentDays,
            seller?.Note,
            seller?.Footer,
            seller?.AccentColor,
            seller?.Figures is { } figures ? Enum.Parse<FigureStyle>(figures) : FigureStyle.Point
        );
    }
}
