using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.Access;

/// <summary>What an origin gives in an org at the moment.</summary>
/// <param name="Role">The person's; null for a key, and for a platform admin outside their orgs.</param>
/// <param name="Scopes">Of the role, or of the key.</param>
/// <param name="Platform">The person operates the installation.</param>
internal sealed record CurrentAccess(string? Role, IReadOnlyList<string> Scopes, bool Platform);

/// <summary>Reads what an origin gives, from the database and from nowhere else.</summary>
internal static class ReadAccess
{
    /// <summary>Null when the session, the membership or the key has ended.</summary>
    /// <param name="tx">A transaction that sees the org.</param>
    /// <param name="origin">Of the caller.</param>
    /// <param name="org">The org of the caller's token; null for a platform admin without one.</param>
    /// <param name="now">The time.</param>
    /// <param name="lockRows">Locks what it reads until the end of the transaction: whatever ends the access waits for that.</param>
    /// <param name="ct">Cancels.</param>
    public static Task<CurrentAccess?> OfAsync(
        ScopedTransaction tx,
        TokenOrigin origin,
        Guid? org,
        Instant now,
        bool lockRows,
        CancellationToken ct
    ) =>
        origin.Session is { } session ? OfSessionAsync(tx, session, origin.User, org, now, lockRows, ct)
        : org is { } named ? OfKeyAsync(tx, origin, named, now, lockRows, ct)
        : Task.FromResult<CurrentAccess?>(null);

    /// <summary>The person's role in those of the orgs that they are a member of; in none when the session has ended.</summary>
    public static async Task<IReadOnlyList<(Guid Org, string Role)>> MembershipsAsync(
        ScopedTransaction tx,
        TokenOrigin origin,
        Guid[] orgs,
        Instant now,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT m.org_id, m.role FROM memberships m WHERE m.org_id = ANY($1) AND m.user_id = $2 AND EXISTS (
              SELECT 1 FROM sessions s WHERE s.id = $3 AND s.user_id = $2 AND s.ended_at IS NULL AND s.expires_at > $4)
            """
        );
        command.Bind(orgs).Bind(origin.User).Bind(origin.Session!.Value).Bind(now);
        var found = new List<(Guid, string)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            found.Add((reader.GetGuid(0), reader.GetString(1)));
        return found;
    }

    private static async Task<CurrentAccess?> OfSessionAsync(
        ScopedTransaction tx,
        Guid session,
        Guid user,
        Guid? org,
        Instant now,
        bool lockRows,
        CancellationToken ct
    )
    {
        bool platform;
        await using (
            var command = tx.Command(
                lockRows
                    ? """
                    SELECT u.is_platform_admin FROM sessions s JOIN users u ON u.id = s.user_id
                    WHERE s.id = $1 AND s.user_id = $2 AND s.ended_at IS NULL AND s.expires_at > $3 FOR SHARE OF s
                    """
                    : """
                    SELECT u.is_platform_admin FROM sessions s JOIN users u ON u.id = s.user_id
                    WHERE s.id = $1 AND s.user_id = $2 AND s.ended_at IS NULL AND s.expires_at > $3
                    """
            )
        )
        {
            command.Bind(session).Bind(user).Bind(now);
            if (await command.ExecuteScalarAsync(ct) is not bool operates)
                return null;
            platform = operates;
        }

        if (org is null)
            return platform ? new CurrentAccess(null, [], platform) : null;
        await using var membership = tx.Command(
            lockRows
                ? "SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2 FOR SHARE"
                : "SELECT role FROM memberships WHERE org_id = $1 AND user_id = $2"
        );
        membership.Bind(org.Value).Bind(user);
        return await membership.ExecuteScalarAsync(ct) is string role ? new CurrentAccess(role, Roles.ScopesOf(role), platform) : null;
    }

    private static async Task<CurrentAccess?> OfKeyAsync(
        ScopedTransaction tx,
        TokenOrigin origin,
        Guid org,
        Instant now,
        bool lockRows,
        CancellationToken ct
    )
    {
        var (from, to) = origin.SecretRange();
        // Not FOR SHARE: two rotations by one key would both hold that and wait for each other to let go.
        await using var command = tx.Command(
            lockRows
                ? """
                SELECT k.scopes FROM api_keys k JOIN api_key_lookup l ON l.org_id = k.org_id AND l.key_id = k.id
                WHERE k.org_id = $1 AND k.id = $2 AND l.secret_hash BETWEEN $3 AND $4 AND k.revoked_at IS NULL
                  AND (k.expires_at IS NULL OR k.expires_at > $5) AND (l.valid_until IS NULL OR l.valid_until > $5) FOR NO KEY UPDATE OF k
                """
                : """
                SELECT k.scopes FROM api_keys k JOIN api_key_lookup l ON l.org_id = k.org_id AND l.key_id = k.id
                WHERE k.org_id = $1 AND k.id = $2 AND l.secret_hash BETWEEN $3 AND $4 AND k.revoked_at IS NULL
                  AND (k.expires_at IS NULL OR k.expires_at > $5) AND (l.valid_until IS NULL OR l.valid_until > $5)
                """
        );
        command.Bind(org).Bind(origin.Key).Bind(from).Bind(to).Bind(now);
        return await command.ExecuteScalarAsync(ct) is string[] scopes ? new CurrentAccess(null, scopes, Platform: false) : null;
    }
}
