using System.Text;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>
/// Prints a supergraph: as the public schema, without what is inaccessible, or with who resolves what, in the join format that Apollo's
/// specification fixes and federation routers read.
/// </summary>
internal sealed class SdlWriter
{
    /// <summary>The definitions of <c>join/v0.3</c>, by which routers read the rest.</summary>
    private const string JoinDefinitions = """
        directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

        directive @join__field(
          graph: join__Graph
          requires: join__FieldSet
          provides: join__FieldSet
          type: String
          external: Boolean
          override: String
          usedOverridden: Boolean
        ) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION

        directive @join__graph(name: String!, url: String!) on ENUM_VALUE

        directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE

        directive @join__type(
          graph: join__Graph!
          key: join__FieldSet
          extension: Boolean! = false
          resolvable: Boolean! = true
          isInterfaceObject: Boolean! = false
        ) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR

        directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION

        directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

        scalar join__FieldSet

        scalar link__Import

        enum link__Purpose {
          "Metadata to resolve fields securely."
          SECURITY
          "Metadata to execute operations."
          EXECUTION
        }

        """;

    private const string InaccessibleDefinition = """
        directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM
          | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION


        """;

    private readonly StringBuilder text = new();
    private readonly Supergraph graph;
    private readonly bool join;

    private SdlWriter(Supergraph graph, bool join) => (this.graph, this.join) = (graph, join);

    public static string Public(Supergraph graph)
    {
        var writer = new SdlWriter(graph, join: false);
        // Explicit, since otherwise a type named Subscription would become the root of subscriptions.
        writer.WriteRoots("");
        writer.WriteTypes();
        return writer.text.ToString();
    }

    /// <param name="graph">What is printed.</param>
    /// <param name="address">Where a subgraph answers.</param>
    public static string Join(Supergraph graph, Func<string, Uri> address)
    {
        var writer = new SdlWriter(graph, join: true);
        var hides = graph.Types.Values.Any(HidesAnything);
        const string spec = "@link(url: \"https://specs.apollo.dev/";
        writer.WriteRoots(
            $" {spec}link/v1.0\") {spec}join/v0.3\", for: EXECUTION)" + (hides ? $" {spec}inaccessible/v0.2\", for: SECURITY)" : "")
        );
        writer.text.Append(JoinDefinitions).Append('\n').Append(hides ? InaccessibleDefinition : "").Append("enum join__Graph {\n");
        foreach (var subgraph in graph.Subgraphs)
            writer.text.Append($"  {GraphName(subgraph)} @join__graph(name: \"{subgraph}\", url: \"{address(subgraph)}\")\n");
        writer.text.Append("}\n\n");
        writer.WriteTypes();
        return writer.text.ToString();
    }

    private static bool HidesAnything(SuperType type) =>
        type.Inaccessible
        || type.Inputs.Any(input => input.Inaccessible)
        || type.Fields.Values.Any(field => field.Inaccessible || field.Arguments.Any(argument => argument.Inaccessible));

    /// <summary>A name of an enum's value: letters, digits and underscores.</summary>
    private static string GraphName(string subgraph) =>
        string.Concat(subgraph.Select(letter => char.IsAsciiLetterOrDigit(letter) ? char.ToUpperInvariant(letter) : '_'));

    private void WriteRoots(string directives)
    {
        text.Append("schema").Append(directives).Append(" {\n  query: Query\n");
        if (graph.Types.ContainsKey("Mutation"))
            text.Append("  mutation: Mutation\n");
        if (graph.Root(OperationType.Subscription) is { } subscription)
            text.Append("  subscription: ").Append(subscription.Name).Append('\n');
        text.Append("}\n\n");
    }

    private void WriteTypes()
    {
        var shown = graph
            .Types.Values.Where(type => join || !type.Inaccessible)
            .OrderBy(type => !type.IsRoot)
            .ThenBy(Order, StringComparer.Ordinal);
        text.AppendJoin('\n', shown.Select(Print));

        static string Order(SuperType type) => type.Name == "Query" ? "" : type.Name;
    }

