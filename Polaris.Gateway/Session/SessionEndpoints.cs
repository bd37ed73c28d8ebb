using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Gateway.Session;

/// <summary>The routes of the dashboard's session: who is signed in, signing in, signing out.</summary>
internal static class SessionEndpoints
{
    public const string Path = "/session";
    public const string SignInPath = "/session/sign-in";

    public static void MapDashboardSession(this WebApplication app)
    {
        app.MapGet(Path, (Delegate)ShowAsync).AllowAnonymous();
        app.MapGet(SignInPath, SignIn).AllowAnonymous();
        app.MapPost("/session/sign-out", SignOutAsync).AllowAnonymous();
    }

    /// <summary>The person as of now; null without a session.</summary>
    private static async Task<IResult> ShowAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (SessionRequests.HasSession(context) && context.User is { Identity.IsAuthenticated: true } user)
            return Results.Ok(
                new
                {
                    user = new
                    {
                        userId = user.FindFirstValue("sub"),
                        email = user.FindFirstValue(PolarisClaims.Email),
                        orgId = user.OrgId(),
                        role = user.FindFirstValue(PolarisClaims.Role),
                        scopes = user.HeldScopes(),
                    },
                }
            );
        if (PolarisAuthentication.IsUndecided(context))
            return Unavailable(context, "Whether the session goes on cannot be found out at the moment. Try again.");
        if (context.Request.Headers.Authorization.Count > 0)
            await context.SignOutAsync(DashboardSession.CookieScheme);
        return Results.Ok(new { user = (object?)null });
    }

    /// <summary>To Identity's page, and back to a page of the dashboard.</summary>
    private static IResult SignIn(HttpContext context, IConfiguration configuration, string? returnTo)
    {
        var publicUrl = new Uri(PolarisAuthentication.Issuer(configuration));
        // Opened by another name, such as 127.0.0.1: the cookies of the sign-in belong to the public one.
        if (!string.Equals(context.Request.Host.Host, publicUrl.Host, StringComparison.OrdinalIgnoreCase))
            return Results.Redirect(new Uri(publicUrl, context.Request.Path + context.Request.QueryString).ToString());
        return Results.Challenge(
            new AuthenticationProperties { RedirectUri = IsLocal(returnTo) ? returnTo : "/" },
            [DashboardSession.SignInScheme]
        );
    }

    /// <summary>Ends the session at Identity, and with it all tokens and the cookie of its page; then the gateway's own cookie.</summary>
    private static async Task<IResult> SignOutAsync(HttpContext context, IHttpClientFactory clients, IConfiguration configuration)
    {
        if (!SessionRequests.IsOwn(context.Request))
            return Results.Problem(SessionRequests.Foreign());
        var session = await context.AuthenticateAsync(DashboardSession.CookieScheme);
        var id = session.Properties is { } properties ? SessionTokens.IdTokenOf(properties) : null;
        using var client = clients.CreateClient(SessionTokens.HttpClientName);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/connect/logout", UriKind.Relative))
        {
            Content = new FormUrlEncodedContent(id is null ? [] : [KeyValuePair.Create("id_token_hint", id)]),
        };
        if (
            SessionRequests.WithoutSession(context.Request.Headers.Cookie.ToString(), DashboardSession.CookieName(configuration)) is
            { } others
        )
            request.Headers.TryAddWithoutValidation("Cookie", others);
        try
        {
            using var response = await client.SendAsync(request, context.RequestAborted);
            if ((int)response.StatusCode >= StatusCodes.Status400BadRequest)
                return NotEnded();
            if (response.Headers.TryGetValues("Set-Cookie", out var cookies))
                context.Response.Headers.Append("Set-Cookie", cookies.ToArray());
        }
        catch (Exception exception)
            when (exception is HttpRequestException or TaskCanceledException && !context.RequestAborted.IsCancellationRequested)
        {
            return NotEnded();
        }

        await context.SignOutAsync(DashboardSession.CookieScheme);
        return Results.NoContent();

        IResult NotEnded() => Unavailable(context, "The session could not be ended, because Identity cannot be reached. Try again.");
    }

    private static IResult Unavailable(HttpContext context, string why)
    {
        context.Response.Headers.RetryAfter = "1";
        return Results.Problem(RefusalMapping.Problem(503, "identity_unavailable", why));
    }

    /// <summary>A path of the dashboard, in no form that a browser would resolve to another site.</summary>
    internal static bool IsLocal(string? url) =>
        url is { Length: > 0 }
        && url[0] == '/'
        && (url.Length == 1 || url[1] is not ('/' or '\\'))
        && !url.Any(char.IsControl)
        && !url.StartsWith(Path, StringComparison.OrdinalIgnoreCase);
}
