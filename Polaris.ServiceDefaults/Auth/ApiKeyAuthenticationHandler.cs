using System.Security.Claims;
using System.Text.Encodings.Web;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>Authenticates <c>Authorization: Bearer pk_…</c>.</summary>
internal sealed class ApiKeyAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    ApiKeyCache keys,
    KeyGuesses guesses
) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";

    /// <summary>Prefix of every key; any other token is treated as a JWT.</summary>
    public const string Prefix = "pk_";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var key = PolarisAuthentication.BearerToken(Request);
        if (key is null)
            return AuthenticateResult.NoResult();
        var address = ClientAddress.Of(Context);
        if (!keys.IsKnown(key) && guesses.BlockedFor(address) is { } wait)
        {
            Context.Items[PolarisAuthentication.ThrottledItem] = wait;
            return AuthenticateResult.Fail("Too many unknown API keys.");
        }

        KnownApiKey known;
        try
        {
            known = await keys.ValidateAsync(key, Context.RequestAborted);
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException)
        {
            Context.Items[PolarisAuthentication.UnavailableItem] = true;
            return AuthenticateResult.Fail(exception);
        }

        if (known.Principal is { } principal)
            return AuthenticateResult.Success(new AuthenticationTicket(principal, SchemeName));
        if (known.Verdict.Verdict == ApiKeyVerdict.Unknown)
            guesses.Count(address);
        Context.Items[PolarisAuthentication.VerdictItem] = known.Verdict.Verdict;
        return AuthenticateResult.Fail("The API key is not valid.");
    }

    /// <summary>The principal of a valid key.</summary>
    internal static ClaimsPrincipal PrincipalOf(ValidateApiKeyResponse verdict)
    {
        var identity = new ClaimsIdentity(
            [
                new Claim("sub", verdict.KeyId),
                new Claim(PolarisClaims.ApiKeyId, verdict.KeyId),
                new Claim(PolarisClaims.Org, verdict.OrgId),
                new Claim(PolarisClaims.Scope, string.Join(' ', verdict.Scopes)),
                new Claim(PolarisClaims.Origin, verdict.Origin),
            ],
            SchemeName,
            "sub",
            PolarisClaims.Role
        );
        if (verdict.Backfill)
            identity.AddClaim(new Claim(PolarisClaims.Backfill, "true"));
        return new ClaimsPrincipal(identity);
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => PolarisAuthentication.ChallengeAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => PolarisAuthentication.ForbidAsync(Context);
}
