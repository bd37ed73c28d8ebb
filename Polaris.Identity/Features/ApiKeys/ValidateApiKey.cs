using NodaTime;
using Npgsql;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>Whose key is this, and does it still hold?</summary>
internal sealed class ValidateApiKey(NpgsqlDataSource database, TimeProvider time) : IApiKeySource
{
    public async Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct)
    {
        if (ApiKeySecrets.HashOf(apiKey) is not { } hash) return new ValidateApiKeyResponse { Verdict = ApiKeyVerdict.Unknown };
        await using var tx = await database.BeginGateAsync(Gate.ValidateApiKey, ct);
        await using var command = tx.Command("""
            SELECT k.org_id, k.id, k.scopes, k.backfill, k.revoked_at, k.expires_at
            FROM api_key_lookup l JOIN api_keys k ON k.org_id = l.org_id AND k.id = l.key_id WHERE l.secret_hash = $1
            """);
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        await using var reader = await command.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct)) return new ValidateApiKeyResponse { Verdict = ApiKeyVerdict.Unknown };
        if (!await reader.IsDBNullAsync(4, ct)) return new ValidateApiKeyResponse { Verdict = ApiKeyVerdict.Revoked };
        if (!await reader.IsDBNullAsync(5, ct) && await reader.GetFieldValueAsync<Instant>(5, ct) <= Instant.FromDateTimeOffset(time.GetUtcNow()))
            return new ValidateApiKeyResponse { Verdict = ApiKeyVerdict.Expired };
        var response = new ValidateApiKeyResponse
        {
            Verdict = ApiKeyVerdict.Valid,
            OrgId = reader.GetGuid(0).ToString(),
            KeyId = reader.GetGuid(1).ToString(),
            Backfill = reader.GetBoolean(3),
        };
        response.Scopes.AddRange(await reader.GetFieldValueAsync<string[]>(2, ct));
        return response;
    }
}
