using System.Security.Claims;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// An API key as the subject of a token exchange (RFC 8693): OpenIddict knows tokens of its own only, so this tells it whom the key speaks for.
/// </summary>
internal sealed class ExchangeApiKey(IApiKeySource keys) : IOpenIddictServerHandler<ValidateTokenContext>
{
    /// <summary>The <c>subject_token_type</c> of an API key.</summary>
    public const string TokenType = "urn:polaris:api-key";

    /// <summary>Revoking a key does not reach tokens that were made of it, so they live no longer than this.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    public static OpenIddictServerHandlerDescriptor Descriptor { get; } = OpenIddictServerHandlerDescriptor.CreateBuilder<ValidateTokenContext>()
        .UseScopedHandler<ExchangeApiKey>().SetOrder(int.MinValue).SetType(OpenIddictServerHandlerType.Custom).Build();

    public async ValueTask HandleAsync(ValidateTokenContext context)
    {
        if (!context.ValidTokenTypes.Contains(TokenType)) return;
        var verdict = await keys.ValidateAsync(context.Token ?? "", context.CancellationToken);
        if (verdict.Verdict != ApiKeyVerdict.Valid)
        {
            context.Reject(Errors.InvalidRequest, "The subject token is not a valid API key.");
            return;
        }

        var identity = new ClaimsIdentity(TokenType, Claims.Subject, Claims.Role);
        identity.SetClaim(Claims.Subject, verdict.KeyId).SetClaim(PolarisClaims.ApiKeyId, verdict.KeyId).SetClaim(PolarisClaims.Org, verdict.OrgId);
        if (verdict.Backfill) identity.SetClaim(PolarisClaims.Backfill, "true");
        identity.SetScopes(verdict.Scopes).SetPresenters(context.Request?.ClientId ?? "").SetTokenType(TokenType);
        context.Principal = new ClaimsPrincipal(identity);
    }

    /// <summary>What the token may do: what was asked for, as far as the key may; null when it may not.</summary>
    public static IReadOnlyList<string>? Grant(IReadOnlyList<string> held, IReadOnlyList<string> asked) =>
        asked.Count == 0 ? held : asked.All(scope => held.Any(one => one == scope || Polaris.ServiceDefaults.Auth.Scopes.Implies(one, scope))) ? asked : null;
}
