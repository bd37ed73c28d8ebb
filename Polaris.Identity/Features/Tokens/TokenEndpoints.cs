using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Polaris.ServiceDefaults.Auth.Scopes;

namespace Polaris.Identity.Features.Tokens;

/// <summary>OAuth's endpoints; OpenIddict has checked clients, redirects, codes and PKCE before these run.</summary>
internal static class TokenEndpoints
{
    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    /// <summary>Of <c>/connect/authorize</c>: the org to sign in to, for members of several.</summary>
    private const string OrgParameter = "org";

    /// <summary><c>/connect/authorize</c>: a code for whoever is signed in; others go to the sign-in page and come back.</summary>
    public static async Task<IResult> AuthorizeAsync(HttpContext context, UserManager<User> users, FindMembership memberships)
    {
        var request = context.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("Not an OpenID Connect request.");
        var session = await context.AuthenticateAsync(IdentityConstants.ApplicationScheme);
        if (session.Principal?.FindFirstValue(Claims.Subject) is not { } id || await users.FindByIdAsync(id) is not { } user)
        {
            if (request.HasPromptValue(PromptValues.None)) return Forbid(Errors.LoginRequired, "Nobody is signed in.");
            return Results.Redirect("/account/login?returnUrl=" + Uri.EscapeDataString(context.Request.PathBase + context.Request.Path + context.Request.QueryString));
        }

        var org = (string?)request.GetParameter(OrgParameter);
        if (org is not null && !Guid.TryParse(org, out _)) return Forbid(Errors.InvalidRequest, "'org' is the id of an org.");
        return await IssueAsync(user, request.GetScopes(), org is null ? null : Guid.Parse(org), memberships, remember: true, context.RequestAborted);
    }

    /// <summary><c>/connect/token</c>: client credentials for services; codes and refresh tokens for people; API keys to exchange.</summary>
    public static async Task<IResult> TokenAsync(HttpContext context, UserManager<User> users, FindMembership memberships)
    {
        var request = context.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("Not an OpenID Connect request.");
        if (request.IsClientCredentialsGrantType())
        {
            var service = NewIdentity();
            service.SetClaim(Claims.Subject, request.ClientId);
            return SignIn(service, request.GetScopes());
        }

        var ticket = await context.AuthenticateAsync(Scheme);
        if (ticket.Principal is not { } principal) return Forbid(Errors.InvalidGrant, "The grant is not valid.");
        if (request.IsTokenExchangeGrantType()) return Exchange(principal, request.GetScopes());

        // A code or refresh token names the person and the org; what they may do there is read anew, since it may have changed.
        if (principal.GetClaim(Claims.Subject) is not { } id || await users.FindByIdAsync(id) is not { } user || await users.IsLockedOutAsync(user))
            return Forbid(Errors.InvalidGrant, "The account is not available.");
        return await IssueAsync(user, principal.GetScopes(), principal.OrgId(), memberships, remember: false, context.RequestAborted);
    }

    /// <summary><c>/connect/logout</c>: ends the session of the sign-in page.</summary>
    public static async Task<IResult> EndSessionAsync(HttpContext context)
    {
        await context.SignOutAsync(IdentityConstants.ApplicationScheme);
        return Results.SignOut(new AuthenticationProperties { RedirectUri = "/" }, [Scheme]);
    }

    private static async Task<IResult> IssueAsync(User user, IEnumerable<string> requested, Guid? org, FindMembership memberships, bool remember, CancellationToken ct)
    {
        var asked = requested.ToArray();
        var operates = user.IsPlatformAdmin && asked.Contains(Scopes.Platform);
        var membership = await memberships.OfUserAsync(user.Id, org, ct);
        // An operator need not be a member of any org.
        if (membership is null && !(operates && org is null)) return Forbid(remember ? Errors.AccessDenied : Errors.InvalidGrant, "The account is not a member of the org.");
        if (remember && membership is not null) await memberships.UsedAsync(user.Id, membership.OrgId, ct);
        var identity = NewIdentity();
        identity.SetClaim(Claims.Subject, user.Id.ToString()).SetClaim(Claims.Email, user.Email)
            .SetClaim(PolarisClaims.Org, membership?.OrgId.ToString()).SetClaim(Claims.Role, membership?.Role);
        var allowed = membership is null ? [] : Roles.ScopesOf(membership.Role);
        return SignIn(identity, asked.Where(scope => scope == Scopes.Platform ? operates : scope is not (Scopes.Read or Scopes.Billing or Scopes.Admin) || allowed.Contains(scope)));
    }

    private static IResult Exchange(ClaimsPrincipal key, IReadOnlyList<string> asked)
    {
        if (ExchangeApiKey.Grant(key.GetScopes(), asked) is not { } granted) return Forbid(Errors.InvalidScope, "The API key does not hold all of these scopes.");
        var identity = NewIdentity();
        foreach (var claim in key.Claims.Where(claim => claim.Type is Claims.Subject or PolarisClaims.Org or PolarisClaims.ApiKeyId or PolarisClaims.Backfill)) identity.SetClaim(claim.Type, claim.Value);
        identity.SetAccessTokenLifetime(ExchangeApiKey.Lifetime);
        return SignIn(identity, granted);
    }

    private static ClaimsIdentity NewIdentity() => new(Scheme, Claims.Subject, Claims.Role);

    private static IResult SignIn(ClaimsIdentity identity, IEnumerable<string> scopes)
    {
        identity.SetScopes(scopes);
        identity.SetResources(PolarisAuthentication.Audience);
        identity.SetDestinations(claim => claim.Type is Claims.Subject or Claims.Email ? [Destinations.AccessToken, Destinations.IdentityToken] : [Destinations.AccessToken]);
        return Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: Scheme);
    }

    private static IResult Forbid(string error, string description) => Results.Forbid(
        new AuthenticationProperties(new Dictionary<string, string?>
        {
            [OpenIddictServerAspNetCoreConstants.Properties.Error] = error,
            [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = description,
        }),
        [Scheme]);
}
