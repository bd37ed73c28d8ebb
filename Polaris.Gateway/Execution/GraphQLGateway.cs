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

    /// <summary>Of those that subscriptions keep for themselves.</summary>
    public const string StreamsClientName = "subgraph-streams";

    public static IServiceCollection AddGraphQLGateway(this IServiceCollection services, SubgraphAddresses addresses)
    {
        services.AddSubgraphClient(ComposeSubgraphs.HttpClientName, MaxConnections);
        // As many as there are subscriptions, whose number the gateway bounds.
        services.AddSubgraphClient(StreamsClientName, int.MaxValue);
        var serializer = new GraphQLSerializer();
        services.AddSingleton<IGraphQLTextSerializer>(serializer).AddSingleton<IGraphQLSerializer>(serializer);
        services.AddGraphQLBounds().AddSingleton<CallerConcurrency>().AddSingleton<LimitCost>().AddSingleton<PersistedDocuments>();
        services.AddSingleton<IDocumentValidator>(new DocumentValidator());
        services.AddSingleton(addresses).AddSingleton<SchemaRegistry>().AddSingleton<FetchExecutor>().AddSingleton<GatewayEndpoint>();
        services.AddSingleton<OpenSubscriptions>().AddSingleton<AnswerSubscription>();
        services.AddPeriodicWorker<ComposeSubgraphs>();
        services.AddHealthChecks().AddCheck<SchemaRegistry>("schema");
        return services;
    }

    private static void AddSubgraphClient(this IServiceCollection services, string name, int maxConnections) =>
        services
            .AddHttpClient(name)
            .RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler
                {
                    MaxConnectionsPerServer = maxConnections,
                    PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
                    PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    UseProxy = false,
                }
            )
            // Connections follow changed addresses by their own lifetime.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
}
