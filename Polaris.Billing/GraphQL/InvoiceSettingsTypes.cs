using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Features.Settings;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>What the org's invoices say of the org, and how they look. Final invoices keep theirs, but for the logo.</summary>
/// <param name="LegalName">The seller's name.</param>
/// <param name="Address">The seller's address.</param>
/// <param name="TaxId">The seller's tax id.</param>
/// <param name="Email">Where the seller is asked about invoices.</param>
/// <param name="PaymentDays">Days from finalization until an invoice is due; null when none is printed.</param>
/// <param name="Note">Printed below the total, such as how to pay.</param>
/// <param name="Footer">Printed at the end, such as a register entry.</param>
/// <param name="AccentColor">Of headings and rules, as #rrggbb; null for the default.</param>
/// <param name="Figures">How figures are written.</param>
/// <param name="Logo">Printed at the top.</param>
/// <param name="Template">The page of an invoice in Liquid; null for the built-in one.</param>
/// <param name="UpdatedAt">The last change; null when nothing was ever stated.</param>
[Name("InvoiceSettings")]
public sealed record InvoiceSettingsType(
    string? LegalName,
    PostalAddressType? Address,
    string? TaxId,
    string? Email,
    int? PaymentDays,
    string? Note,
    string? Footer,
    string? AccentColor,
    FigureStyle Figures,
    InvoiceLogoType? Logo,
    string? Template,
    Instant? UpdatedAt
)
{
    internal static InvoiceSettingsType Of(InvoiceSettingsRow row) =>
        new(
            row.LegalName,
            PostalAddressType.Of(StatedParty.Address(row.Address)),
            row.TaxId,
            row.Email,
            row.PaymentDays,
            row.Note,
            row.Footer,
            row.AccentColor,
            row.Figures is { } figures ? Enum.Parse<FigureStyle>(figures) : FigureStyle.Point,
            row is { Logo: { } logo, LogoType: { } type } ? new InvoiceLogoType(type, logo.Length, Convert.ToBase64String(logo)) : null,
            row.Template,
            row.UpdatedAt == default ? null : row.UpdatedAt
        );
}

/// <summary>A picture on invoices.</summary>
/// <param name="ContentType">image/png or image/jpeg.</param>
/// <param name="Bytes">The file's size.</param>
/// <param name="Data">The file, in base64.</param>
[Name("InvoiceLogo")]
public sealed record InvoiceLogoType(string ContentType, int Bytes, string Data);

/// <summary>A field that is left out stays as it is; null clears it.</summary>
[Name("UpdateInvoiceSettingsInput")]
public sealed class UpdateInvoiceSettingsInput
{
    private Change<string?> legalName;
    private Change<PostalAddressInput?> address;
    private Change<string?> taxId;
    private Change<string?> email;
    private Change<int?> paymentDays;
    private Change<string?> note;
    private Change<string?> footer;
    private Change<string?> accentColor;
    private Change<FigureStyle?> figures;
    private Change<string?> logo;
    private Change<string?> template;

    /// <summary>The seller; at most 255 characters.</summary>
    public string? LegalName
    {
        get => legalName.Value;
        set => legalName = new(value);
    }

    /// <summary>The seller's address. It is replaced as a whole.</summary>
    public PostalAddressInput? Address
    {
        get => address.Value;
        set => address = new(value);
    }

    /// <summary>The seller's tax id; at most 64 characters.</summary>
    public string? TaxId
    {
        get => taxId.Value;
        set => taxId = new(value);
    }

    /// <summary>Where the seller is asked about invoices; at most 254 characters.</summary>
    public string? Email
    {
        get => email.Value;
        set => email = new(value);
    }

    /// <summary>Days from finalization until an invoice is due, 0 to 365. Null: no date is printed.</summary>
    public int? PaymentDays
    {
        get => paymentDays.Value;
        set => paymentDays = new(value);
    }

    /// <summary>Printed below the total, such as how to pay; at most 2,000 characters on 40 lines.</summary>
    public string? Note
    {
        get => note.Value;
        set => note = new(value);
    }

    /// <summary>Printed at the end, such as a register entry; at most 2,000 characters on 40 lines.</summary>
    public string? Footer
    {
        get => footer.Value;
        set => footer = new(value);
    }

    /// <summary>Of headings and rules, as #rrggbb. Null: the default.</summary>
    public string? AccentColor
    {
        get => accentColor.Value;
        set => accentColor = new(value);
    }

    /// <summary>How figures are written. Null: POINT.</summary>
    public FigureStyle? Figures
    {
        get => figures.Value;
        set => figures = new(value);
    }

    /// <summary>A PNG or JPEG file in base64: at most 262,144 bytes, and 2,000 pixels each way. Send it as a variable.</summary>
    public string? Logo
    {
        get => logo.Value;
        set => logo = new(value);
    }

    /// <summary>
    /// The page of an invoice in Liquid, at most 65,536 characters: loops, conditions and a few filters over what the built-in page shows.
    /// Null: the built-in one. Send it as a variable.
    /// </summary>
    public string? Template
    {
        get => template.Value;
        set => template = new(value);
    }

    internal InvoiceSettingsChange ToChange() =>
        new(
            legalName,
            new(address.Value?.ToAddress(), address.IsStated),
            taxId,
            email,
            paymentDays,
            note,
            footer,
            accentColor,
            figures,
            logo,
            template
        );
}
