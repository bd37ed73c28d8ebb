using GraphQL;
using GraphQL.Resolvers;
using GraphQL.Types;
using GraphQL.Utilities;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>One composition: the supergraph, for plans, and the public schema, for validation and introspection.</summary>
internal sealed class PublicSchema
{
    public PublicSchema(Supergraph supergraph)
    {
        Supergraph = supergraph;
        Sdl = SdlWriter.Public(supergraph);
        var builder = new SchemaBuilder();
        // The library asks for it, and never calls it: nothing is executed but introspection.
        foreach (var type in supergraph.Types.Values.Where(type => type.Kind is SuperKind.Interface or SuperKind.Union))
            builder.Types.For(type.Name).ResolveType = _ => throw new InvalidOperationException("The schema is not executed.");
        foreach (var field in supergraph.Root(OperationType.Subscription)?.Fields.Keys.ToArray() ?? [])
            builder.Types.For(supergraph.Root(OperationType.Subscription)!.Name).FieldFor(field).StreamResolver =
                new SourceStreamResolver<object>(
                    IObservable<object?> (_) => throw new InvalidOperationException("The schema is not executed.")
                );
        try
        {
            Schema = builder.Build(Sdl);
            foreach (var scalar in supergraph.Types.Values.Where(type => type.Kind == SuperKind.Scalar && !type.Inaccessible))
                Schema.RegisterType(new SubgraphScalar(scalar.Name));
            Schema.Initialize();
        }
        catch (Exception exception)
        {
            // An invalid composition is an error of the subgraphs; the last valid schema stays in use.
            throw new CompositionException($"The composed schema is not valid: {exception.Message}");
        }
    }

    public Supergraph Supergraph { get; }

    /// <summary>The public schema as text.</summary>
    public string Sdl { get; }

    public ISchema Schema { get; }

    /// <summary>A custom scalar: its values are passed through, and validated by the subgraph.</summary>
    private sealed class SubgraphScalar : ScalarGraphType
    {
        public SubgraphScalar(string name) => Name = name;

        public override object? ParseLiteral(GraphQLValue value) => value is GraphQLNullValue ? null : value.ToString() ?? "";

        public override object? ParseValue(object? value) => value;

        public override object? Serialize(object? value) => value;
    }
}
