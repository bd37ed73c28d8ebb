using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>Prints planned requests as the documents that are sent.</summary>
internal static class PlanText
{
    public static IReadOnlyList<Fetch> Print(List<PlannedFetch> stage, GraphQLDocument document, GraphQLOperationDefinition operation)
    {
        // A variable of ours has no name that one of the client's has.
        var ours = "r";
        while (operation.Variables?.Items.Any(given => given.Variable.Name.StringValue.StartsWith(ours, StringComparison.Ordinal)) == true)
            ours += "_";
        var ordered = stage.OrderBy(fetch => fetch.Level).ToList();
        return
        [
            .. ordered.Select(fetch => Print(fetch, document, operation, ours, [.. fetch.Needs.Select(need => ordered.IndexOf(need))])),
        ];
    }

    private static Fetch Print(PlannedFetch fetch, GraphQLDocument document, GraphQLOperationDefinition operation, string ours, int[] needs)
    {
        var body = new StringBuilder();
        var nodes = new List<ASTNode>();
        var heads = new List<string>();
        var lookups = new List<EntityLookup>();
        var more = "";
        FieldNode[] root = [];
        if (fetch.Subgraph is null)
        {
            // Introspection, which the library executes as it was sent.
            root = [.. fetch.Sources[0].Sent.Select(sent => sent.Node)];
            nodes.AddRange(fetch.Sources[0].Sent.SelectMany(sent => sent.Same));
            body.AppendJoin('\n', nodes.Select(node => node.Print()));
            foreach (var fragment in Selections.FragmentsOf(document, nodes.ToArray()))
            {
                nodes.Add(fragment);
                more += "\n" + fragment.Print();
            }
        }
        else if (fetch.Level == 0)
        {
            root = [.. fetch.Sources[0].Sent.Select(sent => sent.Node)];
            Write(body, fetch.Sources[0].Sent, nodes);
        }
        else
        {
            // Places of which the same is asked by the same key share a field.
            var groups = fetch.Sources.GroupBy(source =>
            {
                var inner = new StringBuilder();
                Write(inner, source.Sent, nodes);
                return (source.Shape.Type, source.Key!.Fields, Text: inner.ToString());
            });
            var all = groups.ToArray();
            foreach (var group in all)
            {
                var i = lookups.Count;
                var key = all.Length == 1 ? "_entities" : $"e{i}";
                heads.Add($"${ours}{i}: [_Any!]!");
                body.Append(all.Length == 1 ? "" : $"{key}: ")
                    .Append($"_entities(representations: ${ours}{i}) {{ ... on {group.Key.Type} {{ {group.Key.Text}}} }} ");
                lookups.Add(new EntityLookup(key, Encoding.UTF8.GetBytes($"\"{ours}{i}\":"), [.. group.Select(Part)]));
            }
        }

        var used = Selections.VariablesOf(nodes).ToHashSet();
        var declared = (operation.Variables?.Items ?? []).Where(variable => used.Contains(variable.Variable.Name.StringValue)).ToArray();
        heads.AddRange(declared.Select(variable => variable.Print()));
        var kind =
            fetch.Level > 0 ? "query"
            : operation.Operation == OperationType.Mutation ? "mutation"
            : operation.Operation == OperationType.Subscription ? "subscription"
            : "query";
        var name = operation.Name is { } given ? " " + given.StringValue : "";
        var query = $"{kind}{name}{(heads.Count == 0 ? "" : $"({string.Join(", ", heads)})")} {{ {body}}}{more}";
        return new Fetch(
            fetch.Subgraph,
            query,
            Encoding.UTF8.GetBytes($"{{\"query\":\"{JsonEncodedText.Encode(query, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\""),
            [.. declared.Select(variable => variable.Variable.Name.StringValue)],
            needs,
            root,
            lookups
        );
    }

    private static EntityPart Part(Source source) =>
        new(
            source.Shape,
            Encoding.UTF8.GetBytes($"{{\"__typename\":\"{source.Shape.Type}\""),
            [.. source.Keys.Select(key => (Encoding.UTF8.GetBytes($",\"{key.Name}\":"), key.Node.Slot))],
            [.. source.Sent.Select(sent => sent.Node)]
        );

    /// <summary>Fields as they are sent; the nodes in which variables may be are added to the list.</summary>
    private static void Write(StringBuilder text, List<Sent> fields, List<ASTNode> nodes)
    {
        foreach (var sent in fields)
        {
            if (sent.Node.Key != sent.Name)
                text.Append(sent.Node.Key).Append(": ");
            text.Append(sent.Name);
            var field = sent.Same[0];
            if (field.Arguments is { Items.Count: > 0 } arguments)
            {
                nodes.Add(arguments);
                text.Append('(')
                    .AppendJoin(", ", arguments.Items.Select(argument => $"{argument.Name.StringValue}: {argument.Value.Print()}"))
                    .Append(')');
            }

            text.Append(' ');
            if (sent.IsText && field.SelectionSet is not null)
                text.Append(field.SelectionSet.Print().ReplaceLineEndings(" ")).Append(' ');
            else if (sent.Position is not null)
                WriteInner(text, sent, nodes);
        }
    }

    private static void WriteInner(StringBuilder text, Sent sent, List<ASTNode> nodes)
    {
        text.Append("{ ");
        if (sent.TypeKey is not null)
            text.Append(sent.TypeKey).Append(": __typename ");
        foreach (var (on, source) in sent.Inner)
        {
            if (on is null)
            {
                Write(text, source.Sent, nodes);
            }
            else if (source.Sent.Count > 0)
            {
                text.Append("... on ").Append(on).Append(" { ");
                Write(text, source.Sent, nodes);
                text.Append("} ");
            }
        }

        text.Append("} ");
    }
}
