using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Transforms;

namespace Polaris.Gateway.Proxy;

/// <summary>What the gateway passes through as it is: ingestion, sign-in, and everything else to the dashboard.</summary>
internal static class ProxyRoutes
{
    private static readonly (string Path, string Cluster, int Order)[] Table =
    [
        ("/ingest", "ingestion", 0),
        ("/events/{**rest}", "ingestion", 0),
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
        builder.Services.AddReverseProxy().LoadFromMemory(routes, clusters).AddServiceDiscoveryDestinationResolver();
    }
}
