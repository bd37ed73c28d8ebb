using GraphQL;
using GraphQL.Types;
using GraphQL.Utilities;
using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>One composition: the public schema, for validation and introspection, and the owners of its root fields.</summary>
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
            foreach (var scalar in scalars)
                Schema.RegisterType(new SubgraphScalar(scalar));
            Schema.Initialize();
        }
        catch (Exception exception)
        {
            // An invalid composition is an error of the subgraphs; the last valid schema stays in use.
            throw new CompositionException($"The composed schema is not valid: {exception.Message}");
        }
    }

    public ComposedSdl Sdl { get; }

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
