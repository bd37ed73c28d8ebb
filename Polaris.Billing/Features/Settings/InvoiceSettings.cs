using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Settings;

/// <summary>What becomes of an org's invoice settings; what is not stated stays, null clears it. The logo is base64.</summary>
public sealed record InvoiceSettingsChange(
    Change<string?> LegalName = default,
    Change<PostalAddress?> Address = default,
    Change<string?> TaxId = default,
    Change<string?> Email = default,
    Change<int?> PaymentDays = default,
    Change<string?> Note = default,
    Change<string?> Footer = default,
    Change<string?> AccentColor = default,
    Change<FigureStyle?> Figures = default,
    Change<string?> Logo = default,
    Change<string?> Template = default
);

/// <summary>
/// An org's invoice settings. Drafts show them as they are; an invoice that is finalized keeps them as they were then, but for the logo
/// and the template, which are the latest on all.
/// </summary>
internal sealed class InvoiceSettings(BillingDbContext db, TenantScope tenant, TimeProvider time)
{
    public const int MaxPaymentDays = 365;

    /// <summary>Characters of the note and of the footer.</summary>
    public const int MaxNoteLength = 2_000;

    /// <summary>Lines of the note and of the footer.</summary>
    public const int MaxNoteLines = 40;

    /// <summary>As an org's that never stated any, which are all empty.</summary>
    public Task<InvoiceSettingsRow> ReadAsync(CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
                await db.InvoiceSettings.AsNoTracking().SingleOrDefaultAsync(token)
                ?? new InvoiceSettingsRow { OrgId = tenant.RequireOrg() },
            ct
        );

    /// <exception cref="RefusedException">A field breaks its rule.</exception>
    public Task<InvoiceSettingsRow> UpdateAsync(InvoiceSettingsChange change, CancellationToken ct)
    {
        Check(change);
        var template = InvoiceTemplate.Check("input.template", change.Template.Value);
        var logo = change.Logo.Value is { } stated ? Logo.Read("input.logo", stated) : ((byte[] Data, string Type)?)null;
        return db.InTransactionAsync(
            async token =>
            {
                var row = await db.InvoiceSettings.SingleOrDefaultAsync(token);
                if (row is null)
                    db.InvoiceSettings.Add(row = new InvoiceSettingsRow { OrgId = tenant.RequireOrg() });
                Apply(row, change);
                if (change.Logo.IsStated)
                    (row.Logo, row.LogoType) = (logo?.Data, logo?.Type);
                if (change.Template.IsStated)
                    row.Template = template;
                row.UpdatedAt = time.GetCurrentInstant();
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }

    private static void Check(InvoiceSettingsChange change)
    {
        StatedParty.Line("input.legalName", change.LegalName.Value, Limits.MaxTextLength);
        StatedParty.Address("input.address", change.Address.Value);
        StatedParty.TaxId("input.taxId", change.TaxId.Value);
        StatedParty.Email("input.email", change.Email.Value);
        if (change.PaymentDays.Value is < 0 or > MaxPaymentDays)
            throw Invalid("input.paymentDays", "out_of_range", $"'paymentDays' is 0 to {MaxPaymentDays}.");
        Note("input.note", change.Note.Value);
        Note("input.footer", change.Footer.Value);
        if (change.AccentColor.Value is { } color && !(color.Length == 7 && color[0] == '#' && color.Skip(1).All(char.IsAsciiHexDigit)))
            throw Invalid("input.accentColor", "invalid_color", "'accentColor' is '#' and six hexadecimal digits, such as #0b5fff.");
    }

    /// <summary>Of several lines, without other control characters.</summary>
    private static void Note(string path, string? value)
    {
        var name = path[(path.LastIndexOf('.') + 1)..];
        if (value is null)
            return;
        if (value.Length > MaxNoteLength)
            throw Invalid(path, "too_long", $"'{name}' has at most {MaxNoteLength} characters.");
        if (value.Count(character => character == '\n') >= MaxNoteLines)
            throw Invalid(path, "too_long", $"'{name}' has at most {MaxNoteLines} lines.");
        if (value.Any(character => char.IsControl(character) && character is not ('\n' or '\r')))
            throw Invalid(path, "invalid_text", $"'{name}' must not have control characters other than line ends.");
    }

    private static void Apply(InvoiceSettingsRow row, InvoiceSettingsChange change)
    {
        row.LegalName = change.LegalName.Over(row.LegalName);
        if (change.Address.IsStated)
            row.Address = StatedParty.Text(change.Address.Value);
        row.TaxId = change.TaxId.Over(row.TaxId);
        row.Email = change.Email.Over(row.Email);
        row.PaymentDays = change.PaymentDays.Over(row.PaymentDays);
        row.Note = Text(change.Note.Over(row.Note));
        row.Footer = Text(change.Footer.Over(row.Footer));
#pragma warning disable CA1308 // A colour's digits, which CSS and PDF read either way.
        row.AccentColor = change.AccentColor.Over(row.AccentColor)?.ToLowerInvariant();
#pragma warning restore CA1308
        if (change.Figures.IsStated)
            row.Figures = change.Figures.Value?.ToString();
    }

    private static string? Text(string? note) => string.IsNullOrWhiteSpace(note) ? null : note;

    private static RefusedException Invalid(string path, string code, string message) => new(Refusal.Invalid(path, code, message));
}
