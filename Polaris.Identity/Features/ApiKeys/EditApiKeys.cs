using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>A new key and its secret, which nobody sees again.</summary>
internal sealed record CreatedApiKey(ApiKeyRow Key, string Secret);

/// <summary>Creates, lists and revokes API keys of the caller's org.</summary>
internal sealed partial class EditApiKeys(OrgsDbContext db, TenantScope tenant, TimeProvider time, ILogger<EditApiKeys> log)
{
    public const int MaxNameLength = 100;

    public async Task<CreatedApiKey> CreateAsync(string name, IReadOnlyList<string> scopes, bool backfill, CancellationToken ct)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxNameLength || name.Contains('\0', StringComparison.Ordinal))
            throw new RefusedException(Refusal.Invalid("input.name", "invalid_name", $"A key's name has 1 to {MaxNameLength} characters."));
        if (scopes.Count == 0) throw new RefusedException(Refusal.Invalid("input.scopes", "missing_scope", "A key holds at least one scope."));
        for (var i = 0; i < scopes.Count; i++)
        {
            if (!Scopes.OfApiKeys.Contains(scopes[i]))
                throw new RefusedException(Refusal.Invalid($"input.scopes[{i}]", "unknown_scope", $"A scope is one of {string.Join(", ", Scopes.OfApiKeys)}."));
        }

        var created = await db.InTransactionAsync(async token =>
        {
            var fresh = New(tenant.RequireOrg(), name, scopes, backfill);
            await db.SaveChangesAsync(token);
            return fresh;
        }, ct);
        LogCreated(created.Key.Id, created.Key.OrgId);
        return created;
    }

    /// <summary>Adds the key to the context; the caller saves.</summary>
    public CreatedApiKey New(Guid org, string name, IReadOnlyList<string> scopes, bool backfill)
    {
        var now = time.GetUtcNow();
        var (secret, prefix) = ApiKeySecrets.Create();
        var key = new ApiKeyRow
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            Name = name,
            Prefix = prefix,
            Scopes = [.. scopes.Distinct()],
            Backfill = backfill,
            CreatedAt = Instant.FromDateTimeOffset(now),
        };
        db.ApiKeys.Add(key);
        db.ApiKeyLookup.Add(new ApiKeyLookupRow { SecretHash = ApiKeySecrets.HashOf(secret)!, OrgId = org, KeyId = key.Id });
        return new CreatedApiKey(key, secret);
    }

    /// <summary>Takes effect everywhere within a second. Revoking a revoked key returns it as it is.</summary>
    public Task<ApiKeyRow> RevokeAsync(Guid id, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        var key = await db.ApiKeys.SingleOrDefaultAsync(row => row.Id == id, token) ?? throw new RefusedException(Refusal.NotFound("API key"));
        if (key.RevokedAt is not null) return key;
        key.RevokedAt = Instant.FromDateTimeOffset(time.GetUtcNow());
        await db.SaveChangesAsync(token);
        LogRevoked(key.Id, key.OrgId);
        return key;
    }, ct);

    public Task<List<ApiKeyRow>> ListAsync(CancellationToken ct) => db.InTransactionAsync(token =>
        db.ApiKeys.AsNoTracking().OrderByDescending(row => row.CreatedAt).ThenBy(row => row.Id).ToListAsync(token), ct);

    [LoggerMessage(Level = LogLevel.Information, Message = "API key {KeyId} of org {OrgId} was created.")]
    private partial void LogCreated(Guid keyId, Guid orgId);

    [LoggerMessage(Level = LogLevel.Information, Message = "API key {KeyId} of org {OrgId} was revoked.")]
    private partial void LogRevoked(Guid keyId, Guid orgId);
}