    private string Print(SuperType type)
    {
        var definition = new StringBuilder();
        Describe(definition, "", type.Description);
        var head = type.Kind switch
        {
            SuperKind.Object => "type",
            SuperKind.Input => "input",
            _ => type.Kind.ToString().ToLowerInvariant(),
        };
        definition.Append($"{head} {type.Name}");
        var interfaces = type.Interfaces.Where(parent => join || !graph.Types[parent].Inaccessible).ToArray();
        if (interfaces.Length > 0)
            definition.Append(" implements ").AppendJoin(" & ", interfaces);
        if (type.SpecifiedBy is { } specified)
            definition.Append(' ').Append(specified.Print().Trim());
        if (join)
            WriteJoin(definition, type);
        switch (type.Kind)
        {
            case SuperKind.Union:
                definition.Append(" = ").AppendJoin(" | ", type.Members.Where(member => join || !graph.Types[member].Inaccessible));
                break;
            case SuperKind.Enum:
                definition.Append(" {\n");
                foreach (var value in type.Values)
                    WriteValue(definition, value);
                definition.Append('}');
                break;
            case SuperKind.Input:
                definition.Append(" {\n");
                foreach (var input in type.Inputs.Where(input => join || !input.Inaccessible))
                {
                    Describe(definition, "  ", input.Description);
                    definition.Append("  ").Append(Print(input));
                    if (join)
                        WriteOwners(definition, type, input.Type, input.In);
                    definition.Append('\n');
                }

                definition.Append('}');
                break;
            case SuperKind.Object or SuperKind.Interface:
                definition.Append(" {\n");
                foreach (var field in type.Fields.Values.Where(field => join || !field.Inaccessible))
                    WriteField(definition, type, field);
                definition.Append('}');
                break;
        }

        return definition.Append('\n').ToString();
    }

    private static void WriteJoin(StringBuilder definition, SuperType type)
    {
        foreach (var (subgraph, own) in type.In)
        {
            foreach (var parent in own.Interfaces)
                definition.Append($" @join__implements(graph: {GraphName(subgraph)}, interface: \"{parent}\")");
            foreach (var key in own.Keys.DefaultIfEmpty())
            {
                definition.Append($" @join__type(graph: {GraphName(subgraph)}");
                if (key is not null)
                    definition.Append($", key: \"{key.Fields}\"").Append(key.Resolvable ? "" : ", resolvable: false");
                definition.Append(')');
            }

            foreach (var member in own.Members)
                definition.Append($" @join__unionMember(graph: {GraphName(subgraph)}, member: \"{member}\")");
        }

        if (type.Inaccessible)
            definition.Append(" @inaccessible");
    }

    private void WriteField(StringBuilder definition, SuperType type, SuperField field)
    {
        Describe(definition, "  ", field.Description);
        definition.Append("  ").Append(field.Name);
        var arguments = field.Arguments.Where(argument => join || !argument.Inaccessible).ToArray();
        if (arguments.Any(argument => argument.Description is not null))
        {
            definition.Append("(\n");
            foreach (var argument in arguments)
            {
                Describe(definition, "    ", argument.Description);
                definition.Append("    ").Append(Print(argument)).Append('\n');
            }

            definition.Append("  )");
        }
        else if (arguments.Length > 0)
        {
            definition.Append('(').AppendJoin(", ", arguments.Select(Print)).Append(')');
        }

        definition.Append(": ").Append(field.Type.Print());
        if (field.Deprecated is { } deprecated)
            definition.Append(' ').Append(deprecated.Print().Trim());
        if (join)
            WriteOwners(definition, type, field.Type, field.In);
        if (join && field.Inaccessible)
            definition.Append(" @inaccessible");
        definition.Append('\n');
    }

    /// <summary>Nothing is said of a field that all subgraphs of its type have, with the same type.</summary>
    private static void WriteOwners(
        StringBuilder definition,
        SuperType type,
        GraphQLType merged,
        SortedDictionary<string, GraphQLType> owners
    )
    {
        var all = merged.Print();
        if (type.In.Count == owners.Count && owners.Values.All(own => own.Print() == all))
            return;
        foreach (var (subgraph, own) in owners)
        {
            var differs = own.Print() is var declared && declared != all ? $", type: \"{declared}\"" : "";
            definition.Append($" @join__field(graph: {GraphName(subgraph)}{differs})");
        }
    }

    private void WriteValue(StringBuilder definition, SuperValue value)
    {
        Describe(definition, "  ", value.Description);
        definition.Append("  ").Append(value.Name);
        if (value.Deprecated is { } deprecated)
            definition.Append(' ').Append(deprecated.Print().Trim());
        if (join)
        {
            foreach (var subgraph in value.In)
                definition.Append($" @join__enumValue(graph: {GraphName(subgraph)})");
        }

        definition.Append('\n');
    }

    private string Print(SuperInput input) =>
        $"{input.Name}: {input.Type.Print()}"
        + (input.Default is { } value ? $" = {value.Print()}" : "")
        + (input.Deprecated is { } deprecated ? $" {deprecated.Print().Trim()}" : "")
        + (join && input.Inaccessible ? " @inaccessible" : "");

    private static void Describe(StringBuilder definition, string indent, string? description)
    {
        if (description is null)
            return;
        if (!description.Contains('\n', StringComparison.Ordinal))
        {
            var quoted = description.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            definition.Append($"{indent}\"{quoted}\"\n");
            return;
        }

        var block = description.Replace("\"\"\"", "\\\"\"\"", StringComparison.Ordinal).Split('\n');
        definition.Append($"{indent}\"\"\"\n{string.Concat(block.Select(line => $"{indent}{line}\n"))}{indent}\"\"\"\n");
    }
}
