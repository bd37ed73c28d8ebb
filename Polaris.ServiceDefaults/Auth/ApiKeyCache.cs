using System.Diagnostics;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>Validates an API key: over gRPC in most services, in the database in Identity itself.</summary>
public interface IApiKeySource
{
    Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct);
}

internal sealed class IdentityApiKeySource(Identity.V1.Identity.IdentityClient identity) : IApiKeySource
{
    public async Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct) =>
        await identity.ValidateApiKeyAsync(new ValidateApiKeyRequest { ApiKey = apiKey }, deadline: null, cancellationToken: ct);
}

/// <summary>A cached verdict of Identity, its time, and the principal of a valid key.</summary>
internal sealed record KnownApiKey(ValidateApiKeyResponse Verdict, ClaimsPrincipal? Principal, DateTimeOffset At) : IVerdict
{
    public bool IsValid => Principal is not null;
}

/// <summary>Verdicts on API keys, cached by the key's SHA-256.</summary>
internal sealed class ApiKeyCache(IApiKeySource source, TimeProvider time) : VerdictCache<string, KnownApiKey>(time)
{
    protected override string SpanName => "validate API key";

    /// <inheritdoc cref="VerdictCache{TQuestion, TVerdict}.FindAsync"/>
    public ValueTask<KnownApiKey> ValidateAsync(string apiKey, CancellationToken ct) => FindAsync(IdOf(apiKey), apiKey, ct);

    /// <summary>Whether the key was valid lately.</summary>
    public bool IsKnown(string apiKey) => HasValid(IdOf(apiKey));

    private static Guid IdOf(string apiKey) => new(SHA256.HashData(Encoding.UTF8.GetBytes(apiKey)).AsSpan(0, 16));

    protected override async Task<KnownApiKey> AskAsync(string question, DateTimeOffset at, CancellationToken ct)
    {
        var span = Activity.Current;
        var verdict = await source.ValidateAsync(question, ct);
        if (Guid.TryParse(verdict.OrgId, out var org))
            span.SetOrgs(org);
        return new KnownApiKey(
            verdict,
            verdict.Verdict == ApiKeyVerdict.Valid ? ApiKeyAuthenticationHandler.PrincipalOf(verdict) : null,
            at
        );
    }
}
