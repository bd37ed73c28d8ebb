using GraphQL;
using GraphQL.SystemTextJson;
using GraphQL.Validation;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Gateway.Execution;

/// <summary>The services of <c>/graphql</c>. The caller adds the budget of cost (<see cref="LimitCost"/>).</summary>
internal static class GraphQLGateway
{
    /// <summary>Connections to one subgraph. Requests beyond wait for one.</summary>
    private const int MaxConnections = 256;

    public static IServiceCollection AddGraphQLGateway(this IServiceCollection services, SubgraphAddresses addresses)
    {
        services
            .AddHttpClient(ComposeSubgraphs.HttpClientName)
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler
                {
                    MaxConnectionsPerServer = MaxConnections,
                    PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    UseProxy = false,
                }
            )
            // Connections follow changed addresses by their own lifetime.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        var serializer = new GraphQLSerializer();
        services.AddSingleton<IGraphQLTextSerializer>(serializer).AddSingleton<IGraphQLSerializer>(serializer);
        services.AddGraphQLBounds().AddSingleton<CallerConcurrency>().AddSingleton<LimitCost>().AddSingleton<PersistedDocuments>();
        services.AddSingleton<IDocumentValidator>(new DocumentValidator());
        services.AddSingleton(addresses).AddSingleton<SchemaRegistry>().AddSingleton<FetchExecutor>().AddSingleton<GatewayEndpoint>();
        services.AddPeriodicWorker<ComposeSubgraphs>();
        services.AddHealthChecks().AddCheck<SchemaRegistry>("schema");
        return services;
    }
}
