using GraphQL.Types;
using GraphQLParser;
using GraphQLParser.AST;
using GraphQLParser.Visitors;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>A root field as the client asked for it.</summary>
/// <param name="ResponseKey">Alias or name.</param>
/// <param name="NonNull">Whether the schema says that it is never null.</param>
/// <param name="Owner">The subgraph; null for <c>__typename</c>, <c>__schema</c> and <c>__type</c>, which the gateway answers.</param>
internal sealed record RootField(string ResponseKey, string Name, bool NonNull, string? Owner);

/// <summary>One request to one subgraph.</summary>
/// <param name="Variables">Names of the client's variables that it uses.</param>
internal sealed record Fetch(string Subgraph, string Query, IReadOnlyList<string> Variables, IReadOnlyList<RootField> Fields);

/// <summary>
/// How an operation is answered: fetches that run side by side (a query) or one after another (a mutation, whose fields have an order), and
/// the part that the gateway answers itself.
/// </summary>
internal sealed record QueryPlan(OperationType Operation, IReadOnlyList<Fetch> Fetches, IReadOnlyList<RootField> Fields, bool HasIntrospection)
{
    /// <summary>Root fields of an operation, aliases counted.</summary>
    public const int MaxRootFields = 50;

    public static QueryPlan Create(GraphQLDocument document, GraphQLOperationDefinition operation, PublicSchema schema)
    {
        var owners = operation.Operation == OperationType.Mutation ? schema.Sdl.MutationOwners : schema.Sdl.QueryOwners;
        var rootType = operation.Operation == OperationType.Mutation ? schema.Schema.Mutation! : schema.Schema.Query;
        var fragments = document.Definitions.OfType<GraphQLFragmentDefinition>().ToDictionary(fragment => fragment.FragmentName.Name.StringValue);
        var selected = new List<(RootField Field, string Text)>();
        Collect(operation.SelectionSet, []);
        if (selected.Count > MaxRootFields) throw new PlanException($"An operation has at most {MaxRootFields} root fields; this one has {selected.Count}.");

        var groups = new List<(string Owner, List<(RootField Field, string Text)> Items)>();
        foreach (var item in selected.Where(item => item.Field.Owner is not null))
        {
            // Mutations keep their order: only neighbours share a request.
            var group = operation.Operation == OperationType.Mutation
                ? groups.Count > 0 && groups[^1].Owner == item.Field.Owner ? groups[^1] : default
                : groups.Find(one => one.Owner == item.Field.Owner);
            if (group.Items is null) groups.Add(group = (item.Field.Owner!, []));
            group.Items.Add(item);
        }

        var fields = selected.Select(item => item.Field).DistinctBy(field => field.ResponseKey).ToArray();
        return new QueryPlan(
            operation.Operation, [.. groups.Select(group => ToFetch(operation, group.Owner, group.Items, fragments))], fields,
            fields.Any(field => field.Owner is null && field.Name != "__typename"));

        void Collect(GraphQLSelectionSet selections, string[] conditions)
        {
            foreach (var selection in selections.Selections)
            {
                switch (selection)
                {
                    case GraphQLField field:
                        var name = field.Name.StringValue;
                        var nonNull = rootType.Fields.Find(name)?.ResolvedType is NonNullGraphType;
                        var text = conditions.Aggregate(field.Print(), (inner, condition) => $"... {condition} {{ {inner} }}");
                        selected.Add((new RootField(field.Alias?.Name.StringValue ?? name, name, nonNull, owners.GetValueOrDefault(name)), text));
                        break;
                    case GraphQLInlineFragment inline:
                        Collect(inline.SelectionSet, [.. Conditions(inline.Directives), .. conditions]);
                        break;
                    case GraphQLFragmentSpread spread:
                        Collect(fragments[spread.FragmentName.Name.StringValue].SelectionSet, [.. Conditions(spread.Directives), .. conditions]);
                        break;
                }
            }
        }
    }

    /// <summary>@skip and @include of a fragment at the root go along with each of its fields; the subgraph decides them.</summary>
    private static string[] Conditions(GraphQLDirectives? directives) => directives is null ? [] : [string.Join(' ', directives.Items.Select(directive => directive.Print()))];

    private static Fetch ToFetch(
        GraphQLOperationDefinition operation, string subgraph, List<(RootField Field, string Text)> items, Dictionary<string, GraphQLFragmentDefinition> fragments)
    {
        var body = string.Join('\n', items.Select(item => item.Text));
        var used = new SortedSet<string>(StringComparer.Ordinal);
        var text = body;
        // Fragments that the fields name, and those that these name in turn.
        var pending = new Queue<string>(SpreadsIn(body));
        while (pending.TryDequeue(out var name))
        {
            if (!used.Add(name)) continue;
            var fragment = fragments[name].Print();
            text += "\n" + fragment;
            foreach (var inner in SpreadsIn(fragment)) pending.Enqueue(inner);
        }

        var variables = VariablesIn(text);
        var declared = (operation.Variables?.Items ?? []).Where(variable => variables.Contains(variable.Variable.Name.StringValue)).ToArray();
        var head = declared.Length == 0 ? "" : $"({string.Join(", ", declared.Select(variable => variable.Print()))})";
        var kind = operation.Operation == OperationType.Mutation ? "mutation" : "query";
        return new Fetch(
            subgraph, $"{kind}{head} {{\n{body}\n}}{text[body.Length..]}", [.. declared.Select(variable => variable.Variable.Name.StringValue)], [.. items.Select(item => item.Field)]);
    }

    private static IEnumerable<string> SpreadsIn(string text) => Nodes(text).OfType<GraphQLFragmentSpread>().Select(spread => spread.FragmentName.Name.StringValue);

    private static HashSet<string> VariablesIn(string text) => [.. Nodes(text).OfType<GraphQLVariable>().Select(variable => variable.Name.StringValue)];

    private static List<ASTNode> Nodes(string text)
    {
        // A fragment stands alone, a body needs its braces.
        var document = Parser.Parse(text.StartsWith("fragment ", StringComparison.Ordinal) ? text : SplitBody(text));
        var collector = new NodeCollector();
        collector.VisitAsync(document, default).AsTask().GetAwaiter().GetResult();
        return collector.Nodes;
    }

    private static string SplitBody(string text)
    {
        var fragment = text.IndexOf("\nfragment ", StringComparison.Ordinal);
        return fragment < 0 ? $"{{\n{text}\n}}" : $"{{\n{text[..fragment]}\n}}{text[fragment..]}";
    }

    private readonly struct NoContext : IASTVisitorContext
    {
        public CancellationToken CancellationToken => default;
    }

    private sealed class NodeCollector : ASTVisitor<NoContext>
    {
        public List<ASTNode> Nodes { get; } = [];

        public override ValueTask VisitAsync(ASTNode? node, NoContext context)
        {
            if (node is not null) Nodes.Add(node);
            return base.VisitAsync(node, context);
        }
    }
}

/// <summary>The operation cannot be planned; the client is told why.</summary>
internal sealed class PlanException(string message) : Exception(message);
