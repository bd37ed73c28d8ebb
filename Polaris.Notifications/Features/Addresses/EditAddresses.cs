using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Addresses;

/// <summary>The org's own addresses for mail, and whether its customers get their invoices.</summary>
internal sealed class EditAddresses(NotificationsDbContext db, TenantScope tenant, TimeProvider time)
{
    /// <summary>Addresses of an org that are not archived.</summary>
    public const int MaxOfOrg = 50;

    public const int MaxEmailLength = 254;

    public Task<List<AddressRow>> ListAsync(CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.Addresses.AsNoTracking().Where(row => row.Status != AddressStatuses.Archived).OrderBy(row => row.Id).ToListAsync(token),
            ct
        );

    public Task<AddressRow> CreateAsync(string email, string? description, IReadOnlyList<string> kinds, CancellationToken ct)
    {
        CheckEmail(email, "input.email");
        var wanted = Required(kinds);
        var text = StatedKinds.CheckDescription(description, "input.description");
        return db.InTransactionAsync(
            async token =>
            {
                if (await db.Addresses.CountAsync(known => known.Status != AddressStatuses.Archived, token) >= MaxOfOrg)
                    throw new RefusedException(Refusal.Conflict("too_many", $"An org has at most {MaxOfOrg} addresses.", "input"));
                var made = new AddressRow
                {
                    OrgId = tenant.RequireOrg(),
                    Id = Guid.CreateVersion7(time.GetUtcNow()),
                    Email = email,
                    Description = text,
                    Kinds = wanted,
                    Status = AddressStatuses.Active,
                    CreatedAt = time.GetCurrentInstant(),
                };
                db.Addresses.Add(made);
                await db.SaveChangesAsync(token);
                return made;
            },
            ct
        );
    }

    /// <summary>Changes it, and lets mail go there again after a bounce or an unsubscription.</summary>
    public Task<AddressRow> UpdateAsync(Guid id, string? description, IReadOnlyList<string>? kinds, CancellationToken ct)
    {
        var wanted = kinds is null ? null : Required(kinds);
        var text = description is null ? null : StatedKinds.CheckDescription(description, "input.description");
        return EditAsync(
            id,
            row =>
            {
                row.Kinds = wanted ?? row.Kinds;
                row.Description = text ?? row.Description;
                (row.Status, row.Reason) = (AddressStatuses.Active, null);
            },
            ct
        );
    }

    public Task<AddressRow> ArchiveAsync(Guid id, CancellationToken ct) => EditAsync(id, row => row.Status = AddressStatuses.Archived, ct);

    public Task<MailSettingsRow> SettingsAsync(CancellationToken ct) =>
        db.InTransactionAsync(async token => await db.MailSettings.AsNoTracking().SingleOrDefaultAsync(token) ?? new MailSettingsRow(), ct);

    public Task<MailSettingsRow> UpdateSettingsAsync(bool invoicesToCustomers, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row = await db.MailSettings.SingleOrDefaultAsync(token);
                if (row is null)
                    db.MailSettings.Add(row = new MailSettingsRow { OrgId = tenant.RequireOrg() });
                row.InvoicesToCustomers = invoicesToCustomers;
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private Task<AddressRow> EditAsync(Guid id, Action<AddressRow> edit, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var row =
                    await db.Addresses.SingleOrDefaultAsync(known => known.Id == id && known.Status != AddressStatuses.Archived, token)
                    ?? throw new RefusedException(Refusal.NotFound("address"));
                edit(row);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private static string[] Required(IReadOnlyList<string> kinds) =>
        kinds.Count > 0
            ? StatedKinds.Check(kinds, "input.eventTypes")
            : throw new RefusedException(Refusal.Invalid("input.eventTypes", "missing", "'eventTypes' must name at least one."));

    private static void CheckEmail(string email, string path)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        if (
            at < 1
            || at == email.Length - 1
            || email.Length > MaxEmailLength
            || email.Any(character => char.IsWhiteSpace(character) || char.IsControl(character) || character is ',' or ';' or '<' or '>')
        )
            throw new RefusedException(Refusal.Invalid(path, "invalid_email", "'email' must be an e-mail address."));
    }
}
