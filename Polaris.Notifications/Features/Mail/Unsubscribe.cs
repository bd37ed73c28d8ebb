using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Mvc;
using Npgsql;
using Polaris.Notifications.Features.Secrets;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Notifications.Features.Mail;

/// <summary>
/// <c>/notifications/unsubscribe?token=…</c>: the link in mails to an org's addresses. A mail program's prefetch changes nothing: only a
/// POST does, which the page's button sends, and mail programs themselves (RFC 8058). The token is encrypted and names org and address.
/// </summary>
internal sealed class Unsubscribe(NpgsqlDataSource database, SecretBox secrets)
{
    public const string Path = "/notifications/unsubscribe";

    private const int MaxTokenLength = 2_000;
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

    public string TokenOf(Guid org, string email) => secrets.Protect($"unsubscribe\n{org}\n{email}");

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet(Path, Show).AllowAnonymous();
        app.MapPost(Path, SubmitAsync).AllowAnonymous().DisableAntiforgery();
    }

    private static IResult Show(HttpContext context, [FromQuery] string? token) =>
        Page(
            context,
            $"""
            <p>Get no more mail of this kind at this address?</p>
            <form method="post" action="{Path}?token={HtmlEncoder.Default.Encode(Uri.EscapeDataString(token ?? ""))}">
            <button>Unsubscribe</button></form>
            """
        );

    private static async Task<IResult> SubmitAsync(
        HttpContext context,
        [FromQuery] string? token,
        [FromServices] Unsubscribe unsubscribe,
        CancellationToken ct
    )
    {
        await unsubscribe.HandleAsync(token ?? "", ct);
        // The same for a token that is none: nobody learns which addresses there are.
        return Page(context, "<p>This address gets no more mail of this kind.</p>");
    }

    private async Task HandleAsync(string token, CancellationToken ct)
    {
        if (Read(token) is not var (org, email))
            return;
        await using var tx = await database.BeginOrgAsync(org, ct);
        await using var command = tx.Command(
            "UPDATE addresses SET status = 'unsubscribed' WHERE org_id = $1 AND email = $2 AND status IN ('active', 'bounced')"
        );
        command.Bind(org).Bind(email);
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
    }

    private (Guid Org, string Email)? Read(string token)
    {
        if (token.Length is 0 or > MaxTokenLength)
            return null;
        try
        {
            return secrets.Unprotect(token).Split('\n') is ["unsubscribe", var org, var email] ? (Guid.Parse(org), email) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static IResult Page(HttpContext context, string body)
    {
        context.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        return Results.Content(
            $"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Unsubscribe</title><body>{body}</body></html>",
            "text/html; charset=utf-8"
        );
    }
}
