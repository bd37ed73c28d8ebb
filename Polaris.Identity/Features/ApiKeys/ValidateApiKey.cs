using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Identity.Features.Access;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>Finds the org and scopes of a key, and whether it is valid.</summary>
internal sealed class ValidateApiKey(NpgsqlDataSource database, ApiKeyUse use, TimeProvider time) : IApiKeySource
{
    public async Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct)
    {
        if (ApiKeySecrets.HashOf(apiKey) is not { } hash)
            return Only(ApiKeyVerdict.Unknown);
        var (from, to) = ApiKeySecrets.RangeAround(hash);
        await using var tx = await database.BeginCrossOrgAsync(CrossOrgScope.ValidateApiKey, ct);
        await using var command = tx.Command(
            """
            SELECT k.org_id, k.id, k.scopes, k.backfill, k.revoked_at, k.expires_at, l.valid_until, l.secret_hash
            FROM api_key_lookup l JOIN api_keys k ON k.org_id = l.org_id AND k.id = l.key_id WHERE l.secret_hash BETWEEN $1 AND $2
            """
        );
        command.Bind(from).Bind(to);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            if (ApiKeySecrets.Same((byte[])reader[7], hash))
                return await VerdictAsync(reader, hash, ct);
        }

        return Only(ApiKeyVerdict.Unknown);
    }

    private async Task<ValidateApiKeyResponse> VerdictAsync(NpgsqlDataReader row, byte[] hash, CancellationToken ct)
    {
        var now = time.GetCurrentInstant();
        async Task<bool> IsPastAsync(int column) =>
            !await row.IsDBNullAsync(column, ct) && await row.GetFieldValueAsync<Instant>(column, ct) <= now;
        // A rotated secret is treated as revoked once the overlap has ended.
        if (!await row.IsDBNullAsync(4, ct) || await IsPastAsync(6))
            return Only(ApiKeyVerdict.Revoked);
        if (await IsPastAsync(5))
            return Only(ApiKeyVerdict.Expired);
        var (org, key) = (row.GetGuid(0), row.GetGuid(1));
        use.Record(org, key, now);
        var response = new ValidateApiKeyResponse
        {
            Verdict = ApiKeyVerdict.Valid,
            OrgId = org.ToString(),
            KeyId = key.ToString(),
            Backfill = row.GetBoolean(3),
            Origin = TokenOrigin.OfKey(key, hash).ToString(),
        };
        response.Scopes.AddRange(await row.GetFieldValueAsync<string[]>(2, ct));
        return response;
    }

    private static ValidateApiKeyResponse Only(ApiKeyVerdict verdict) => new() { Verdict = verdict };
}
