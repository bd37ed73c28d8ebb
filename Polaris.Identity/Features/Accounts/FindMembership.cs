using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Accounts;

internal sealed record Membership(Guid OrgId, string Role);

/// <summary>Which org a person signs in to: the one they joined first.</summary>
internal sealed class FindMembership(NpgsqlDataSource database)
{
    public async Task<Membership?> OfUserAsync(Guid userId, CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.SignIn, ct);
        await using var command = tx.Command("SELECT org_id, role FROM memberships WHERE user_id = $1 ORDER BY created_at, org_id LIMIT 1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? new Membership(reader.GetGuid(0), reader.GetString(1)) : null;
    }
}
