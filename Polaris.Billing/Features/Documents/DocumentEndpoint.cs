using System.Security.Claims;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Net.Http.Headers;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Documents;

/// <summary>
/// <c>GET /invoices/{id}.html</c>, <c>.pdf</c> and <c>.csv</c>: an invoice as a document, for the org; below <c>/portal</c> for its
/// customer, who gets its own final ones. An invoice that the caller may not see answers like one that does not exist.
/// </summary>
internal static class DocumentEndpoint
{
    /// <summary>Lines and steps of an invoice that HTML and PDF show; CSV has no limit.</summary>
    public const int MaxRows = 10_000;

    public static void MapDocuments(this IEndpointRouteBuilder app)
    {
        app.MapGet("/invoices/{document}", OfOrgAsync).RequireAuthorization(Scopes.Read);
        app.MapGet("/portal/invoices/{document}", OfCustomerAsync).RequireAuthorization(Scopes.Customer);
    }

    private static Task<IResult> OfOrgAsync(
        HttpContext context,
        string document,
        [FromServices] ReadDocument read,
        [FromServices] PrintQueue queue,
        [FromServices] TenantScope tenant,
        CancellationToken ct
    ) => AnswerAsync(context, document, null, read, queue, tenant.RequireOrg(), ct);

    private static Task<IResult> OfCustomerAsync(
        HttpContext context,
        string document,
        [FromServices] ReadDocument read,
        [FromServices] PrintQueue queue,
        [FromServices] TenantScope tenant,
        CancellationToken ct
    ) =>
        context.User.FindFirstValue(PolarisClaims.Customer) is { Length: > 0 } customer
            ? AnswerAsync(context, document, customer, read, queue, tenant.RequireOrg(), ct)
            : throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_customer", "The token does not name a customer."));

    private static async Task<IResult> AnswerAsync(
        HttpContext context,
        string name,
        string? customer,
        ReadDocument read,
        PrintQueue queue,
        Guid org,
        CancellationToken ct
    )
    {
        if (Parse(name) is not var (id, format) || await read.FindAsync(id, customer, ct) is not { } source)
            return Results.Json(
                Refusal.NotFound("invoice").ToProblem(),
                contentType: "application/problem+json",
                statusCode: StatusCodes.Status404NotFound
            );
        var tag = new EntityTagHeaderValue($"\"{source.Version}-{format}\"", isWeak: true);
        var headers = context.Response.GetTypedHeaders();
        headers.ETag = tag;
        headers.CacheControl = new CacheControlHeaderValue { Private = true, NoCache = true };
        context.Response.Headers.Vary = "Authorization, Cookie";
        if (context.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false)))
            return Results.StatusCode(StatusCodes.Status304NotModified);
        var document = source.ToDocument();
        if (format != "csv" && document.Rows > MaxRows)
            throw new RefusedException(
                new Refusal(
                    RefusalKind.TooLarge,
                    "document_too_long",
                    $"The invoice has {document.Rows} lines and steps; HTML and PDF show at most {MaxRows}. Its CSV has all lines."
                )
            );
        var content = format switch
        {
            "pdf" => await queue.PrintAsync(org, () => PdfInvoice.Render(source), ct),
            "html" => await HtmlDocument.RenderAsync(source),
            _ => CsvDocument.Render(source),
        };
        var disposition = new ContentDispositionHeaderValue(format == "csv" ? "attachment" : "inline");
        disposition.SetHttpFileName($"{document.FileName}.{format}");
        headers.ContentDisposition = disposition;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        // Of the page alone: a browser's own PDF viewer would be bound by it too.
        if (format == "html")
            context.Response.Headers.ContentSecurityPolicy = source.Template is null
                ? HtmlDocument.ContentSecurityPolicy
                : HtmlDocument.OwnContentSecurityPolicy;
        return Results.Bytes(
            content,
            format switch
            {
                "pdf" => "application/pdf",
                "html" => "text/html; charset=utf-8",
                _ => "text/csv; charset=utf-8",
            }
        );
    }

    /// <summary>An invoice's id, a point and a format; null for any other name.</summary>
    internal static (Guid Id, string Format)? Parse(string name) =>
        name.Split('.') is [var id, "html" or "pdf" or "csv"] parts && Guid.TryParseExact(id, "D", out var invoice)
            ? (invoice, parts[1])
            : null;
}
