using NodaTime.Extensions;
using Npgsql;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Access;

/// <summary>Says whether what a token was made from still gives access, and to what.</summary>
internal sealed class CheckAccess(NpgsqlDataSource database, TimeProvider time) : IAccessSource
{
    public async Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct)
    {
        if (TokenOrigin.Parse(request.Origin) is not { } origin)
            return new CheckAccessResponse();
        Guid? org = Guid.TryParse(request.OrgId, out var named) ? named : null;
        await using var tx = await database.BeginOrgAsync(org ?? Guid.Empty, ct);
        if (await ReadAccess.OfAsync(tx, origin, org, time.GetCurrentInstant(), lockRows: false, ct) is not { } access)
            return new CheckAccessResponse();
        var response = new CheckAccessResponse
        {
            Valid = true,
            Role = access.Role ?? "",
            Platform = access.Platform,
        };
        response.Scopes.AddRange(access.Scopes);
        return response;
    }

    /// <summary>Only a person is a member of several orgs: a key, and what was made from it, has its one.</summary>
    public async Task<CheckMembershipsResponse> CheckAsync(CheckMembershipsRequest request, CancellationToken ct)
    {
        var response = new CheckMembershipsResponse();
        if (TokenOrigin.Parse(request.Origin) is not { Session: not null } origin)
            return response;
        Guid[] orgs = [.. request.OrgIds.Select(id => Guid.TryParse(id, out var org) ? org : Guid.Empty).Distinct()];
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.CheckMemberships, ct);
        foreach (var (org, role) in await ReadAccess.MembershipsAsync(tx, origin, orgs, time.GetCurrentInstant(), ct))
        {
            var membership = new CurrentMembership { OrgId = org.ToString(), Role = role };
            membership.Scopes.AddRange(Roles.ScopesOf(role));
            response.Memberships.Add(membership);
        }

        return response;
    }
}
