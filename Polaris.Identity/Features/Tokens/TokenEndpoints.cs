using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Auth;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Polaris.ServiceDefaults.Auth.Scopes;

namespace Polaris.Identity.Features.Tokens;

/// <summary>The OAuth endpoints. OpenIddict has validated clients, redirects, codes and PKCE before these run.</summary>
internal static class TokenEndpoints
{
    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    /// <summary>Parameter of <c>/connect/authorize</c>: the org to sign in to, for members of several.</summary>
    private const string OrgParameter = "org";

    /// <summary><c>/connect/authorize</c>: issues a code to a signed-in person; others are redirected to the sign-in page first.</summary>
    public static async Task<IResult> AuthorizeAsync(
        HttpContext context,
        UserManager<User> users,
        Sessions sessions,
        FindMembership memberships,
        IOpenIddictApplicationManager clients
    )
    {
        var request = context.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("Not an OpenID Connect request.");
        var session = await context.AuthenticateAsync(IdentityConstants.ApplicationScheme);
        if (
            session.Principal is not { } visitor
            || SessionOf(visitor) is not { } claimed
            || await sessions.FindOpenAsync(claimed.Session, claimed.User, context.RequestAborted) is not { } open
            || await users.FindByIdAsync(claimed.User.ToString()) is not { } user
        )
        {
            if (request.HasPromptValue(PromptValues.None))
                return Forbid(Errors.LoginRequired, "The user is not signed in.");
            return Results.Redirect(
                "/account/login?returnUrl="
                    + Uri.EscapeDataString(context.Request.PathBase + context.Request.Path + context.Request.QueryString)
            );
        }

        var org = (string?)request.GetParameter(OrgParameter);
        if (org is not null && !Guid.TryParse(org, out _))
            return Forbid(Errors.InvalidRequest, "'org' must be the id of an org.");
        var (identity, scopes, refusal) = await GrantAsync(
            user,
            open.Id,
            request.GetScopes(),
            org is null ? null : Guid.Parse(org),
            memberships,
            remember: true,
            context.RequestAborted
        );
        if (identity is null)
            return refusal!;
        // All codes and refresh tokens of a session belong to one authorization, so that its end revokes them.
        var client =
            await clients.FindByClientIdAsync(request.ClientId!, context.RequestAborted)
            ?? throw new InvalidOperationException("OpenIddict has found the client.");
        identity.SetScopes(scopes);
        identity.SetAuthorizationId(
            await sessions.AuthorizationAsync(
                open,
                identity,
                (await clients.GetIdAsync(client, context.RequestAborted))!,
                context.RequestAborted
            )
        );
        return SignIn(identity, scopes);
    }

    /// <summary>
    /// <c>/connect/token</c>: client credentials for services, codes and refresh tokens for people, exchange of API keys.
    /// </summary>
    public static async Task<IResult> TokenAsync(
        HttpContext context,
        UserManager<User> users,
        Sessions sessions,
        FindMembership memberships
    )
    {
        var request = context.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("Not an OpenID Connect request.");
        if (request.IsClientCredentialsGrantType())
        {
            var service = NewIdentity();
            service.SetClaim(Claims.Subject, request.ClientId);
            return SignIn(service, request.GetScopes());
        }

        var ticket = await context.AuthenticateAsync(Scheme);
        if (ticket.Principal is not { } principal)
            return Forbid(Errors.InvalidGrant, "The grant is not valid.");
        if (request.IsTokenExchangeGrantType())
            return Exchange(principal, request.GetScopes());

        // A code or refresh token names the session and the org; the current role is read again, since it may have changed.
        if (
            SessionOf(principal) is not { } claimed
            || await sessions.FindOpenAsync(claimed.Session, claimed.User, context.RequestAborted) is null
            || await users.FindByIdAsync(claimed.User.ToString()) is not { } user
        )
            return Forbid(Errors.InvalidGrant, "The session has ended.");
        var (identity, scopes, refusal) = await GrantAsync(
            user,
            claimed.Session,
            principal.GetScopes(),
            principal.OrgId(),
            memberships,
            remember: false,
            context.RequestAborted
        );
        return identity is null ? refusal! : SignIn(identity, scopes);
    }

