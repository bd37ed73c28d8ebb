using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace Polaris.Gateway.Proxy;

/// <summary>What the gateway passes through as it is: ingestion, sign-in, and everything else to the dashboard.</summary>
internal static class ProxyRoutes
{
    private const string Events = "/events/";

    private static readonly (string Path, string Cluster, int Order)[] Table =
    [
        ("/ingest", "ingestion", 0),
        (Events + "{**rest}", "ingestion", 0),
        ("/.well-known/{**rest}", "identity", 0),
        ("/connect/{**rest}", "identity", 0),
        ("/account/{**rest}", "identity", 0),
        ("/{**rest}", "dashboard", 100),
    ];

    public static void AddPolarisProxy(this WebApplicationBuilder builder)
    {
        var routes = Table.Select(route => new RouteConfig
        {
            RouteId = route.Path,
            ClusterId = route.Cluster,
            Order = route.Order,
            AuthorizationPolicy = "anonymous",
            // The service has limits of its own and says which.
            MaxRequestBodySize = -1,
            Match = new RouteMatch { Path = route.Path },
        }.WithTransformUseOriginalHostHeader(route.Cluster == "identity")).ToArray();
        var clusters = Table.Select(route => route.Cluster).Distinct().Select(name => new ClusterConfig
        {
            ClusterId = name,
            Destinations = new Dictionary<string, DestinationConfig> { ["only"] = new() { Address = $"http://{name}" } },
        }).ToArray();
        builder.Services.AddReverseProxy().LoadFromMemory(routes, clusters).AddServiceDiscoveryDestinationResolver().AddTransforms(KeepKeyAsSent);
    }

    /// <summary>An event's key is part of its address and may hold a slash; by default the proxy would escape its escape once more.</summary>
    private static void KeepKeyAsSent(TransformBuilderContext route)
    {
        if (!route.Route.RouteId.StartsWith(Events, StringComparison.Ordinal)) return;
        route.AddRequestTransform(transform =>
        {
            var target = transform.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            if (target.StartsWith(Events, StringComparison.Ordinal)) transform.ProxyRequest.RequestUri = new Uri(transform.DestinationPrefix.TrimEnd('/') + target);
            return ValueTask.CompletedTask;
        });
    }
}
