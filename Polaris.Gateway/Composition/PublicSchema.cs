using GraphQL;
using GraphQL.Types;
using GraphQL.Utilities;
using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>One composition: the schema that clients see, for validation and introspection, and the way to each subgraph.</summary>
internal sealed class PublicSchema
{
    public PublicSchema(ComposedSdl sdl)
    {
        Sdl = sdl;
        var builder = new SchemaBuilder();
        var scalars = Parser.Parse(sdl.Text).Definitions.OfType<GraphQLScalarTypeDefinition>().Select(scalar => scalar.Name.StringValue);
        try
        {
            Schema = builder.Build(sdl.Text);
            foreach (var scalar in scalars) Schema.RegisterType(new SubgraphScalar(scalar));
            Schema.Initialize();
        }
        catch (Exception exception)
        {
            // Whatever the library finds wrong with the text is a fault of the subgraphs, and the last good schema goes on serving.
            throw new CompositionException($"The composed schema is not valid: {exception.Message}");
        }
    }

    public ComposedSdl Sdl { get; }

    public ISchema Schema { get; }

    /// <summary>A scalar whose values only its subgraph understands: it checks them, the gateway passes them on.</summary>
    private sealed class SubgraphScalar : ScalarGraphType
    {
        public SubgraphScalar(string name) => Name = name;

        public override object? ParseLiteral(GraphQLValue value) => value is GraphQLNullValue ? null : value.ToString() ?? "";

        public override object? ParseValue(object? value) => value;

        public override object? Serialize(object? value) => value;
    }
}