    /// <summary>
    /// <c>/connect/logout</c>: ends the session of the sign-in page, that of the ID token which a client sends along, and all tokens made
    /// from either.
    /// </summary>
    public static async Task<IResult> EndSessionAsync(HttpContext context, Sessions sessions, AuditLog audit)
    {
        foreach (var scheme in new[] { IdentityConstants.ApplicationScheme, Scheme })
        {
            var ticket = await context.AuthenticateAsync(scheme);
            if (ticket.Principal is not { } visitor || SessionOf(visitor) is not { } claimed)
                continue;
            if (await sessions.FindOpenAsync(claimed.Session, claimed.User, context.RequestAborted) is null)
                continue;
            await sessions.EndAsync(claimed.Session, claimed.User, context.RequestAborted);
            await audit.WriteForUserAsync(claimed.User, AuditActions.SignedOut, context.RequestAborted);
        }

        await context.SignOutAsync(IdentityConstants.ApplicationScheme);
        return Results.SignOut(new AuthenticationProperties { RedirectUri = "/" }, [Scheme]);
    }

    /// <summary>The session that a cookie, code, refresh token or ID token names.</summary>
    private static (Guid Session, Guid User)? SessionOf(ClaimsPrincipal visitor) =>
        Guid.TryParse(visitor.FindFirstValue(SignInPage.SessionClaim), out var session)
        && Guid.TryParse(visitor.FindFirstValue(Claims.Subject), out var user)
            ? (session, user)
            : null;

    /// <summary>The person as a token describes them, and the scopes of their role; or why there is no token.</summary>
    private static async Task<(ClaimsIdentity? Identity, string[] Scopes, IResult? Refusal)> GrantAsync(
        User user,
        Guid session,
        IEnumerable<string> requested,
        Guid? org,
        FindMembership memberships,
        bool remember,
        CancellationToken ct
    )
    {
        var asked = requested.ToArray();
        var operates = user.IsPlatformAdmin && asked.Any(Scopes.OfInstallation);
        var membership = await memberships.OfUserAsync(user.Id, org, ct);
        // A platform admin need not be a member of any org.
        if (membership is null && !(operates && org is null))
            return (null, [], Forbid(remember ? Errors.AccessDenied : Errors.InvalidGrant, "The account is not a member of the org."));
        if (remember && membership is not null)
            await memberships.UsedAsync(user.Id, membership.OrgId, ct);
        var identity = NewIdentity();
        identity
            .SetClaim(Claims.Subject, user.Id.ToString())
            .SetClaim(Claims.Email, user.Email)
            .SetClaim(PolarisClaims.Org, membership?.OrgId.ToString())
            .SetClaim(Claims.Role, membership?.Role)
            .SetClaim(SignInPage.SessionClaim, session.ToString())
            .SetClaim(PolarisClaims.Origin, TokenOrigin.OfSession(session, user.Id).ToString());
        var allowed = membership is null ? [] : Roles.ScopesOf(membership.Role);
        return (
            identity,
            [
                .. asked.Where(scope =>
                    Scopes.OfInstallation(scope)
                        ? operates
                        : scope is not (Scopes.Read or Scopes.Billing or Scopes.Admin) || allowed.Contains(scope)
                ),
            ],
            null
        );
    }

    private static IResult Exchange(ClaimsPrincipal key, IReadOnlyList<string> asked)
    {
        if (ExchangeApiKey.Grant(key.GetScopes(), asked) is not { } granted)
            return Forbid(Errors.InvalidScope, "The API key does not have all of the requested scopes.");
        var identity = NewIdentity();
        foreach (
            var claim in key.Claims.Where(claim =>
                claim.Type
                    is Claims.Subject
                        or PolarisClaims.Org
                        or PolarisClaims.ApiKeyId
                        or PolarisClaims.Backfill
                        or PolarisClaims.Origin
            )
        )
            identity.SetClaim(claim.Type, claim.Value);
        identity.SetAccessTokenLifetime(ExchangeApiKey.Lifetime);
        return SignIn(identity, granted);
    }

    private static ClaimsIdentity NewIdentity() => new(Scheme, Claims.Subject, Claims.Role);

    private static IResult SignIn(ClaimsIdentity identity, IEnumerable<string> scopes)
    {
        identity.SetScopes(scopes);
        identity.SetResources(PolarisAuthentication.Audience);
        identity.SetDestinations(claim =>
            claim.Type is Claims.Subject or Claims.Email or SignInPage.SessionClaim
                ? [Destinations.AccessToken, Destinations.IdentityToken]
                : [Destinations.AccessToken]
        );
        return Results.SignIn(new ClaimsPrincipal(identity), authenticationScheme: Scheme);
    }

    private static IResult Forbid(string error, string description) =>
        Results.Forbid(
            new AuthenticationProperties(
                new Dictionary<string, string?>
                {
                    [OpenIddictServerAspNetCoreConstants.Properties.Error] = error,
                    [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = description,
                }
            ),
            [Scheme]
        );
}
