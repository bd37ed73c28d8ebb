using System.Security.Claims;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Auth;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Polaris.Identity.Features.Tokens;

/// <summary>
/// Accepts an API key as the subject token of a token exchange (RFC 8693). OpenIddict validates only its own tokens, so this handler
/// supplies the key's identity.
/// </summary>
internal sealed class ExchangeApiKey(IApiKeySource keys) : IOpenIddictServerHandler<ValidateTokenContext>
{
    /// <summary>The <c>subject_token_type</c> of an API key.</summary>
    public const string TokenType = "urn:polaris:api-key";

    /// <summary>
    /// Revoking a key ends the tokens exchanged for it; they are short-lived nevertheless, since a key gives the next one.
    /// </summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    public static OpenIddictServerHandlerDescriptor Descriptor { get; } =
        OpenIddictServerHandlerDescriptor
            .CreateBuilder<ValidateTokenContext>()
            .UseScopedHandler<ExchangeApiKey>()
            .SetOrder(int.MinValue)
            .SetType(OpenIddictServerHandlerType.Custom)
            .Build();

    public async ValueTask HandleAsync(ValidateTokenContext context)
    {
        if (!context.ValidTokenTypes.Contains(TokenType))
            return;
        var verdict = await keys.ValidateAsync(context.Token ?? "", context.CancellationToken);
        if (verdict.Verdict != ApiKeyVerdict.Valid)
        {
            context.Reject(Errors.InvalidRequest, "The subject token is not a valid API key.");
            return;
        }

        var identity = new ClaimsIdentity(TokenType, Claims.Subject, Claims.Role);
        identity
            .SetClaim(Claims.Subject, verdict.KeyId)
            .SetClaim(PolarisClaims.ApiKeyId, verdict.KeyId)
            .SetClaim(PolarisClaims.Org, verdict.OrgId)
            .SetClaim(PolarisClaims.Origin, verdict.Origin);
        if (verdict.Backfill)
            identity.SetClaim(PolarisClaims.Backfill, "true");
        identity.SetScopes(verdict.Scopes).SetPresenters(context.Request?.ClientId ?? "").SetTokenType(TokenType);
        context.Principal = new ClaimsPrincipal(identity);
    }

    /// <summary>The requested scopes, all of which the key must have; null when it does not.</summary>
    public static IReadOnlyList<string>? Grant(IReadOnlyList<string> held, IReadOnlyList<string> asked) =>
        asked.Count == 0 ? held
        : asked.All(scope => held.Any(granted => granted == scope || Polaris.ServiceDefaults.Auth.Scopes.Implies(granted, scope))) ? asked
        : null;
}
