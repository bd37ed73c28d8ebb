using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Accounts;

internal sealed record Membership(Guid OrgId, string OrgName, string Role);

/// <summary>Which orgs a person may sign in to. Asked before an org is known, hence through a gate.</summary>
internal sealed class FindMembership(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>More than anybody is a member of.</summary>
    public const int MaxOrgs = 200;

    /// <summary>The one in this org; without one named, the one last used, at first the one joined first.</summary>
    public async Task<Membership?> OfUserAsync(Guid userId, Guid? org, CancellationToken ct)
    {
        var all = await AllAsync(userId, ct);
        return org is null ? (all.Count == 0 ? null : all[0]) : all.FirstOrDefault(one => one.OrgId == org);
    }

    /// <summary>All of them, the one last used first.</summary>
    public async Task<IReadOnlyList<Membership>> AllAsync(Guid userId, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.SignIn, ct);
        await using var command = tx.Command($"""
            SELECT m.org_id, o.name, m.role FROM memberships m JOIN orgs o ON o.org_id = m.org_id WHERE m.user_id = $1
            ORDER BY m.last_used_at DESC NULLS LAST, m.created_at, m.org_id LIMIT {MaxOrgs}
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var found = new List<Membership>();
        while (await reader.ReadAsync(ct)) found.Add(new Membership(reader.GetGuid(0), reader.GetString(1), reader.GetString(2)));
        return found;
    }

    /// <summary>Remembers that the person signed in to this org.</summary>
    public async Task UsedAsync(Guid userId, Guid org, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command("UPDATE memberships SET last_used_at = $3 WHERE org_id = $1 AND user_id = $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }
}
