using Microsoft.Extensions.DependencyInjection;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary><c>dotnet Polaris.X.dll schema</c>: prints the subgraph's SDL, which <c>docs/graphql</c> keeps. Needs no database.</summary>
public static class SchemaVerb
{
    /// <summary>True when the arguments asked for the schema, which is then printed; the caller returns.</summary>
    public static bool Run<TQuery, TMutation>(string[] args)
        where TQuery : class
        where TMutation : class =>
        Run(args, services => services.AddSubgraph<TQuery, TMutation>());

    public static bool Run<TQuery>(string[] args)
        where TQuery : class =>
        Run(args, services => services.AddSubgraph<TQuery>());

    private static bool Run(string[] args, Action<IServiceCollection> addSubgraph)
    {
        if (args is not ["schema"]) return false;
        var services = new ServiceCollection();
        services.AddLogging();
        addSubgraph(services);
        using var provider = services.BuildServiceProvider();
        Console.Out.Write(provider.PrintSdl());
        return true;
    }
}
