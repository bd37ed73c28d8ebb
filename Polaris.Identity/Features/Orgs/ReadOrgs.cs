using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Identity.Features.Orgs;

/// <summary>The orgs that the caller is in.</summary>
internal sealed class ReadOrgs(InOrgs orgs, FindMembership memberships)
{
    /// <summary>Those of the given ids that the caller is in.</summary>
    public Task<IReadOnlyDictionary<Guid, OrgRow>> ByIdAsync(IReadOnlyList<Guid> ids, CancellationToken ct) =>
        orgs.ReadAsync<FindOrgs, IReadOnlyDictionary<Guid, OrgRow>>(ids, (find, _) => find.AllAsync(ct), ct);

    /// <summary>All of a person's orgs, the one of an API key.</summary>
    public async Task<IReadOnlyList<OrgRow>> OfCallerAsync(ClaimsPrincipal caller, CancellationToken ct)
    {
        Guid[] ids = caller.UserId() is { } user
            ? [.. (await memberships.AllAsync(user, ct)).Select(membership => membership.OrgId)]
            : [caller.OrgId()!.Value];
        return [.. (await ByIdAsync(ids, ct)).Values.OrderBy(row => row.Name, StringComparer.Ordinal).ThenBy(row => row.OrgId)];
    }
}

/// <summary>The rows of the orgs of a scope of several orgs.</summary>
internal sealed class FindOrgs(OrgsDbContext db)
{
    public Task<IReadOnlyDictionary<Guid, OrgRow>> AllAsync(CancellationToken ct) =>
        db.InTransactionAsync<IReadOnlyDictionary<Guid, OrgRow>>(
            async token => await db.OfOrgs<OrgRow>().ToDictionaryAsync(row => row.OrgId, token),
            ct
        );
}
