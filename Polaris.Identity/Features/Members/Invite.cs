using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Members;

/// <summary>A new invitation and its token, which is shown only once.</summary>
internal sealed record CreatedInvitation(InvitationRow Invitation, string Token);

/// <summary>
/// An invitation's token is <c>inv_</c>, its org and 40 random letters and digits. The org is in it so that it can be looked up within one
/// org.
/// </summary>
internal static class InvitationTokens
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;
    private const int OrgLength = 32;
    private const string Start = "inv_";

    public static string Create(Guid org) => $"{Start}{org:N}_{RandomNumberGenerator.GetString(Alphabet, RandomLength)}";

    public static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Null for text that is not in the form of a token.</summary>
    public static Guid? OrgOf(string token) =>
        token.Length == Start.Length + OrgLength + 1 + RandomLength
        && token.StartsWith(Start, StringComparison.Ordinal)
        && Guid.TryParseExact(token.AsSpan(Start.Length, OrgLength), "N", out var org)
        && org != Guid.Empty
            ? org
            : null;
}

/// <summary>Creates, lists and revokes invitations into the caller's org.</summary>
internal sealed partial class Invite(
    OrgsDbContext db,
    CallerAccess caller,
    AuditLog audit,
    OutgoingMail mail,
    TenantScope tenant,
    TimeProvider time,
    ILogger<Invite> log
)
{
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromDays(7);
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(30);

    /// <summary>Maximum number of open invitations of one org.</summary>
    public const int MaxOpen = 200;

    private Instant Now => time.GetCurrentInstant();

    public async Task<CreatedInvitation> CreateAsync(Guid actor, string email, string role, TimeSpan lifetime, CancellationToken ct)
    {
        SignUp.ValidateEmail(email, "input.email");
        if (!Roles.All.Contains(role))
            throw new RefusedException(
                Refusal.Invalid("input.role", "unknown_role", $"'role' must be one of {string.Join(", ", Roles.All)}.")
            );
        if (lifetime < TimeSpan.FromMinutes(1) || lifetime > MaxLifetime)
            throw new RefusedException(
                Refusal.Invalid("input.expiresIn", "out_of_range", $"'expiresIn' must be 60 to {MaxLifetime.TotalSeconds:0} seconds.")
            );
        var org = tenant.RequireOrg();
        var created = await db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                var actorRole = await db.Memberships.Where(row => row.UserId == actor).Select(row => row.Role).SingleOrDefaultAsync(token);
                if (!MayInvite(actorRole, role))
                    throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_role", "Only an owner may invite an owner."));
                var now = Now;
                if (await Open(now).CountAsync(token) >= MaxOpen)
                    throw new RefusedException(
                        Refusal.Conflict("too_many_invitations", $"An org may have at most {MaxOpen} open invitations. Revoke some first.")
                    );
                var secret = InvitationTokens.Create(org);
                var row = new InvitationRow
                {
                    OrgId = org,
                    Id = Guid.CreateVersion7(time.GetUtcNow()),
                    Email = email,
                    Role = role,
                    TokenHash = InvitationTokens.HashOf(secret),
                    InvitedBy = actor,
                    CreatedAt = now,
                    ExpiresAt = now + Duration.FromTimeSpan(lifetime),
                };
                db.Invitations.Add(row);
                audit.Add(AuditActions.Invited, row.Id, $"{email} as {role}");
                mail.Add(db, org, MailKinds.Invitation, email, secret, role);
                await db.SaveChangesAsync(token);
                return new CreatedInvitation(row, secret);
            },
            ct
        );
        LogInvited(created.Invitation.Id, org, role);
        return created;
    }

    /// <summary>Open invitations.</summary>
    public Task<List<InvitationRow>> ListAsync(CancellationToken ct)
    {
        var now = Now;
        return db.InTransactionAsync(token => Open(now).AsNoTracking().OrderBy(row => row.Id).ToListAsync(token), ct);
    }

    /// <summary>An accepted invitation is not found, since it can no longer be revoked.</summary>
    public Task<InvitationRow> RevokeAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                var row =
                    await db.Invitations.SingleOrDefaultAsync(invitation => invitation.Id == id && invitation.AcceptedAt == null, token)
                    ?? throw new RefusedException(Refusal.NotFound("invitation"));
                if (row.RevokedAt is not null)
                    return row;
                row.RevokedAt = Now;
                audit.Add(AuditActions.InvitationRevoked, row.Id);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    /// <summary>Also asked when an invitation is accepted: it is worth what its inviter may do at that time.</summary>
    public static bool MayInvite(string? inviter, string role) => inviter == Roles.Owner || (inviter == Roles.Admin && role != Roles.Owner);

    private IQueryable<InvitationRow> Open(Instant now) =>
        db.Invitations.Where(row => row.AcceptedAt == null && row.RevokedAt == null && row.ExpiresAt > now);

    [LoggerMessage(Level = LogLevel.Information, Message = "Invitation {InvitationId} into org {OrgId} as {Role} was created.")]
    private partial void LogInvited(Guid invitationId, Guid orgId, string role);
}
