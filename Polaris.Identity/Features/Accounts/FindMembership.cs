using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Accounts;

internal sealed record Membership(Guid OrgId, string OrgName, string Role);

/// <summary>The orgs that a person may sign in to. The org is not known yet, so these queries are cross-org.</summary>
internal sealed class FindMembership(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Above the number of orgs that a person is a member of.</summary>
    public const int MaxOrgs = 200;

    /// <summary>The membership in that org or, when none is given, the one last used; before the first use, the one joined first.</summary>
    public async Task<Membership?> OfUserAsync(Guid userId, Guid? org, CancellationToken ct)
    {
        var memberships = await AllAsync(userId, ct);
        return org is null
            ? (memberships.Count == 0 ? null : memberships[0])
            : memberships.FirstOrDefault(membership => membership.OrgId == org);
    }

    /// <summary>All memberships of the person, the last used first.</summary>
    public async Task<IReadOnlyList<Membership>> AllAsync(Guid userId, CancellationToken ct)
    {
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.SignIn, ct);
        await using var command = tx.Command(
            $"""
            SELECT m.org_id, o.name, m.role FROM memberships m JOIN orgs o ON o.org_id = m.org_id WHERE m.user_id = $1
            ORDER BY m.last_used_at DESC NULLS LAST, m.created_at, m.org_id LIMIT {MaxOrgs}
            """
        );
        command.Bind(userId);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var found = new List<Membership>();
        while (await reader.ReadAsync(ct))
            found.Add(new Membership(reader.GetGuid(0), reader.GetString(1), reader.GetString(2)));
        return found;
    }

    /// <summary>Records that the person signed in to this org.</summary>
    public async Task UsedAsync(Guid userId, Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("UPDATE memberships SET last_used_at = $3 WHERE org_id = $1 AND user_id = $2");
        command.Bind(org).Bind(userId).Bind(time.GetCurrentInstant());
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }
}
