using System.Runtime.CompilerServices;
using Microsoft.Extensions.FileProviders;
using NetEscapades.AspNetCore.SecurityHeaders;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.Errors;
using Scalar.AspNetCore;

namespace Polaris.Gateway.Http;

/// <summary>
/// Pages about the API: <c>/reference</c> is GraphQL's, written from the schema's descriptions, <c>/reference/ingest</c> that of events, by
/// Scalar from their OpenAPI document. In Development, a browser that opens <c>/graphql</c> gets GraphiQL. Everything is served from here.
/// </summary>
internal static class ReferencePages
{
    public const string Path = "/reference";

    /// <summary>Scalar styles its page by itself, and starts by a script within it.</summary>
    public const string IngestPath = Path + "/ingest";

    private const string GraphiQLPath = Path + "/graphiql";
    private const string StylePath = Path + "/style.css";

    /// <summary>One page for each composition.</summary>
    private static readonly ConditionalWeakTable<PublicSchema, string> Written = [];

    public static void MapReference(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, (HttpContext context, SchemaRegistry registry) => ReferenceAsync(context, registry)).AllowAnonymous();
        routes.MapGet(StylePath, () => Results.Text(SchemaReference.Style, "text/css; charset=utf-8")).AllowAnonymous();
        routes
            .MapScalarApiReference(
                IngestPath,
                (options, context) =>
                    options
                        .WithTitle("Events: Polaris")
                        .WithOpenApiRoutePattern("/openapi/ingestion.json")
                        .WithNonce(context.GetNonce())
                        // Nothing is loaded from, or sent to, anybody else.
                        .DisableDefaultFonts()
                        .DisableTelemetry()
                        .DisableAgent()
                        .DisableMcp()
            )
            .AllowAnonymous();
    }

    /// <summary>GraphiQL from the files that <c>npm run build</c> puts into <c>Pages/dist</c>.</summary>
    public static void UseGraphiQL(this WebApplication app)
    {
        if (!app.Environment.IsDevelopment())
            return;
        var pages = System.IO.Path.Combine(app.Environment.ContentRootPath, "Pages");
        var folder = System.IO.Path.Combine(pages, "dist");
        app.Use(
            (context, next) =>
                !WantsPage(context.Request) ? next(context)
                : File.Exists(System.IO.Path.Combine(folder, "graphiql.html")) ? PageAsync(context, folder)
                : context.WriteProblemAsync(
                    RefusalMapping.Problem(
                        404,
                        "not_built",
                        "GraphiQL is not here: run 'npm ci && npm run build' in Polaris.Gateway/Pages."
                    )
                )
        );
        if (!Directory.Exists(pages))
            return;
        // It may be filled later.
        Directory.CreateDirectory(folder);
        app.UseWhen(
            context => context.Request.Path.StartsWithSegments(GraphiQLPath, StringComparison.OrdinalIgnoreCase),
            files =>
            {
                // The dashboard's route takes every path; a file goes before it, and what is none is not there.
                files.Use(
                    (context, next) =>
                    {
                        context.SetEndpoint(null);
                        return next(context);
                    }
                );
                files.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(folder), RequestPath = GraphiQLPath });
            }
        );
    }

    /// <summary>A browser that was sent to the address, not a client that asks something.</summary>
    private static bool WantsPage(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        && request.Path.Equals("/graphql", StringComparison.OrdinalIgnoreCase)
        && !request.QueryString.HasValue
        && request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));

    private static Task PageAsync(HttpContext context, string folder)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.SendFileAsync(System.IO.Path.Combine(folder, "graphiql.html"));
    }

    private static async Task ReferenceAsync(HttpContext context, SchemaRegistry registry)
    {
        if (registry.Current is not { } schema)
        {
            context.Response.Headers.RetryAfter = "1";
            await context.WriteProblemAsync(
                RefusalMapping.Problem(503, "schema_unavailable", "The services are still starting. Try again in a moment.")
            );
            return;
        }

        context.Response.ContentType = "text/html; charset=utf-8";
        await context.Response.WriteAsync(Written.GetValue(schema, SchemaReference.Write), context.RequestAborted);
    }
}
