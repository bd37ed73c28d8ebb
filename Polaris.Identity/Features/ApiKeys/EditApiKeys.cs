using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Identity.Features.ApiKeys;

/// <summary>The settings of a new key.</summary>
internal sealed record NewApiKey(string Name, IReadOnlyList<string> Scopes, bool Backfill = false, Instant? ExpiresAt = null);

/// <summary>A key with its secret, which is shown only once.</summary>
internal sealed record CreatedApiKey(ApiKeyRow Key, string Secret);

/// <summary>Creates, lists, rotates and revokes API keys of the caller's org.</summary>
internal sealed partial class EditApiKeys(
    OrgsDbContext db,
    CallerAccess caller,
    AuditLog audit,
    TenantScope tenant,
    TimeProvider time,
    ILogger<EditApiKeys> log
)
{
    public const int MaxNameLength = 100;

    /// <summary>How long the previous secret keeps working after a rotation, by default.</summary>
    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromDays(1);

    public static readonly TimeSpan MaxOverlap = TimeSpan.FromDays(30);

    private Instant Now => time.GetCurrentInstant();

    public async Task<CreatedApiKey> CreateAsync(NewApiKey wanted, CancellationToken ct)
    {
        Validate(wanted);
        var created = await db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                var fresh = New(tenant.RequireOrg(), wanted);
                audit.Add(AuditActions.KeyCreated, fresh.Key.Id, $"{fresh.Key.Prefix} with {string.Join(' ', fresh.Key.Scopes)}");
                await db.SaveChangesAsync(token);
                return fresh;
            },
            ct
        );
        LogCreated(created.Key.Id, created.Key.OrgId);
        return created;
    }

    /// <summary>Adds the key to the context; the caller saves.</summary>
    public CreatedApiKey New(Guid org, NewApiKey wanted)
    {
        var now = time.GetUtcNow();
        var (secret, prefix) = ApiKeySecrets.Create();
        var key = new ApiKeyRow
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            Name = wanted.Name,
            Prefix = prefix,
            Scopes = [.. wanted.Scopes.Distinct()],
            Backfill = wanted.Backfill,
            CreatedAt = Instant.FromDateTimeOffset(now),
            ExpiresAt = wanted.ExpiresAt,
        };
        db.ApiKeys.Add(key);
        db.ApiKeyLookup.Add(
            new ApiKeyLookupRow
            {
                SecretHash = ApiKeySecrets.HashOf(secret)!,
                OrgId = org,
                KeyId = key.Id,
            }
        );
        return new CreatedApiKey(key, secret);
    }

    /// <summary>
    /// Rotates the key's secret; id, prefix, scopes and expiry stay. The current secret works until the overlap ends, at most; an older one
    /// that was already rotated keeps its earlier end.
    /// </summary>
    public async Task<CreatedApiKey> RotateAsync(Guid id, TimeSpan overlap, CancellationToken ct)
    {
        if (overlap < TimeSpan.Zero || overlap > MaxOverlap)
            throw new RefusedException(
                Refusal.Invalid("overlap", "out_of_range", $"'overlap' must be 0 to {MaxOverlap.TotalSeconds:0} seconds.")
            );
        var org = tenant.RequireOrg();
        var rotated = await db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                // Rotations of a key are serialized: two concurrent ones could both leave their secret without an end.
                var key =
                    await db
                        .ApiKeys.FromSql($"SELECT * FROM api_keys WHERE org_id = {org} AND id = {id} FOR UPDATE")
                        .SingleOrDefaultAsync(token)
                    ?? throw new RefusedException(Refusal.NotFound("API key"));
                var now = Now;
                if (key.RevokedAt is not null || key.ExpiresAt <= now)
                    throw new RefusedException(Refusal.Conflict("key_not_valid", "The key was revoked or has expired. Create a new one."));
                var until = now + Duration.FromTimeSpan(overlap);
                foreach (var earlier in await db.ApiKeyLookup.Where(row => row.KeyId == id).ToListAsync(token))
                {
                    if (earlier.ValidUntil <= now)
                        db.ApiKeyLookup.Remove(earlier);
                    else if (earlier.ValidUntil is null || earlier.ValidUntil > until)
                        earlier.ValidUntil = until;
                }

                var (secret, _) = ApiKeySecrets.Create(key.Prefix);
                db.ApiKeyLookup.Add(
                    new ApiKeyLookupRow
                    {
                        SecretHash = ApiKeySecrets.HashOf(secret)!,
                        OrgId = org,
                        KeyId = id,
                    }
                );
                key.RotatedAt = now;
                audit.Add(AuditActions.KeyRotated, id, $"{key.Prefix}, the previous secret until {until}");
                await db.SaveChangesAsync(token);
                return new CreatedApiKey(key, secret);
            },
            ct
        );
        LogRotated(id, org);
        return rotated;
    }

    /// <summary>Takes effect in all services within a second. Revoking a revoked key returns it unchanged.</summary>
    public Task<ApiKeyRow> RevokeAsync(Guid id, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                await caller.RequireAsync(Scopes.Admin, token);
                var key =
                    await db.ApiKeys.SingleOrDefaultAsync(row => row.Id == id, token)
                    ?? throw new RefusedException(Refusal.NotFound("API key"));
                if (key.RevokedAt is not null)
                    return key;
                key.RevokedAt = Now;
                audit.Add(AuditActions.KeyRevoked, key.Id, key.Prefix);
                await db.SaveChangesAsync(token);
                LogRevoked(key.Id, key.OrgId);
                return key;
            },
            ct
        );

    public Task<List<ApiKeyRow>> ListAsync(CancellationToken ct) =>
        db.InTransactionAsync(
            token => db.ApiKeys.AsNoTracking().OrderByDescending(row => row.CreatedAt).ThenBy(row => row.Id).ToListAsync(token),
            ct
        );

    private void Validate(NewApiKey wanted)
    {
        if (
            string.IsNullOrWhiteSpace(wanted.Name)
            || wanted.Name.Length > MaxNameLength
            || wanted.Name.Contains('\0', StringComparison.Ordinal)
        )
            throw new RefusedException(Refusal.Invalid("input.name", "invalid_name", $"'name' must have 1 to {MaxNameLength} characters."));
        if (wanted.Scopes.Count == 0)
            throw new RefusedException(Refusal.Invalid("input.scopes", "missing_scope", "'scopes' must have at least one scope."));
        for (var i = 0; i < wanted.Scopes.Count; i++)
        {
            if (!Scopes.OfApiKeys.Contains(wanted.Scopes[i]))
                throw new RefusedException(
                    Refusal.Invalid($"input.scopes[{i}]", "unknown_scope", $"A scope must be one of {string.Join(", ", Scopes.OfApiKeys)}.")
                );
        }

        if (wanted.ExpiresAt <= Now)
            throw new RefusedException(Refusal.Invalid("input.expiresAt", "in_the_past", "'expiresAt' must be in the future."));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "API key {KeyId} of org {OrgId} was created.")]
    private partial void LogCreated(Guid keyId, Guid orgId);

    [LoggerMessage(Level = LogLevel.Information, Message = "API key {KeyId} of org {OrgId} was rotated.")]
    private partial void LogRotated(Guid keyId, Guid orgId);

    [LoggerMessage(Level = LogLevel.Information, Message = "API key {KeyId} of org {OrgId} was revoked.")]
    private partial void LogRevoked(Guid keyId, Guid orgId);
}
