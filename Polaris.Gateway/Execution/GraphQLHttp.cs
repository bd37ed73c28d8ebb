using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Net.Http.Headers;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary>
/// <c>/graphql</c> by the specification of GraphQL over HTTP: POST with JSON, GET for queries and subscriptions, the two media types of
/// answers, and events of subscriptions.
/// </summary>
internal static class GraphQLHttp
{
    private const string Path = "/graphql";
    private const string Modern = "application/graphql-response+json";
    private const string Older = "application/json";

    /// <summary>
    /// Where GraphQL's and OpenAPI's tools usually are. Ours are at /graphql and /reference; the dashboard, which answers else, is not one.
    /// </summary>
    private static readonly string[] NoTools =
    [
        "/altair",
        "/api-docs",
        "/graphiql",
        "/playground",
        "/redoc",
        "/sandbox",
        "/scalar",
        "/swagger",
        "/voyager",
    ];

    /// <summary>An invalid token is refused immediately; without a token, each field decides.</summary>
    public static void MapGraphQL(this IEndpointRouteBuilder routes)
    {
        foreach (var method in routes.MapGraphQLDoor())
        {
            method.AddEndpointFilter<LimitRequests>();
            method.AddEndpointFilter(
                async (invocation, next) =>
                {
                    var context = invocation.HttpContext;
                    if (context.Request.Headers.Authorization.Count == 0 || context.User.Identity?.IsAuthenticated == true)
                        return await next(invocation);
                    await context.ChallengeAsync();
                    return Results.Empty;
                }
            );
        }
    }

    /// <summary>Answers what else were the dashboard's: other methods of <c>/graphql</c>, what is below it, and tools.</summary>
    public static void UseGraphQLPaths(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
            {
                var path = context.Request.Path;
                if (!path.StartsWithSegments(Path, StringComparison.OrdinalIgnoreCase, out var below))
                    return Array.Exists(NoTools, tool => path.StartsWithSegments(tool, StringComparison.OrdinalIgnoreCase))
                        ? NothingHereAsync(context)
                        : next(context);
                if (below.HasValue && below != "/")
                    return NothingHereAsync(context);
                return HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsPost(context.Request.Method)
                    ? next(context)
                    : RefuseMethodAsync(context, "GraphQL is sent by POST, or by GET for queries and subscriptions.");
            }
        );

    /// <summary>The routes without authentication and limits by caller.</summary>
    public static IReadOnlyList<RouteHandlerBuilder> MapGraphQLDoor(this IEndpointRouteBuilder routes) =>
        [
            routes.MapPost(Path, (HttpContext context, GatewayEndpoint graphql) => PostAsync(context, graphql)).AllowAnonymous(),
            routes.MapGet(Path, (HttpContext context, GatewayEndpoint graphql) => GetAsync(context, graphql)).AllowAnonymous(),
        ];

    /// <summary>Whether the client prefers the media type whose status code says whether there is data.</summary>
    public static bool IsModern(HttpRequest request) =>
        Quality(request, Modern) is > 0 and var modern && modern >= (Quality(request, Older) ?? 0);

    public static string ContentTypeOf(HttpRequest request) => (IsModern(request) ? Modern : Older) + "; charset=utf-8";

    public static Task RefuseMethodAsync(HttpContext context, string why)
    {
        context.Response.Headers.Allow = "GET, POST";
        return context.WriteProblemAsync(RefusalMapping.Problem(StatusCodes.Status405MethodNotAllowed, "use_post", why));
    }

    private static Task NothingHereAsync(HttpContext context) =>
        context.WriteProblemAsync(RefusalMapping.Problem(StatusCodes.Status404NotFound, "not_found", "There is nothing here."));

    private static Task PostAsync(HttpContext context, GatewayEndpoint graphql)
    {
        // A form or a text can be sent by any page of any site; JSON cannot.
        if (!context.Request.HasJsonContentType())
            return context.WriteProblemAsync(
                RefusalMapping.Problem(415, "unsupported_media_type", "Send GraphQL with Content-Type: application/json.")
            );
        return AcceptsAnything(context) ? graphql.HandleAsync(context) : Task.CompletedTask;
    }

    private static Task GetAsync(HttpContext context, GatewayEndpoint graphql)
    {
        var query = context.Request.Query;
        if (!query.ContainsKey("query") && !query.ContainsKey("documentId") && !query.ContainsKey("extensions"))
            return context.WriteProblemAsync(
                RefusalMapping.Problem(400, "missing_query", "Send GraphQL as POST with a JSON body, or as GET with ?query=….")
            );
        if (!AcceptsAnything(context))
            return Task.CompletedTask;
        // From here on it is as if it had been posted, with the same limits.
        var body = new MemoryStream();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            foreach (var name in (string[])["query", "documentId", "operationName"])
            {
                if (query.TryGetValue(name, out var text))
                    writer.WriteString(name, text.ToString());
            }

            foreach (var name in (string[])["variables", "extensions"])
            {
                if (!query.TryGetValue(name, out var json) || json.ToString().Length == 0)
                    continue;
                writer.WritePropertyName(name);
                // What is no JSON is refused where the body is read.
                writer.WriteRawValue(json.ToString(), skipInputValidation: true);
            }

            writer.WriteEndObject();
        }

        body.Position = 0;
        context.Request.Body = body;
        return graphql.HandleAsync(context);
    }

    /// <summary>False when the client wants no JSON, which is answered: all but subscriptions have it.</summary>
    public static bool AcceptsJson(HttpContext context)
    {
        if (
            context.Request.Headers.Accept.Count == 0
            || Quality(context.Request, Older, "application/*", "*/*") > 0
            || IsModern(context.Request)
        )
            return true;
        context.Response.StatusCode = StatusCodes.Status406NotAcceptable;
        return false;
    }

    private static bool AcceptsAnything(HttpContext context) => EventStream.IsAccepted(context.Request) || AcceptsJson(context);

    /// <summary>The quality that the client gives the first of these types that it names; null if it names none.</summary>
    private static double? Quality(HttpRequest request, params ReadOnlySpan<string> types)
    {
        var accept = request.Headers.Accept;
        if (accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(accept, out var accepted))
            return null;
        foreach (var type in types)
        {
            foreach (var one in accepted)
            {
                if (one.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase))
                    return one.Quality ?? 1;
            }
        }

        return null;
    }
}
