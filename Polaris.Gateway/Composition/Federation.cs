using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>
/// Federation's directives in a subgraph's SDL. Those that composition does not support stop it: ignored, they would change answers.
/// </summary>
internal static class Federation
{
    /// <summary>What is read, by where it may be.</summary>
    private static readonly Dictionary<string, string[]> Supported = new()
    {
        ["type"] = ["key", "shareable", "inaccessible"],
        ["interface"] = ["inaccessible"],
        ["field"] = ["shareable", "external", "inaccessible", "deprecated"],
        ["argument"] = ["inaccessible", "deprecated"],
        ["input"] = ["inaccessible"],
        ["enum"] = ["inaccessible"],
        ["value"] = ["deprecated"],
        ["scalar"] = ["specifiedBy", "inaccessible"],
        ["union"] = ["inaccessible"],
    };

    /// <summary>The types that federation and <c>@link</c> add to a subgraph.</summary>
    public static bool IsOwnType(string name) =>
        name.StartsWith('_')
        || name.StartsWith("federation__", StringComparison.Ordinal)
        || name.StartsWith("link__", StringComparison.Ordinal)
        || name == "FieldSet";

    /// <exception cref="CompositionException">A directive that is not supported at this kind of place.</exception>
    public static void Check(string subgraph, string place, string kind, IHasDirectivesNode node)
    {
        foreach (var directive in node.Directives?.Items ?? [])
        {
            if (!Supported[kind].Contains(NameOf(directive)))
                throw new CompositionException(
                    $"'{subgraph}' has @{directive.Name.StringValue} at {place}. Composition does not support it there; "
                        + "a general federation router does."
                );
        }
    }

    /// <exception cref="CompositionException">A directive under another name, whose meaning would be lost.</exception>
    public static void CheckLinks(string subgraph, IHasDirectivesNode schema)
    {
        foreach (var link in schema.Directives?.Items.Where(directive => directive.Name.StringValue == "link") ?? [])
        {
            var import = link.Arguments?.Items.Find(argument => argument.Name.StringValue == "import")?.Value;
            if (link.Arguments?.Items.Any(argument => argument.Name.StringValue == "as") == true)
                throw new CompositionException($"'{subgraph}' has @link with 'as': composition reads federation by its own names only.");
            if ((import as GraphQLListValue)?.Values?.Any(value => value is not GraphQLStringValue) == true)
                throw new CompositionException($"'{subgraph}' imports a directive under another name, which is not supported.");
        }
    }

    public static bool Has(IHasDirectivesNode node, string name) =>
        node.Directives?.Items.Any(directive => NameOf(directive) == name) == true;

    public static GraphQLDirective? Find(IHasDirectivesNode node, string name) =>
        node.Directives?.Items.Find(directive => NameOf(directive) == name);

    public static IEnumerable<EntityKey> KeysOf(string subgraph, string type, IHasDirectivesNode node)
    {
        foreach (var directive in node.Directives?.Items.Where(directive => NameOf(directive) == "key") ?? [])
        {
            var fields = (Argument(directive, "fields") as GraphQLStringValue)?.Value.ToString();
            var resolvable = Argument(directive, "resolvable") is not GraphQLFalseBooleanValue;
            GraphQLSelectionSet selection;
            try
            {
                selection = Parser.Parse<GraphQLSelectionSet>($"{{ {fields} }}");
            }
            catch (GraphQLParser.Exceptions.GraphQLSyntaxErrorException)
            {
                throw new CompositionException($"'{subgraph}': @key of {type} needs 'fields' with names of fields, and has \"{fields}\".");
            }

            CheckKey(subgraph, type, selection);
            yield return new EntityKey(fields!, selection, resolvable);
        }
    }

    private static void CheckKey(string subgraph, string type, GraphQLSelectionSet selection)
    {
        foreach (var selected in selection.Selections)
        {
            if (selected is not GraphQLField { Alias: null, Arguments: null, Directives: null } field)
                throw new CompositionException($"'{subgraph}': @key of {type} may have fields and their fields only.");
            if (field.SelectionSet is not null)
                CheckKey(subgraph, type, field.SelectionSet);
        }
    }

    private static GraphQLValue? Argument(GraphQLDirective directive, string name) =>
        directive.Arguments?.Items.Find(argument => argument.Name.StringValue == name)?.Value;

    /// <summary>Federation's directives may be written with their namespace.</summary>
    private static string NameOf(GraphQLDirective directive) =>
        directive.Name.StringValue is var name && name.StartsWith("federation__", StringComparison.Ordinal)
            ? name["federation__".Length..]
            : name;
}
