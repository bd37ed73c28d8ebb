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

        return await IssueAsync(user, request.GetScopes(), memberships, context.RequestAborted);
    }

    /// <summary><c>/connect/token</c>: client credentials for services; codes and refresh tokens for people.</summary>
    public static async Task<IResult> TokenAsync(HttpContext context, UserManager<User> users, FindMembership memberships)
    {
        var request = context.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("Not an OpenID Connect request.");
        if (request.IsClientCredentialsGrantType())
        {
            var service = NewIdentity();
            service.SetClaim(Claims.Subject, request.ClientId);
            return SignIn(service, request.GetScopes());
        }

        // A code or refresh token names the person; what they may do is read anew, since it may have changed.
        var ticket = await context.AuthenticateAsync(Scheme);
        if (ticket.Principal?.GetClaim(Claims.Subject) is not { } id || await users.FindByIdAsync(id) is not { } user || await users.IsLockedOutAsync(user))
            return Forbid(Errors.InvalidGrant, "The account is not available.");
        return await IssueAsync(user, ticket.Principal.GetScopes(), memberships, context.RequestAborted);
    }

    /// <summary><c>/connect/logout</c>: ends the session of the sign-in page.</summary>
    public static async Task<IResult> EndSessionAsync(HttpContext context)
    {
        await context.SignOutAsync(IdentityConstants.ApplicationScheme);
        return Results.SignOut(new AuthenticationProperties { RedirectUri = "/" }, [Scheme]);
    }

    private static async Task<IResult> IssueAsync(User user, IEnumerable<string> requested, FindMembership memberships, CancellationToken ct)
    {
        if (await memberships.OfUserAsync(user.Id, ct) is not { } membership) return Forbid(Errors.AccessDenied, "The account belongs to no org.");
        var identity = NewIdentity();
        identity.SetClaim(Claims.Subject, user.Id.ToString()).SetClaim(Claims.Email, user.Email)
            .SetClaim(PolarisClaims.Org, membership.OrgId.ToString()).SetClaim(Claims.Role, membership.Role);
        var allowed = Roles.ScopesOf(membership.Role);
        return SignIn(identity, requested.Where(scope => scope is not (Scopes.Read or Scopes.Admin) || allowed.Contains(scope)));
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
