using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Mvc;
using Polaris.Gateway.Operating;
using Polaris.Gateway.Proxy;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Gateway.Session;

/// <summary>
/// Requests of the dashboard's pages: they have the session's cookie, and no token. The access token of the session becomes their
/// <c>Authorization</c> header, so that everything behind sees a caller like any other. A request that brings such a header is left alone.
/// </summary>
/// <remarks>
/// A browser sends the cookie whoever made the request, so that alone proves nothing. The header <see cref="ProofHeader"/> does: another
/// site cannot set it without asking first, which is never granted. Browsers say besides where a request comes from.
/// </remarks>
internal static class SessionRequests
{
    public const string ProofHeader = "Polaris-Session";

    private static readonly object Session = new();

    /// <summary>Whether the request's token is its session's, not one that it brought along.</summary>
    public static bool HasSession(HttpContext context) => context.Items.ContainsKey(Session);

    /// <summary>What the cookie is good for; elsewhere nobody looks at it.</summary>
    private static readonly PathString[] Paths = ["/graphql", "/ingest", "/events", "/session", ServiceHealth.Path];

    /// <summary>Where a browser goes itself, before and after Identity's page.</summary>
    private static readonly PathString[] Navigations = [SessionEndpoints.SignInPath, DashboardSession.CallbackPath];

    public static void UseDashboardSession(this IApplicationBuilder app)
    {
        var cookie = DashboardSession.CookieName(app.ApplicationServices.GetRequiredService<IConfiguration>());
        app.Use(
            (context, next) =>
                Applies(context.Request, cookie) ? AuthorizeAsync(context, next)
                : IsForm(context.Request) ? context.WriteProblemAsync(RefusalMapping.Problem(405, "use_get", "Identity answers by GET."))
                : next(context)
        );
    }

    /// <summary>Without the session's cookie, which is for the gateway alone; null when nothing is left.</summary>
    public static string? WithoutSession(string cookies, string name)
    {
        var others = cookies
            .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            // A long cookie is cut into several, with numbers behind the name.
            .Where(pair => !pair.StartsWith(name, StringComparison.Ordinal));
        return string.Join("; ", others) is { Length: > 0 } left ? left : null;
    }

    /// <summary>Whether a page of this very site made the request, by all that the browser says.</summary>
    internal static bool IsOwn(HttpRequest request)
    {
        if (request.Headers[ProofHeader] != "1" && !IsOwnLink(request))
            return false;
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site.Length > 0 && site != "same-origin")
            return false;
        var origin = request.Headers.Origin.ToString();
        // By authority: TLS may end in front of the gateway.
        return origin.Length == 0
            || (
                Uri.TryCreate(origin, UriKind.Absolute, out var from)
                && string.Equals(from.Authority, Authority(request), StringComparison.OrdinalIgnoreCase)
            );
    }

    /// <summary>
    /// A document is opened by a link, which cannot have the header; the browser says that the link is of this site. Reading it changes
    /// nothing, and another site, whose requests come without the cookie besides, cannot read the answer.
    /// </summary>
    private static bool IsOwnLink(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) && Documents.Includes(request.Path) && request.Headers["Sec-Fetch-Site"] == "same-origin";

    internal static ProblemDetails Foreign() =>
        RefusalMapping.Problem(
            StatusCodes.Status403Forbidden,
            "foreign_request",
            $"With the session's cookie, a request must come from a page of this site and have the header '{ProofHeader}: 1'."
        );

    /// <summary>Identity's answer is in the query. The handler would read a form too, of any size.</summary>
    private static bool IsForm(HttpRequest request) =>
        request.Path.StartsWithSegments(DashboardSession.CallbackPath) && !HttpMethods.IsGet(request.Method);

    private static bool Applies(HttpRequest request, string cookie) =>
        request.Headers.Authorization.Count == 0
        && request.Cookies.ContainsKey(cookie)
        && (Array.Exists(Paths, path => request.Path.StartsWithSegments(path)) || Documents.Includes(request.Path))
        && !Array.Exists(Navigations, path => request.Path.StartsWithSegments(path));

    private static async Task AuthorizeAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsOwn(context.Request))
        {
            await context.WriteProblemAsync(Foreign());
            return;
        }

        var session = await context.AuthenticateAsync(DashboardSession.CookieScheme);
        if (session.Succeeded && SessionTokens.AccessTokenOf(session.Properties) is { } token)
        {
            context.Request.Headers.Authorization = "Bearer " + token;
            context.Items[Session] = true;
        }
        else if (RenewSession.IsUndecided(context))
        {
            context.Response.Headers.RetryAfter = "1";
            await context.WriteProblemAsync(
                RefusalMapping.Problem(503, "identity_unavailable", "The session cannot be renewed at the moment. Try again.")
            );
            return;
        }
        else if (!context.Request.Path.StartsWithSegments(SessionEndpoints.Path))
        {
            await context.WriteProblemAsync(
                RefusalMapping.Problem(StatusCodes.Status401Unauthorized, "revoked_credentials", "The session has ended. Sign in again.")
            );
            return;
        }

        await next(context);
    }

    private static string Authority(HttpRequest request) =>
        // As a URL says it: without the port where that is the scheme's own.
        request.Host.Port
            is 80
                or 443
            ? request.Host.Host
            : request.Host.Value ?? "";
}
