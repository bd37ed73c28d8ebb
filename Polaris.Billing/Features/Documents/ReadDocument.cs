using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.Plans.V1;

namespace Polaris.Billing.Features.Documents;

/// <summary>An invoice with all that its documents are made of.</summary>
/// <param name="Version">Changes whenever a document of it would.</param>
internal sealed record DocumentSource(
    InvoiceRow Invoice,
    InvoiceParties Parties,
    DateTimeZone Zone,
    IReadOnlyDictionary<string, string> MeterNames,
    byte[]? Logo,
    string? LogoType,
    string? Template,
    string Version
)
{
    public InvoiceDocument ToDocument() => InvoiceDocument.Of(Invoice, Parties, Zone, MeterNames);
}

/// <summary>Reads what an invoice's documents are made of.</summary>
internal sealed class ReadDocument(BillingDbContext db)
{
    /// <summary>Raised when documents come to look different, so that nobody keeps an old one.</summary>
    private const int Look = 1;

    /// <param name="id">The invoice.</param>
    /// <param name="customer">Who asks: a customer sees its own final invoices; null for the org, which sees all of its own.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Null when there is no such invoice, or none for this customer.</returns>
    public Task<DocumentSource?> FindAsync(Guid id, string? customer, CancellationToken ct) =>
        db.InTransactionAsync(token => ReadAsync(id, customer, token), ct);

    private async Task<DocumentSource?> ReadAsync(Guid id, string? customer, CancellationToken ct)
    {
        var invoice = await db
            .Invoices.AsNoTracking()
            .Include(row => row.Lines.OrderBy(line => line.Ordinal))
            .SingleOrDefaultAsync(row => row.Id == id, ct);
        if (invoice is null || (customer is not null && (invoice.CustomerKey != customer || invoice.Status == InvoiceStatuses.Draft)))
            return null;
        var parties = await InvoiceParties.ReadAsync(db, invoice, ct);
        var zone = await db
            .Subscriptions.Where(row => row.Id == invoice.SubscriptionId)
            .Select(row => row.TimeZone)
            .SingleOrDefaultAsync(ct);
        var logo = await db
            .InvoiceSettings.AsNoTracking()
            .Select(row => new
            {
                row.Logo,
                row.LogoType,
                row.Template,
            })
            .SingleOrDefaultAsync(ct);
        var keys = invoice.Lines.Select(line => line.Meter).OfType<string>().Distinct().ToArray();
        var meters = await db.Meters.AsNoTracking().Where(row => keys.Contains(row.Key)).ToListAsync(ct);
        var names = meters.ToDictionary(
            row => row.Key,
            row => Meter.Parser.ParseFrom(row.Message).Name is { Length: > 0 } name ? name : row.Key
        );
        return new DocumentSource(
            invoice,
            parties,
            DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone ?? "UTC") ?? DateTimeZone.Utc,
            names,
            logo?.Logo,
            logo?.LogoType,
            logo?.Template,
            VersionOf(invoice, parties, names, logo?.Logo, logo?.Template)
        );
    }

    /// <summary>Of the result hash and the status, and of what else is printed.</summary>
    private static string VersionOf(
        InvoiceRow invoice,
        InvoiceParties parties,
        Dictionary<string, string> names,
        byte[]? logo,
        string? template
    )
    {
        var parts = string.Join(
            '\n',
            Look.ToString(CultureInfo.InvariantCulture),
            invoice.ResultHash,
            invoice.Status,
            invoice.Number,
            invoice.FinalizedAt,
            InvoiceRows.Text(invoice.AmountDue),
            InvoiceRows.Text(invoice.Credited),
            InvoiceRows.Text(invoice.AmountPaid),
            parties,
            string.Join('\n', names.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}")),
            logo is null ? "" : Convert.ToHexString(SHA256.HashData(logo)),
            template
        );
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(parts)).AsSpan(0, 16));
    }
}
