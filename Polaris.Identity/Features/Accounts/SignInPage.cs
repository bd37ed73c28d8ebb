using System.Globalization;
using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// <c>/account/login</c>: the sign-in form of the authorization code flow, with a second one for the code of a second factor. It starts a
/// session and names it in a cookie.
/// </summary>
internal static class SignInPage
{
    /// <summary>The claim that names the session, in the cookie and in tokens.</summary>
    public const string SessionClaim = "sid";

    /// <summary>How long the code may be entered after the password.</summary>
    public static readonly TimeSpan CodeTimeout = TimeSpan.FromMinutes(5);

    public static IResult Show(HttpContext context, IAntiforgery antiforgery, string? returnUrl) =>
        Page(context, antiforgery, returnUrl, null, PasswordFields(""), StatusCodes.Status200OK);

    /// <summary>The e-mail address and the password.</summary>
    public static async Task<IResult> SubmitAsync(
        HttpContext context,
        IAntiforgery antiforgery,
        CheckPassword check,
        Sessions sessions,
        AuditLog audit
    )
    {
        if (!await antiforgery.IsRequestValidAsync(context))
            return Page(context, antiforgery, null, Expired, PasswordFields(""), StatusCodes.Status400BadRequest);
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var (email, password, returnUrl) = (form["email"].ToString(), form["password"].ToString(), form["returnUrl"].ToString());
        User? user;
        try
        {
            user = await check.FindAsync(email, password, context.RequestAborted);
        }
        catch (RefusedException refused) when (refused.Refusal.Kind == RefusalKind.TooMany)
        {
            return TooMany(context, antiforgery, returnUrl, refused.Refusal, PasswordFields(email));
        }

        if (user is null)
            return Page(
                context,
                antiforgery,
                returnUrl,
                CheckPassword.FailedMessage,
                PasswordFields(email),
                StatusCodes.Status401Unauthorized
            );
        if (!user.TwoFactorEnabled)
            return await CompleteAsync(context, user, returnUrl, sessions, audit);
        await context.SignInAsync(
            IdentityConstants.TwoFactorUserIdScheme,
            Principal(IdentityConstants.TwoFactorUserIdScheme, user.Id, null)
        );
        return Page(context, antiforgery, returnUrl, null, CodeFields, StatusCodes.Status200OK);
    }

    /// <summary>The code of the second factor, after the password.</summary>
    public static async Task<IResult> SubmitCodeAsync(
        HttpContext context,
        IAntiforgery antiforgery,
        UserManager<User> users,
        TwoFactor twoFactor,
        SignInGuard guard,
        Sessions sessions,
        AuditLog audit
    )
    {
        var ticket = await context.AuthenticateAsync(IdentityConstants.TwoFactorUserIdScheme);
        if (
            !await antiforgery.IsRequestValidAsync(context)
            || ticket.Principal?.FindFirstValue("sub") is not { } id
            || await users.FindByIdAsync(id) is not { } user
        )
            return Page(context, antiforgery, null, Expired, PasswordFields(""), StatusCodes.Status400BadRequest);
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var (code, returnUrl) = (form["code"].ToString(), form["returnUrl"].ToString());
        try
        {
            await guard.EnterAsync(user.Email ?? "", context.RequestAborted);
        }
        catch (RefusedException refused) when (refused.Refusal.Kind == RefusalKind.TooMany)
        {
            return TooMany(context, antiforgery, returnUrl, refused.Refusal, CodeFields);
        }

        if (!await twoFactor.IsRightAsync(user, code, context.RequestAborted))
        {
            await audit.WriteForUserAsync(user.Id, AuditActions.SignInFailed, context.RequestAborted);
            return Page(context, antiforgery, returnUrl, "This code is not valid.", CodeFields, StatusCodes.Status401Unauthorized);
        }

        await guard.ForgiveAsync(user.Email ?? "", context.RequestAborted);
        await context.SignOutAsync(IdentityConstants.TwoFactorUserIdScheme);
        return await CompleteAsync(context, user, returnUrl, sessions, audit);
    }

    private const string Expired = "This form has expired. Please try again.";

