using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;
using Polaris.Identity.V1;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>Looks an API key up where keys live: over gRPC in most services, in the database in Identity itself.</summary>
public interface IApiKeySource
{
    Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct);
}

internal sealed class IdentityApiKeySource(Identity.V1.Identity.IdentityClient identity) : IApiKeySource
{
    public async Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct) =>
        await identity.ValidateApiKeyAsync(new ValidateApiKeyRequest { ApiKey = apiKey }, deadline: null, cancellationToken: ct);
}

/// <summary>What Identity said of a key, when, and, of a valid one, who it speaks for.</summary>
internal sealed record KnownApiKey(ValidateApiKeyResponse Verdict, ClaimsPrincipal? Principal, DateTimeOffset At);

/// <summary>
/// Verdicts on API keys, kept by the key's SHA-256: a verdict is fresh for <see cref="FreshFor"/>; when Identity cannot be reached a known
/// good one serves up to <see cref="StaleFor"/>. At most <see cref="Capacity"/> keys are remembered.
/// </summary>
internal sealed class ApiKeyCache(IApiKeySource source, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan StaleFor = TimeSpan.FromMinutes(15);
    public const int Capacity = 20_000;

    private readonly MemoryCache verdicts = new(new MemoryCacheOptions { SizeLimit = Capacity });

    /// <exception cref="RpcException">Identity cannot be reached and the key is not known.</exception>
    /// <exception cref="NpgsqlException">The same, in Identity itself.</exception>
    public async ValueTask<KnownApiKey> ValidateAsync(string apiKey, CancellationToken ct)
    {
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(apiKey)).AsSpan(0, 16));
        var now = time.GetUtcNow();
        if (verdicts.TryGetValue(id, out KnownApiKey? remembered) && now - remembered!.At < FreshFor) return remembered;
        try
        {
            var verdict = await source.ValidateAsync(apiKey, ct);
            var known = new KnownApiKey(verdict, verdict.Verdict == ApiKeyVerdict.Valid ? ApiKeyAuthenticationHandler.PrincipalOf(verdict) : null, now);
            verdicts.Set(id, known, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = StaleFor });
            return known;
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException && remembered is { Verdict.Verdict: ApiKeyVerdict.Valid } && now - remembered.At < StaleFor)
        {
            return remembered;
        }
    }

    public void Dispose() => verdicts.Dispose();
}
