using Microsoft.AspNetCore.DataProtection;
using NodaTime;
using Npgsql;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Mail;

/// <summary>What is mailed to one person, as Notifications names it.</summary>
internal static class MailKinds
{
    public const string EmailProof = "account.email_proof";
    public const string Invitation = "account.invitation";
    public const string PasswordReset = "account.password_reset";
}

/// <summary>A mail that waits for Notifications, with its token.</summary>
internal sealed record UnsentMessage(Guid Org, Guid Id, string Kind, string Recipient, string Token, string Role);

/// <summary>
/// Mails that Notifications has not taken over yet: a row in the transaction that creates the token, deleted when Notifications has stored
/// it. The token, of which elsewhere only a hash is kept, is encrypted in it.
/// </summary>
internal sealed class OutgoingMail(NpgsqlDataSource database, IDataProtectionProvider provider, TimeProvider time)
{
    public const int PageSize = 100;

    private readonly IDataProtector protector = provider.CreateProtector("outgoing-mail");

    /// <summary>The caller saves it with the token's hash.</summary>
    public void Add(OrgsDbContext db, Guid org, string kind, string recipient, string token, string role = "") =>
        db.OutgoingMail.Add(Row(org, kind, recipient, token, role));

    /// <summary>Of no org: a person's own account.</summary>
    public async Task WriteAsync(string kind, string recipient, string token, CancellationToken ct)
    {
        var row = Row(Guid.Empty, kind, recipient, token, "");
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.UnsentMail, ct);
        await using var command = tx.Command(
            "INSERT INTO outgoing_mail (org_id, id, kind, recipient, token, role, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        );
        command.Bind(row.OrgId).Bind(row.Id).Bind(row.Kind).Bind(row.Recipient).Bind(row.Token).Bind(row.Role).Bind(row.CreatedAt);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    /// <summary>The oldest.</summary>
    public async Task<IReadOnlyList<UnsentMessage>> ReadAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.UnsentMail, ct);
        await using var command = tx.Command("SELECT org_id, id, kind, recipient, token, role FROM outgoing_mail ORDER BY id LIMIT $1");
        command.Bind(PageSize);
        var mails = new List<UnsentMessage>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            mails.Add(
                new UnsentMessage(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetString(2),
                    reader.GetString(3),
                    protector.Unprotect(reader.GetString(4)),
                    reader.GetString(5)
                )
            );
        return mails;
    }

    public async Task ForgetAsync(IReadOnlyList<(Guid Org, Guid Id)> mails, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.UnsentMail, ct);
        await using var command = tx.Command(
            "DELETE FROM outgoing_mail o USING unnest($1::uuid[], $2::uuid[]) d(org_id, id) WHERE o.org_id = d.org_id AND o.id = d.id"
        );
        command.BindColumn(mails, one => one.Org).BindColumn(mails, one => one.Id);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private OutgoingMailRow Row(Guid org, string kind, string recipient, string token, string role)
    {
        var now = time.GetUtcNow();
        return new OutgoingMailRow
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            Kind = kind,
            Recipient = recipient,
            Token = protector.Protect(token),
            Role = role,
            CreatedAt = Instant.FromDateTimeOffset(now),
        };
    }
}
