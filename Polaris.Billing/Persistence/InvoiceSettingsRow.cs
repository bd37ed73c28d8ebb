using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

/// <summary>What an org's invoices say of the org, and how they look. An org that never stated it has no row.</summary>
public sealed class InvoiceSettingsRow
{
    public Guid OrgId { get; set; }
    public string? LegalName { get; set; }

    /// <summary>JSON of a <see cref="PostalAddress"/>.</summary>
    public string? Address { get; set; }

    public string? TaxId { get; set; }
    public string? Email { get; set; }

    /// <summary>Days from finalization until an invoice is due; null when no date is printed.</summary>
    public int? PaymentDays { get; set; }

    /// <summary>Printed below the total, such as how to pay.</summary>
    public string? Note { get; set; }

    /// <summary>Printed at the bottom, such as a company's register entry.</summary>
    public string? Footer { get; set; }

    /// <summary>#rrggbb in lower case; null for the default.</summary>
    public string? AccentColor { get; set; }

    /// <summary>How figures are written: the name of a <see cref="FigureStyle"/>; null for the default.</summary>
    public string? Figures { get; set; }

    /// <summary>A PNG or JPEG file.</summary>
    public byte[]? Logo { get; set; }

    /// <summary>image/png or image/jpeg.</summary>
    public string? LogoType { get; set; }

    /// <summary>Of the page of an invoice, in Liquid; null for the built-in one.</summary>
    public string? Template { get; set; }

    public Instant UpdatedAt { get; set; }
}
