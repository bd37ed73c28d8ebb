using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Members;

internal sealed record AcceptedInvitation(Guid UserId, OrgRow Org, string Role);

/// <summary>
/// Turns an invitation into a membership of the person with its e-mail address: an existing account is proved by its password, a new one
/// is created with it and holds the address, whoever else claims it without proof. It runs in a scope of its own, since the caller may be
/// signed in to another org or to none.
/// </summary>
internal sealed partial class AcceptInvitation(IServiceScopeFactory scopes, TimeProvider time, ILogger<AcceptInvitation> log)
{
    private static RefusedException NoSuchInvitation => new(Refusal.NotFound("invitation"));

    public async Task<AcceptedInvitation> HandleAsync(string token, string password, string? code, CancellationToken ct)
    {
        var org = InvitationTokens.OrgOf(token) ?? throw NoSuchInvitation;
        await using var scope = scopes.CreateAsyncScope();
        var services = scope.ServiceProvider;
        services.GetRequiredService<TenantScope>().EnterOrg(org);
        var (db, users) = (services.GetRequiredService<OrgsDbContext>(), services.GetRequiredService<UserManager<User>>());
        var hash = InvitationTokens.HashOf(token);
        var invitation = await db.InTransactionAsync(
            inner => db.Invitations.AsNoTracking().SingleOrDefaultAsync(row => row.TokenHash == hash, inner),
            ct
        );
        if (invitation is null || !IsOpen(invitation))
            throw NoSuchInvitation;

        var user = await users.FindProvenAsync(invitation.Email, ct);
        var isNew = user is null;
        if (user is null)
            user = await services.GetRequiredService<SignUp>().CreateUserAsync(invitation.Email, password, proof: null, ct);
        else
            await services.GetRequiredService<CheckPassword>().RequireAsync(user, password, code, ct);
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
        var joined = await db.InTransactionAsync(
            async token =>
            {
                // The row lock serializes acceptances; a second one waits here and then finds the invitation used.
                var row = await db
                    .Invitations.FromSql($"SELECT * FROM invitations WHERE org_id = {org} AND id = {id} FOR UPDATE")
                    .SingleAsync(token);
                if (!IsOpen(row))
                    throw NoSuchInvitation;
                // Locked, so that whoever removes the inviter meanwhile comes before or after.
                var inviter = await db
                    .Memberships.FromSql($"SELECT * FROM memberships WHERE org_id = {org} AND user_id = {row.InvitedBy} FOR SHARE")
                    .AsNoTracking()
                    .SingleOrDefaultAsync(token);
                if (!Invite.MayInvite(inviter?.Role, row.Role))
                    throw NoSuchInvitation;
                if (await db.Memberships.AnyAsync(membership => membership.UserId == user, token))
                    throw new RefusedException(Refusal.Conflict("already_member", "You are already a member of this org."));
                if (await db.Memberships.CountAsync(token) >= EditMembers.MaxMembers)
                    throw new RefusedException(
                        Refusal.Conflict("too_many_members", $"An org may have at most {EditMembers.MaxMembers} members.")
                    );
                var now = time.GetCurrentInstant();
                row.AcceptedAt = now;
                db.Memberships.Add(
                    new MembershipRow
                    {
                        OrgId = org,
                        UserId = user,
                        Role = row.Role,
                        CreatedAt = now,
                    }
                );
                services.GetRequiredService<AuditLog>().AddOf(user, AuditActions.InvitationAccepted, row.Id, row.Role);
                await db.SaveChangesAsync(token);
                return new AcceptedInvitation(user, await db.Orgs.AsNoTracking().SingleAsync(token), row.Role);
            },
            ct
        );
        LogAccepted(id, org, user);
        return joined;
    }

    private bool IsOpen(InvitationRow row) => row is { AcceptedAt: null, RevokedAt: null } && row.ExpiresAt > time.GetCurrentInstant();

    [LoggerMessage(Level = LogLevel.Information, Message = "Invitation {InvitationId} into org {OrgId} was accepted by user {UserId}.")]
    private partial void LogAccepted(Guid invitationId, Guid orgId, Guid userId);
}
