using Microsoft.Extensions.DependencyInjection;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary><c>dotnet Polaris.X.dll schema</c>: prints the subgraph's SDL, kept in <c>docs/graphql</c>. Needs no database.</summary>
public static class SchemaVerb
{
    /// <summary>Prints the schema and returns true when the arguments ask for it; the caller then exits.</summary>
    public static bool Run<TQuery, TMutation>(string[] args)
        where TQuery : class
        where TMutation : class => Run(args, services => services.AddSubgraph<TQuery, TMutation>());

    public static bool Run<TQuery, TMutation, TSubscription>(string[] args)
        where TQuery : class
        where TMutation : class
        where TSubscription : class => Run(args, services => services.AddSubgraph<TQuery, TMutation, TSubscription>());

    public static bool Run<TQuery>(string[] args)
        where TQuery : class => Run(args, services => services.AddSubgraph<TQuery>());

    private static bool Run(string[] args, Action<IServiceCollection> addSubgraph)
    {
        if (args is not ["schema"])
            return false;
        var services = new ServiceCollection();
        services.AddLogging();
        addSubgraph(services);
        using var provider = services.BuildServiceProvider();
        Console.Out.Write(provider.PrintSdl());
        return true;
    }
}
