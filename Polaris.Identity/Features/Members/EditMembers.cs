using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Members;

internal sealed record Member(Guid UserId, string? Email, string Role, Instant CreatedAt);

/// <summary>
/// Members of the caller's org and their roles. A change takes effect in all services within two seconds, also for tokens that the member
/// has; actions that only owners may take read the actor's current role from the database.
/// </summary>
internal sealed partial class EditMembers(
    OrgsDbContext db,
    AccountsDbContext accounts,
    CallerAccess caller,
    AuditLog audit,
    TenantScope tenant,
    ILogger<EditMembers> log
)
{
    /// <summary>Maximum number of members of an org.</summary>
    public const int MaxMembers = 1_000;

    public async Task<IReadOnlyList<Member>> ListAsync(CancellationToken ct) =>
        await WithEmailsAsync(
            await db.InTransactionAsync(
                token =>
                    db.Memberships.AsNoTracking()
                        .OrderBy(row => row.CreatedAt)
                        .ThenBy(row => row.UserId)
                        .Take(MaxMembers)
                        .ToListAsync(token),
                ct
            ),
            ct
        );

    /// <summary>Those of the given people that are members.</summary>
    public async Task<IReadOnlyList<Member>> FindAsync(Guid[] users, CancellationToken ct) =>
        await WithEmailsAsync(
            await db.InTransactionAsync(
                token =>
                    db.Memberships.AsNoTracking().Where(row => users.Contains(row.UserId)).OrderBy(row => row.UserId).ToListAsync(token),
                ct
            ),
            ct
        );

    public Task<Member> ChangeRoleAsync(Guid actor, Guid user, string role, CancellationToken ct)
    {
        if (!Roles.All.Contains(role))
            throw new RefusedException(Refusal.Invalid("role", "unknown_role", $"'role' must be one of {string.Join(", ", Roles.All)}."));
        return db.InTransactionAsync(
            async token =>
            {
                var owners = await LockOwnersAsync(token);
                await caller.RequireAsync(Scopes.Read, token);
                RequireOwner(owners, actor);
                var member = await FindAsync(user, token);
                if (member.Role != role)
                {
                    if (role != Roles.Owner)
                        RequireAnotherOwner(owners, user);
                    audit.Add(AuditActions.RoleChanged, user, $"{member.Role} to {role}");
                    member.Role = role;
                    await db.SaveChangesAsync(token);
                    LogRoleChanged(user, member.OrgId, role);
                }

                return await ToMemberAsync(member, token);
            },
            ct
        );
    }

    /// <summary>Owners may remove anyone, and everyone may leave. The last owner can do neither.</summary>
    public Task<Member> RemoveAsync(Guid actor, Guid user, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var owners = await LockOwnersAsync(token);
                await caller.RequireAsync(Scopes.Read, token);
                if (actor != user)
                    RequireOwner(owners, actor);
                var member = await FindAsync(user, token);
                RequireAnotherOwner(owners, user);
                var removed = await ToMemberAsync(member, token);
                db.Memberships.Remove(member);
                audit.Add(AuditActions.MemberRemoved, user, actor == user ? "left" : member.Role);
                await db.SaveChangesAsync(token);
                LogRemoved(user, member.OrgId);
                return removed;
            },
            ct
        );

    private async Task<IReadOnlyList<Member>> WithEmailsAsync(IReadOnlyList<MembershipRow> rows, CancellationToken ct)
    {
        var ids = rows.Select(row => row.UserId).ToArray();
        var emails = await accounts
            .Users.AsNoTracking()
            .Where(user => ids.Contains(user.Id))
            .ToDictionaryAsync(user => user.Id, user => user.Email, ct);
        return [.. rows.Select(row => new Member(row.UserId, emails.GetValueOrDefault(row.UserId), row.Role, row.CreatedAt))];
    }

    /// <summary>Locks the owners until the end of the transaction, so that two owners cannot demote each other at the same time.</summary>
    private async Task<IReadOnlyList<Guid>> LockOwnersAsync(CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        return await db
            .Database.SqlQuery<Guid>(
                $"SELECT user_id AS \"Value\" FROM memberships WHERE org_id = {org} AND role = 'owner' ORDER BY user_id FOR UPDATE"
            )
            .ToListAsync(ct);
    }

    private async Task<MembershipRow> FindAsync(Guid user, CancellationToken ct) =>
        await db.Memberships.SingleOrDefaultAsync(row => row.UserId == user, ct) ?? throw new RefusedException(Refusal.NotFound("member"));

    private async Task<Member> ToMemberAsync(MembershipRow row, CancellationToken ct) =>
        new(
            row.UserId,
            await accounts.Users.Where(user => user.Id == row.UserId).Select(user => user.Email).SingleOrDefaultAsync(ct),
            row.Role,
            row.CreatedAt
        );

    private static void RequireOwner(IReadOnlyList<Guid> owners, Guid actor)
    {
        if (!owners.Contains(actor))
            throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_role", "Only an owner may do this."));
    }

    private static void RequireAnotherOwner(IReadOnlyList<Guid> owners, Guid user)
    {
        if (owners.Count == 1 && owners[0] == user)
            throw new RefusedException(Refusal.Conflict("last_owner", "An org must have an owner. Make another member an owner first."));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "User {UserId} has the role {Role} in org {OrgId} now.")]
    private partial void LogRoleChanged(Guid userId, Guid orgId, string role);

    [LoggerMessage(Level = LogLevel.Information, Message = "User {UserId} is no longer a member of org {OrgId}.")]
    private partial void LogRemoved(Guid userId, Guid orgId);
}
