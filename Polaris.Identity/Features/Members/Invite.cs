using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Members;

/// <summary>A new invitation and its token, which nobody sees again.</summary>
internal sealed record CreatedInvitation(InvitationRow Invitation, string Token);

/// <summary>
/// An invitation's token is <c>inv_</c>, its org and 40 random letters and digits: it carries its org, so that one statement of one org finds it.
/// </summary>
internal static class InvitationTokens
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;
    private const int OrgLength = 32;
    private const string Start = "inv_";

    public static string Create(Guid org) => $"{Start}{org:N}_{RandomNumberGenerator.GetString(Alphabet, RandomLength)}";

    public static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Null for text that is no token at all.</summary>
    public static Guid? OrgOf(string token) =>
        token.Length == Start.Length + OrgLength + 1 + RandomLength && token.StartsWith(Start, StringComparison.Ordinal)
        && Guid.TryParseExact(token.AsSpan(Start.Length, OrgLength), "N", out var org) && org != Guid.Empty ? org : null;
}

/// <summary>Invites people into the caller's org, lists and takes back.</summary>
internal sealed partial class Invite(OrgsDbContext db, AuditLog audit, TenantScope tenant, TimeProvider time, ILogger<Invite> log)
{
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromDays(7);
    public static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(30);

    /// <summary>Invitations of one org that wait for an answer.</summary>
    public const int MaxOpen = 200;

    private Instant Now => Instant.FromDateTimeOffset(time.GetUtcNow());

    public async Task<CreatedInvitation> CreateAsync(Guid actor, string email, string role, TimeSpan lifetime, CancellationToken ct)
    {
        SignUp.ValidateEmail(email, "input.email");
        if (!Roles.All.Contains(role)) throw new RefusedException(Refusal.Invalid("input.role", "unknown_role", $"A role is one of {string.Join(", ", Roles.All)}."));
        if (lifetime < TimeSpan.FromMinutes(1) || lifetime > MaxLifetime)
            throw new RefusedException(Refusal.Invalid("input.expiresIn", "out_of_range", $"'expiresIn' is 60 to {MaxLifetime.TotalSeconds:0} seconds."));
        var org = tenant.RequireOrg();
        var created = await db.InTransactionAsync(async token =>
        {
            var actorRole = await db.Memberships.Where(row => row.UserId == actor).Select(row => row.Role).SingleOrDefaultAsync(token);
            if (actorRole != Roles.Owner && (actorRole != Roles.Admin || role == Roles.Owner))
                throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_role", "Owners invite anybody; admins invite anybody but owners."));
            var now = Now;
            if (await Open(now).CountAsync(token) >= MaxOpen)
                throw new RefusedException(Refusal.Conflict("too_many_invitations", $"{MaxOpen} invitations wait for an answer: revoke some first."));
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
            await db.SaveChangesAsync(token);
            return new CreatedInvitation(row, secret);
        }, ct);
        LogInvited(created.Invitation.Id, org, role);
        return created;
    }

    /// <summary>Those that wait for an answer.</summary>
    public Task<List<InvitationRow>> ListAsync(CancellationToken ct)
    {
        var now = Now;
        return db.InTransactionAsync(token => Open(now).AsNoTracking().OrderBy(row => row.Id).ToListAsync(token), ct);
    }

    /// <summary>One that was accepted is not found: there is nothing to take back.</summary>
    public Task<InvitationRow> RevokeAsync(Guid id, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        var row = await db.Invitations.SingleOrDefaultAsync(one => one.Id == id && one.AcceptedAt == null, token) ?? throw new RefusedException(Refusal.NotFound("invitation"));
        if (row.RevokedAt is not null) return row;
        row.RevokedAt = Now;
        audit.Add(AuditActions.InvitationRevoked, row.Id);
        await db.SaveChangesAsync(token);
        return row;
    }, ct);

    private IQueryable<InvitationRow> Open(Instant now) => db.Invitations.Where(row => row.AcceptedAt == null && row.RevokedAt == null && row.ExpiresAt > now);

    [LoggerMessage(Level = LogLevel.Information, Message = "Invitation {InvitationId} into org {OrgId} as {Role} was created.")]
    private partial void LogInvited(Guid invitationId, Guid orgId, string role);
}
