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
/// Verdicts on API keys, kept by the key's SHA-256. A verdict is fresh for <see cref="FreshFor"/> and renewed from half of that on, by one question
/// for all who wait; when Identity cannot be reached a known good one serves up to <see cref="StaleFor"/>. At most <see cref="Capacity"/> keys
/// are remembered. A cache library that does the same was measured at 50 µs a request, half of what an event costs (docs/adr/0010).
/// </summary>
internal sealed class ApiKeyCache(IApiKeySource source, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan StaleFor = TimeSpan.FromMinutes(15);
    public const int Capacity = 20_000;

    private readonly MemoryCache entries = new(new MemoryCacheOptions { SizeLimit = Capacity });

    /// <exception cref="RpcException">Identity cannot be reached and the key is not known.</exception>
    /// <exception cref="NpgsqlException">The same, in Identity itself.</exception>
    public async ValueTask<KnownApiKey> ValidateAsync(string apiKey, CancellationToken ct)
    {
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(apiKey)).AsSpan(0, 16));
        var entry = entries.TryGetValue(id, out Entry? remembered) ? remembered! : entries.Set(id, new Entry(), new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = StaleFor });
        var (known, now) = (entry.Known, time.GetUtcNow());
        if (known is not null && now - known.At < FreshFor / 2) return known;
        var asking = entry.Ask(now, () => AskAsync(apiKey));
        if (known is not null && now - known.At < FreshFor) return known;
        try
        {
            return await asking.WaitAsync(ct);
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException && known is { Principal: not null } && now - known.At < StaleFor)
        {
            return known;
        }
    }

    public void Dispose() => entries.Dispose();

    /// <summary>Whoever asked first may go away while others wait, so nobody's cancellation ends it; the call has a deadline of its own.</summary>
    private async Task<KnownApiKey> AskAsync(string apiKey)
    {
        // It holds from when it was asked for, not from when the answer came.
        var asked = time.GetUtcNow();
        var verdict = await source.ValidateAsync(apiKey, CancellationToken.None);
        return new KnownApiKey(verdict, verdict.Verdict == ApiKeyVerdict.Valid ? ApiKeyAuthenticationHandler.PrincipalOf(verdict) : null, asked);
    }

    private sealed class Entry
    {
        private readonly Lock gate = new();
        private volatile KnownApiKey? known;
        private Task<KnownApiKey>? asking;
        private DateTimeOffset askedAt;

        public KnownApiKey? Known => known;

        /// <summary>Joins the question under way, unless that was asked too long ago: its answer may be from before a revocation.</summary>
        public Task<KnownApiKey> Ask(DateTimeOffset now, Func<Task<KnownApiKey>> ask)
        {
            lock (gate)
            {
                if (asking is { IsCompleted: false } && now - askedAt < FreshFor) return asking;
                askedAt = now;
                return asking = KeepAsync(ask());
            }
        }

        private async Task<KnownApiKey> KeepAsync(Task<KnownApiKey> answer)
        {
            var given = await answer;
            // A slow answer does not take the place of one to a later question.
            lock (gate) known = known is { } other && other.At > given.At ? other : given;
            return given;
        }
    }
}
