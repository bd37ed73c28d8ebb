using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Members;

internal sealed record AcceptedInvitation(Guid UserId, OrgRow Org, string Role);

/// <summary>
/// An invitation becomes a membership of whoever has its e-mail address: an account there is proved by its password, or is made with it.
/// It works in a scope of its own, since the caller may be signed in to another org or to none.
/// </summary>
internal sealed partial class AcceptInvitation(IServiceScopeFactory scopes, TimeProvider time, ILogger<AcceptInvitation> log)
{
    private static RefusedException NoSuchInvitation => new(Refusal.NotFound("invitation"));

    public async Task<AcceptedInvitation> HandleAsync(string token, string password, CancellationToken ct)
    {
        var org = InvitationTokens.OrgOf(token) ?? throw NoSuchInvitation;
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        services.GetRequiredService<TenantScope>().EnterOrg(org);
        var (db, users) = (services.GetRequiredService<OrgsDbContext>(), services.GetRequiredService<UserManager<User>>());
        var hash = InvitationTokens.HashOf(token);
        var invitation = await db.InTransactionAsync(inner => db.Invitations.AsNoTracking().SingleOrDefaultAsync(row => row.TokenHash == hash, inner), ct);
        if (invitation is null || !IsOpen(invitation)) throw NoSuchInvitation;

        var user = await users.FindByEmailAsync(invitation.Email);
        var isNew = user is null;
        if (user is null) user = await services.GetRequiredService<SignUp>().CreateUserAsync(invitation.Email, password);
        else if (!await services.GetRequiredService<CheckPassword>().IsRightAsync(user, password, ct))
            throw new RefusedException(new Refusal(RefusalKind.Unauthenticated, "invalid_credentials", CheckPassword.Wrong));
        try
        {
            return await JoinAsync(services, db, invitation.Id, user.Id, ct);
        }
        catch when (isNew)
        {
            await users.DeleteAsync(user);
            throw;
        }
    }

    private async Task<AcceptedInvitation> JoinAsync(IServiceProvider services, OrgsDbContext db, Guid id, Guid user, CancellationToken ct)
    {
        var org = services.GetRequiredService<TenantScope>().RequireOrg();
        var joined = await db.InTransactionAsync(async token =>
        {
            // Once: a second acceptance waits here and then finds it used.
            var row = await db.Invitations.FromSql($"SELECT * FROM invitations WHERE org_id = {org} AND id = {id} FOR UPDATE").SingleAsync(token);
            if (!IsOpen(row)) throw NoSuchInvitation;
            if (await db.Memberships.AnyAsync(one => one.UserId == user, token)) throw new RefusedException(Refusal.Conflict("already_member", "You are a member of this org already."));
            if (await db.Memberships.CountAsync(token) >= EditMembers.MaxMembers) throw new RefusedException(Refusal.Conflict("too_many_members", $"An org has at most {EditMembers.MaxMembers} members."));
            var now = Instant.FromDateTimeOffset(time.GetUtcNow());
            row.AcceptedAt = now;
            db.Memberships.Add(new MembershipRow { OrgId = org, UserId = user, Role = row.Role, CreatedAt = now });
            services.GetRequiredService<AuditLog>().AddOf(user, AuditActions.InvitationAccepted, row.Id, row.Role);
            await db.SaveChangesAsync(token);
            return new AcceptedInvitation(user, await db.Orgs.AsNoTracking().SingleAsync(token), row.Role);
        }, ct);
        LogAccepted(id, org, user);
        return joined;
    }

    private bool IsOpen(InvitationRow row) => row is { AcceptedAt: null, RevokedAt: null } && row.ExpiresAt > Instant.FromDateTimeOffset(time.GetUtcNow());

    [LoggerMessage(Level = LogLevel.Information, Message = "Invitation {InvitationId} into org {OrgId} was accepted by user {UserId}.")]
    private partial void LogAccepted(Guid invitationId, Guid orgId, Guid userId);
}