    private static async Task<IResult> CompleteAsync(HttpContext context, User user, string returnUrl, Sessions sessions, AuditLog audit)
    {
        await audit.WriteForUserAsync(user.Id, AuditActions.SignedIn, context.RequestAborted);
        var session = await sessions.StartAsync(user.Id, ClientAddress.Of(context), context.RequestAborted);
        await context.SignInAsync(IdentityConstants.ApplicationScheme, Principal(IdentityConstants.ApplicationScheme, user.Id, session.Id));
        return Results.LocalRedirect(IsLocal(returnUrl) ? returnUrl : "/");
    }

    private static ClaimsPrincipal Principal(string scheme, Guid user, Guid? session)
    {
        var identity = new ClaimsIdentity([new Claim("sub", user.ToString())], scheme);
        if (session is { } id)
            identity.AddClaim(new Claim(SessionClaim, id.ToString()));
        return new ClaimsPrincipal(identity);
    }

    private static IResult TooMany(HttpContext context, IAntiforgery antiforgery, string returnUrl, Refusal refusal, Fields fields)
    {
        context.Response.Headers.RetryAfter = RefusalMapping
            .RetryAfterSeconds(refusal.RetryAfter ?? TimeSpan.Zero)
            .ToString(CultureInfo.InvariantCulture);
        return Page(context, antiforgery, returnUrl, refusal.Message, fields, StatusCodes.Status429TooManyRequests);
    }

    /// <summary>The fields of a form, as HTML, and where it is sent.</summary>
    private sealed record Fields(string Action, string Html);

    private static Fields PasswordFields(string email) =>
        new(
            "/account/login",
            $"""
            <label for="email">E-mail</label>
            <input id="email" name="email" type="email" autocomplete="username" required autofocus value="{WebUtility.HtmlEncode(email)}">
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required>
            """
        );

    private static readonly Fields CodeFields = new(
        "/account/login/code",
        """
        <label for="code">Code of your app, or a recovery code</label>
        <input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus>
        """
    );

    /// <summary>A path on this site, in no form that a browser would resolve to another site.</summary>
    private static bool IsLocal(string? url) =>
        url is { Length: > 0 } && url[0] == '/' && (url.Length == 1 || url[1] is not ('/' or '\\')) && !url.Any(char.IsControl);

    private static IResult Page(HttpContext context, IAntiforgery antiforgery, string? returnUrl, string? error, Fields fields, int status)
    {
        var token = antiforgery.GetAndStoreTokens(context);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:; frame-ancestors 'none'; base-uri 'none'";
        var alert = error is null ? "" : $"""<p class="error" role="alert">{WebUtility.HtmlEncode(error)}</p>""";
        return Results.Content(
            $$"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in · Polaris</title>
            <style>
            :root { color-scheme: light dark; --ink: #172033; --soft: #5a6478; --line: #d5dae3; --paper: #fff; --ground: #f3f5f9;
              --accent: #2f5bea; --bad: #b3261e }
            @media (prefers-color-scheme: dark) { :root { --ink: #e8ecf4; --soft: #9aa5b8; --line: #333d50; --paper: #171e2b;
              --ground: #0e131c; --accent: #7d9bff; --bad: #ff8a80 } }
            * { box-sizing: border-box }
            body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
              font: 16px/1.5 system-ui, sans-serif }
            main { width: min(24rem, 92vw); background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 2rem }
            h1 { font-size: 1.25rem; margin: 0 0 1.25rem } h1 span { color: var(--accent) }
            label { display: block; font-size: .875rem; color: var(--soft); margin: .75rem 0 .25rem }
            input { width: 100%; padding: .6rem .75rem; font: inherit; color: inherit; background: var(--ground);
              border: 1px solid var(--line); border-radius: 8px }
            button { width: 100%; margin-top: 1.25rem; padding: .65rem; font: inherit; font-weight: 600; color: var(--paper);
              background: var(--accent); border: 0; border-radius: 8px; cursor: pointer }
            :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px } .error { color: var(--bad); margin: 0 }
            </style>
            </head>
            <body><main>
            <h1><span aria-hidden="true">✦</span> Sign in to Polaris</h1>{{alert}}
            <form method="post" action="{{fields.Action}}">
            <input type="hidden" name="{{token.FormFieldName}}" value="{{WebUtility.HtmlEncode(token.RequestToken)}}">
            <input type="hidden" name="returnUrl" value="{{WebUtility.HtmlEncode(returnUrl ?? "")}}">
            {{fields.Html}}
            <button type="submit">Sign in</button>
            </form>
            </main></body>
            </html>
            """,
            "text/html; charset=utf-8",
            statusCode: status
        );
    }
}
