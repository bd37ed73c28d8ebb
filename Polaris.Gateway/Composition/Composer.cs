using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>Two subgraphs are in conflict; the message names both and the conflicting definition.</summary>
internal sealed class CompositionException(string message) : Exception(message);

/// <summary>The public schema, and the owning subgraph of each root field.</summary>
internal sealed record ComposedSdl(
    string Text,
    IReadOnlyDictionary<string, string> QueryOwners,
    IReadOnlyDictionary<string, string> MutationOwners
);

/// <summary>
/// Composes subgraphs at their root fields: each root field belongs to one subgraph, and a type that several define must be identical in
/// all of them. Federation's own directives and fields are removed.
/// </summary>
internal static class Composer
{
    /// <param name="subgraphs">Name and SDL of each subgraph.</param>
    /// <exception cref="CompositionException">They are in conflict.</exception>
    public static ComposedSdl Compose(IEnumerable<(string Name, string Sdl)> subgraphs)
    {
        var types = new SortedDictionary<string, (string Owner, string Text)>(StringComparer.Ordinal);
        var roots = new Dictionary<OperationType, SortedDictionary<string, (string Owner, string Text)>>
        {
            [OperationType.Query] = new(StringComparer.Ordinal),
            [OperationType.Mutation] = new(StringComparer.Ordinal),
        };
        foreach (var (name, sdl) in subgraphs.OrderBy(subgraph => subgraph.Name, StringComparer.Ordinal))
        {
            GraphQLDocument document;
            try
            {
                document = Parser.Parse(sdl);
            }
            catch (GraphQLParser.Exceptions.GraphQLSyntaxErrorException exception)
            {
                throw new CompositionException($"The schema of '{name}' cannot be read: {exception.Message}");
            }

            foreach (var definition in document.Definitions)
                Add(name, definition, types, roots);
        }

        // Explicit, since otherwise a type named Subscription would become the root of subscriptions.
        var text =
            $"schema {{\n{string.Concat(
                roots
                    .Where(root => root.Value.Count > 0)
                    .Select(root => $"  {(root.Key == OperationType.Query ? "query" : "mutation")}: {root.Key}\n")
            )}}}\n\n"
            + string.Concat(
                roots
                    .Where(root => root.Value.Count > 0)
                    .Select(root => $"type {root.Key} {{\n{string.Concat(root.Value.Values.Select(field => field.Text))}}}\n\n")
            )
            + string.Join('\n', types.Values.Select(type => type.Text));
        return new ComposedSdl(text, Owners(OperationType.Query), Owners(OperationType.Mutation));

        Dictionary<string, string> Owners(OperationType operation) =>
            roots[operation].ToDictionary(field => field.Key, field => field.Value.Owner);
    }

    private static void Add(
        string subgraph,
        ASTNode definition,
        SortedDictionary<string, (string Owner, string Text)> types,
        Dictionary<OperationType, SortedDictionary<string, (string Owner, string Text)>> roots
    )
    {
        var typeName = definition switch
        {
            GraphQLTypeDefinition type => type.Name.StringValue,
            GraphQLObjectTypeExtension extension => extension.Name.StringValue,
            _ => null,
        };
        // Schema and directive definitions, and the types that federation adds.
        if (
            typeName is null
            || typeName.StartsWith('_')
            || typeName.StartsWith("federation__", StringComparison.Ordinal)
            || typeName.StartsWith("link__", StringComparison.Ordinal)
            || typeName == "FieldSet"
        )
            return;
        var fields = (definition as GraphQLObjectTypeDefinition)?.Fields ?? (definition as GraphQLObjectTypeExtension)?.Fields;
        if (typeName is "Query" or "Mutation" && fields is not null)
        {
            var root = roots[typeName == "Query" ? OperationType.Query : OperationType.Mutation];
            foreach (var field in fields.Where(field => !field.Name.StringValue.StartsWith('_')))
            {
                var name = field.Name.StringValue;
                if (root.TryGetValue(name, out var other))
                    throw new CompositionException($"'{other.Owner}' and '{subgraph}' both define {typeName}.{name}.");
                root.Add(name, (subgraph, Indent(Print(field))));
            }

            return;
        }

        var text = Print(definition);
        if (types.TryGetValue(typeName, out var known))
        {
            if (known.Text != text)
                throw new CompositionException($"'{known.Owner}' and '{subgraph}' define the type {typeName} differently.");
            return;
        }

        types.Add(typeName, (subgraph, text));
    }

    private static string Print(ASTNode node)
    {
        StripDirectives(node);
        return node.Print().Trim() + "\n";
    }

    private static string Indent(string text) => string.Concat(text.TrimEnd('\n').Split('\n').Select(line => $"  {line}\n"));

    /// <summary>Federation's directives are not part of the public schema; 'deprecated' and 'specifiedBy' are.</summary>
    private static void StripDirectives(ASTNode node)
    {
        if (node is IHasDirectivesNode { Directives: { } directives } has)
        {
            directives.Items.RemoveAll(directive => directive.Name.StringValue is not ("deprecated" or "specifiedBy"));
            if (directives.Items.Count == 0)
                has.Directives = null;
        }

        var children = node switch
        {
            GraphQLObjectTypeDefinition type => type.Fields?.Items.Cast<ASTNode>(),
            GraphQLInterfaceTypeDefinition type => type.Fields?.Items,
            GraphQLInputObjectTypeDefinition type => type.Fields?.Items,
            GraphQLEnumTypeDefinition type => type.Values?.Items,
            GraphQLFieldDefinition field => field.Arguments?.Items,
            _ => null,
        };
        foreach (var child in children ?? [])
            StripDirectives(child);
    }
}
