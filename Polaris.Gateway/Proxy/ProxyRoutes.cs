using Microsoft.AspNetCore.Http.Features;
using Polaris.Gateway.Session;
using Polaris.ServiceDefaults.Errors;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Polaris.Gateway.Proxy;

/// <summary>Routes that the gateway proxies unchanged: ingestion, documents, sign-in, and everything else to the dashboard.</summary>
internal static class ProxyRoutes
{
    private const string Events = "/events/";

    private static readonly (string Path, string Cluster, int Order)[] Table =
    [
        ("/ingest", "ingestion", 0),
        (Events + "{**rest}", "ingestion", 0),
        ("/openapi/ingestion.json", "ingestion", 0),
        ($"/invoices/{{name:{Documents.Constraint}}}", "billing", 0),
        ($"/portal/invoices/{{name:{Documents.Constraint}}}", "billing", 0),
        // The link in mails.
        ("/notifications/unsubscribe", "notifications", 0),
        ("/.well-known/{**rest}", "identity", 0),
        ("/connect/{**rest}", "identity", 0),
        ("/account/{**rest}", "identity", 0),
        ("/{**rest}", "dashboard", 100),
    ];

    public static void AddPolarisProxy(this WebApplicationBuilder builder)
    {
        var routes = Table
            .Select(route =>
                new RouteConfig
                {
                    RouteId = route.Path,
                    ClusterId = route.Cluster,
                    Order = route.Order,
                    AuthorizationPolicy = "anonymous",
                    // The service behind has its own limit and explains it.
                    MaxRequestBodySize = -1,
                    Match = new RouteMatch { Path = route.Path },
                }.WithTransformUseOriginalHostHeader(route.Cluster == "identity")
            )
            .ToArray();
        var clusters = Table
            .Select(route => route.Cluster)
            .Distinct()
            .Select(name => new ClusterConfig
            {
                ClusterId = name,
                Destinations = new Dictionary<string, DestinationConfig>
                {
                    // Billing and Notifications have no port for outsiders: what of them is public, the gateway asks for where it asks
                    // their subgraphs.
                    ["only"] = new()
                    {
                        Address = name is "dashboard" or "billing" or "notifications" ? $"http://{name}" : $"http://_public.{name}",
                    },
                },
            })
            .ToArray();
        var session = DashboardSession.CookieName(builder.Configuration);
        builder.Services.Configure<RouteOptions>(routing => routing.SetParameterPolicy<Documents>(Documents.Constraint));
        builder
            .Services.AddReverseProxy()
            .LoadFromMemory(routes, clusters)
            .AddServiceDiscoveryDestinationResolver()
            .AddTransforms(KeepKeyAsSent)
            .AddTransforms(route => KeepSessionHere(route, session));
    }

    public static void MapPolarisProxy(this WebApplication app) =>
        app.MapReverseProxy(proxy =>
            proxy.Use(
                async (context, next) =>
                {
                    await next(context);
                    // No response was started, so the client can still be told what happened.
                    if (context.Features.Get<IForwarderErrorFeature>() is not { } failed || context.Response.HasStarted)
                        return;
                    if (failed.Error is ForwarderError.RequestBodyClient or ForwarderError.RequestBodyCanceled)
                    {
                        await context.WriteProblemAsync(
                            failed.Exception is BadHttpRequestException bad
                                ? RefusalMapping.Problem(bad.StatusCode, "bad_request", bad.Message)
                                : RefusalMapping.Problem(400, "bad_request", "The body could not be read.")
                        );
                        return;
                    }

                    context.Response.Headers.RetryAfter = "1";
                    await context.WriteProblemAsync(
                        RefusalMapping.Problem(
                            503,
                            "service_unavailable",
                            "The service behind this address cannot be reached at the moment. Try again."
                        )
                    );
                }
            )
        );

    /// <summary>
    /// An event's key is the rest of the path and may contain an escaped slash, which the proxy would escape again. It becomes one escaped
    /// segment, so that whatever the key says, the request stays below <c>/events/</c>.
    /// </summary>
    private static void KeepKeyAsSent(TransformBuilderContext route)
    {
        if (!route.Route.RouteId.StartsWith(Events, StringComparison.Ordinal))
            return;
        route.AddRequestTransform(async transform =>
        {
            var context = transform.HttpContext;
            if (EventPath(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget) is { } path)
                transform.ProxyRequest.RequestUri = new Uri(
                    transform.DestinationPrefix.TrimEnd('/') + path + context.Request.QueryString.ToUriComponent()
                );
            else
                await context.WriteProblemAsync(
                    RefusalMapping.Problem(
                        400,
                        "invalid_path",
                        "The path must be /events/{key}, with the key percent-encoded: no '\\', and a key that is not '.' or '..'."
                    )
                );
        });
    }

    /// <summary>The session's cookie has tokens: no service behind the proxy gets to see it.</summary>
    private static void KeepSessionHere(TransformBuilderContext route, string cookie) =>
        route.AddRequestTransform(transform =>
        {
            if (transform.ProxyRequest.Headers.TryGetValues("Cookie", out var sent))
            {
                transform.ProxyRequest.Headers.Remove("Cookie");
                if (SessionRequests.WithoutSession(string.Join("; ", sent), cookie) is { } others)
                    transform.ProxyRequest.Headers.TryAddWithoutValidation("Cookie", others);
            }

            return ValueTask.CompletedTask;
        });

    /// <summary>The path with the key as one segment; null when it cannot be one.</summary>
    internal static string? EventPath(string rawTarget)
    {
        var path = rawTarget.Split('?', 2)[0];
        if (!path.StartsWith(Events, StringComparison.Ordinal))
            return null;
        var key = Uri.UnescapeDataString(path[Events.Length..]);
        // A raw backslash is not allowed in a URL, and some readers take it for a slash.
        return path.Contains('\\', StringComparison.Ordinal) || key is "" or "." or ".." ? null : Events + Uri.EscapeDataString(key);
    }
}
