using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Features.Audit;

namespace Polaris.Identity.Features.Accounts;

/// <summary><c>/account/login</c>: the form behind the authorization code flow. Nothing but a session cookie comes of it.</summary>
internal static class SignInPage
{
    public static IResult Show(HttpContext context, IAntiforgery antiforgery, string? returnUrl) => Page(context, antiforgery, returnUrl, null, "", StatusCodes.Status200OK);

    public static async Task<IResult> SubmitAsync(HttpContext context, IAntiforgery antiforgery, CheckPassword check, AuditLog audit)
    {
        if (!await antiforgery.IsRequestValidAsync(context))
            return Page(context, antiforgery, null, "This form has expired. Please try again.", "", StatusCodes.Status400BadRequest);
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var (email, password, returnUrl) = (form["email"].ToString(), form["password"].ToString(), form["returnUrl"].ToString());
        if (password.Length > SignUp.MaxPasswordLength || await check.FindAsync(email, password, context.RequestAborted) is not { } user)
            return Page(context, antiforgery, returnUrl, CheckPassword.Wrong, email, StatusCodes.Status401Unauthorized);
        await audit.WriteForUserAsync(user.Id, AuditActions.SignedIn, context.RequestAborted);
        var identity = new ClaimsIdentity([new Claim("sub", user.Id.ToString())], IdentityConstants.ApplicationScheme);
        await context.SignInAsync(IdentityConstants.ApplicationScheme, new ClaimsPrincipal(identity));
        return Results.LocalRedirect(IsLocal(returnUrl) ? returnUrl : "/");
    }

    /// <summary>A path of this site and nothing that a browser takes for another.</summary>
    private static bool IsLocal(string? url) => url is { Length: > 0 } && url[0] == '/' && (url.Length == 1 || url[1] is not ('/' or '\\')) && !url.Any(char.IsControl);

    private static IResult Page(HttpContext context, IAntiforgery antiforgery, string? returnUrl, string? error, string email, int status)
    {
        var token = antiforgery.GetAndStoreTokens(context);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:; frame-ancestors 'none'; base-uri 'none'";
        var alert = error is null ? "" : $"""<p class="error" role="alert">{WebUtility.HtmlEncode(error)}</p>""";
        return Results.Content($$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in · Polaris</title>
            <style>
            :root { color-scheme: light dark; --ink: #172033; --soft: #5a6478; --line: #d5dae3; --paper: #fff; --ground: #f3f5f9; --accent: #2f5bea; --bad: #b3261e }
            @media (prefers-color-scheme: dark) { :root { --ink: #e8ecf4; --soft: #9aa5b8; --line: #333d50; --paper: #171e2b; --ground: #0e131c; --accent: #7d9bff; --bad: #ff8a80 } }
            * { box-sizing: border-box } body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
            main { width: min(24rem, 92vw); background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 2rem }
            h1 { font-size: 1.25rem; margin: 0 0 1.25rem } h1 span { color: var(--accent) } label { display: block; font-size: .875rem; color: var(--soft); margin: .75rem 0 .25rem }
            input { width: 100%; padding: .6rem .75rem; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 8px }
            button { width: 100%; margin-top: 1.25rem; padding: .65rem; font: inherit; font-weight: 600; color: var(--paper); background: var(--accent); border: 0; border-radius: 8px; cursor: pointer }
            :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px } .error { color: var(--bad); margin: 0 }
            </style>
            </head>
            <body><main>
            <h1><span aria-hidden="true">✦</span> Sign in to Polaris</h1>{{alert}}
            <form method="post" action="/account/login">
            <input type="hidden" name="{{token.FormFieldName}}" value="{{WebUtility.HtmlEncode(token.RequestToken)}}">
            <input type="hidden" name="returnUrl" value="{{WebUtility.HtmlEncode(returnUrl ?? "")}}">
            <label for="email">E-mail</label><input id="email" name="email" type="email" autocomplete="username" required autofocus value="{{WebUtility.HtmlEncode(email)}}">
            <label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
            <button type="submit">Sign in</button>
            </form>
            </main></body>
            </html>
            """, "text/html; charset=utf-8", statusCode: status);
    }
}
