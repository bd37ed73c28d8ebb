using System.Security.Claims;
using GraphQL;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Orgs;
using Polaris.Identity.Features.Platform;
using Polaris.Identity.Features.Tokens;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.GraphQL;

/// <summary>
/// What a caller may ask. Everything is about the org of the caller's token or key, or about another org of theirs where a field names it.
/// </summary>
[Name("Query")]
internal sealed class Query
{
    /// <summary>Who the caller is: a person or an API key, and the org that the token or key is for.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<ViewerType> Me(IResolveFieldContext context, [FromServices] OrgsDbContext db, CancellationToken ct) =>
        context.User is not { } caller
            ? throw new InvalidOperationException("RequireScope admits only authenticated callers.")
            : new(
                caller.UserId(),
                caller.FindFirstValue(PolarisClaims.Email),
                caller.FindFirstValue(PolarisClaims.Role),
                caller.HeldScopes(),
                await Org(db, ct)
            );

    /// <summary>The org of the caller's token or key.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<OrganizationType> Org([FromServices] OrgsDbContext db, CancellationToken ct) =>
        await db.InTransactionAsync(token => db.Orgs.AsNoTracking().SingleOrDefaultAsync(token), ct) is { } row
            ? OrganizationType.Of(row)
            : throw new RefusedException(Refusal.NotFound("org"));

    /// <summary>All orgs that the person is a member of, ordered by name; of an API key, its one.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<OrganizationType>> Organizations(
        IResolveFieldContext context,
        [FromServices] ReadOrgs orgs,
        CancellationToken ct
    ) => (await orgs.OfCallerAsync(context.User!, ct)).Select(OrganizationType.Of);

    /// <summary>One org that the caller is in; null for any other id, as for one that does not exist.</summary>
    /// <param name="id">The org's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<OrganizationType?> Organization([FromServices] ReadOrgs orgs, [Id] Guid id, CancellationToken ct) =>
        (await orgs.ByIdAsync([id], ct)).TryGetValue(id, out var row) ? OrganizationType.Of(row) : null;

    /// <summary>The org's API keys, with revoked ones, without their secrets.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<ApiKeyType>> ApiKeys([FromServices] EditApiKeys keys, CancellationToken ct) =>
        (await keys.ListAsync(ct)).Select(ApiKeyType.Of);

    /// <summary>The orgs that the person may sign in to; none for an API key.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<MembershipType>> Memberships(
        IResolveFieldContext context,
        [FromServices] FindMembership memberships,
        CancellationToken ct
    ) => context.User?.UserId() is { } user ? (await memberships.AllAsync(user, ct)).Select(MembershipType.Of) : [];

    /// <summary>The people in the org and their roles.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<MemberType>> Members([FromServices] EditMembers members, CancellationToken ct) =>
        (await members.ListAsync(ct)).Select(MemberType.Of);

    /// <summary>Open invitations.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<InvitationType>> Invitations([FromServices] Invite invite, CancellationToken ct) =>
        (await invite.ListAsync(ct)).Select(InvitationType.Of);

    /// <summary>What was done to the org, its members and its keys, newest first.</summary>
    /// <param name="first">The page size, 1 to 200.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="action">Only entries with this action.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<AuditPageType> AuditLog(
        [FromServices] AuditLog audit,
        string? after,
        string? action,
        CancellationToken ct,
        int first = 50
    ) => AuditPageType.Of(await audit.PageAsync(first, after, action, ct));

    /// <summary>All orgs of the installation, the oldest first, without data in them.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="search">Only orgs with this text in their name, and the one with this id.</param>
    /// <param name="ids">Only orgs with these ids, at most 200.</param>
    [RequireScope(Scopes.PlatformRead)]
    public static async Task<OrgPageType> Orgs(
        [FromServices] ReadInstallation installation,
        string? after,
        string? search,
        [Id] Guid[]? ids,
        CancellationToken ct,
        int first = 50
    ) => OrgPageType.Of(await installation.OrgsAsync(first, after, search, ids, ct));

    /// <summary>Audit log entries about the installation rather than an org.</summary>
    /// <param name="first">The page size, 1 to 200.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    [RequireScope(Scopes.Platform)]
    public static async Task<AuditPageType> PlatformAuditLog(
        [FromServices] ReadInstallation installation,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => AuditPageType.Of(await installation.AuditAsync(first, after, ct));

    /// <summary>All keys whose tokens are still valid, first the one that signs.</summary>
    [RequireScope(Scopes.Platform)]
    public static IEnumerable<SigningKeyType> SigningKeys([FromServices] SigningKeyRing ring) => SigningKeyType.Of(ring.Keys);
}
