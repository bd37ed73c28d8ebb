using Microsoft.EntityFrameworkCore;
using NodaTime;
using Npgsql;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Audit;

/// <summary>The actions in the log. The names are stable, since people search for them.</summary>
internal static class AuditActions
{
    public const string OrgCreated = "org.created";
    public const string SignedIn = "user.signed_in";
    public const string SignInFailed = "user.sign_in_failed";
    public const string LockedOut = "user.locked_out";
    public const string SignedOut = "user.signed_out";
    public const string PasswordChanged = "user.password_changed";
    public const string PasswordReset = "user.password_reset";
    public const string PasswordResetCreated = "password_reset.created";
    public const string TwoFactorOn = "user.two_factor_on";
    public const string TwoFactorOff = "user.two_factor_off";
    public const string KeyCreated = "api_key.created";
    public const string KeyRotated = "api_key.rotated";
    public const string KeyRevoked = "api_key.revoked";
    public const string Invited = "invitation.created";
    public const string InvitationRevoked = "invitation.revoked";
    public const string InvitationAccepted = "invitation.accepted";
    public const string RoleChanged = "member.role_changed";
    public const string MemberRemoved = "member.removed";
    public const string CustomerTokenCreated = "customer_token.created";
    public const string EmbedOriginsSet = "org.embed_origins_set";
    public const string RateLimitSet = "rate_limit.set";
    public const string SigningKeyRotated = "signing_key.rotated";
}

/// <summary>
/// The log of security-relevant actions of each org and, under <see cref="Installation"/>, of the installation. An entry is written in the
/// same transaction as the action.
/// </summary>
internal sealed class AuditLog(
    OrgsDbContext db,
    NpgsqlDataSource database,
    TenantScope tenant,
    IHttpContextAccessor caller,
    TimeProvider time
)
{
    /// <summary>Used in place of an org id for entries about the installation. No token can name it.</summary>
    public static readonly Guid Installation = Guid.Empty;

    /// <summary>Adds an entry about the caller's action to the context; the caller of this method saves both together.</summary>
    public void Add(string action, object? subject = null, string? detail = null)
    {
        var (kind, id) = AuditActor.Of(caller.HttpContext?.User);
        db.AuditLog.Add(NewRow(tenant.RequireOrg(), action, kind, id, subject?.ToString(), detail));
    }

    /// <summary>As <see cref="Add"/>, by a person who has no token yet.</summary>
    public void AddOf(Guid user, string action, object? subject = null, string? detail = null) =>
        db.AuditLog.Add(NewRow(tenant.RequireOrg(), action, "user", user.ToString(), subject?.ToString(), detail));

    /// <summary>Adds an entry in every org of the person: a sign-in attempt is not yet about one of them.</summary>
    public async Task WriteForUserAsync(Guid user, string action, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.AuditLog, ct);
        await using var command = tx.Command(
            """
            INSERT INTO audit_log (org_id, id, at, action, actor_kind, actor_id, subject)
            SELECT m.org_id, $2, $3, $4, 'user', $5, $5 FROM memberships m WHERE m.user_id = $1
            """
        );
        var now = time.GetUtcNow();
        command.Bind(user).Bind(Guid.CreateVersion7(now)).Bind(now).Bind(action).Bind(user.ToString());
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    /// <summary>Adds an entry about the installation.</summary>
    public async Task WriteForInstallationAsync(string action, string subject, string? detail, CancellationToken ct)
    {
        var (kind, id) = AuditActor.Of(caller.HttpContext?.User);
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.AuditLog, ct);
        await using var command = tx.Command(
            "INSERT INTO audit_log (org_id, id, at, action, actor_kind, actor_id, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        );
        var now = time.GetUtcNow();
        command.Bind(Installation).Bind(Guid.CreateVersion7(now)).Bind(now).Bind(action).Bind(kind).Bind(id).Bind(subject).Bind(detail);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    /// <summary>The entries of the caller's org, newest first.</summary>
    /// <param name="first">1 to <see cref="AuditPages.MaxPage"/>.</param>
    /// <param name="after">The cursor (an entry's id) of the last entry of the previous page.</param>
    /// <param name="action">Only entries of this action; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public Task<AuditPage> PageAsync(int first, string? after, string? action, CancellationToken ct) =>
        PageAsync(tenant.RequireOrg(), first, after, action, ct);

    /// <summary>The entries of the installation. The caller has entered a cross-org scope.</summary>
    public Task<AuditPage> InstallationPageAsync(int first, string? after, CancellationToken ct) =>
        PageAsync(Installation, first, after, null, ct);

    private Task<AuditPage> PageAsync(Guid org, int first, string? after, string? action, CancellationToken ct)
    {
        var cursor = AuditPages.Check(first, after);
        if (action?.Contains('\0', StringComparison.Ordinal) == true)
            throw new RefusedException(Refusal.Invalid("action", "invalid_text", "'action' must not contain the character U+0000."));
        return db.InTransactionAsync(
            async token =>
            {
                var matching = db.AuditLog.Where(row => row.OrgId == org);
                if (action is not null)
                    matching = matching.Where(row => row.Action == action);
                return await AuditPages.ReadAsync(matching, first, cursor, token);
            },
            ct
        );
    }

    private AuditRow NewRow(Guid org, string action, string kind, string? actor, string? subject, string? detail)
    {
        var now = time.GetUtcNow();
        return new AuditRow
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            At = Instant.FromDateTimeOffset(now),
            Action = action,
            ActorKind = kind,
            ActorId = actor,
            Subject = subject,
            Detail = detail,
        };
    }
}
