using GraphQL.Types;
using GraphQLParser.AST;
using GraphQLParser.Visitors;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>A root field that the client selected.</summary>
/// <param name="ResponseKey">Alias or name.</param>
/// <param name="NonNull">Whether the schema declares it non-null.</param>
/// <param name="Owner">The subgraph; null for <c>__typename</c>, <c>__schema</c> and <c>__type</c>, which the gateway answers.</param>
internal sealed record RootField(string ResponseKey, string Name, bool NonNull, string? Owner);

/// <summary>One request to one subgraph.</summary>
/// <param name="Subgraph">Null for what the gateway answers itself.</param>
/// <param name="Variables">Names of the client's variables that it uses.</param>
internal sealed record Fetch(string? Subgraph, string Query, IReadOnlyList<string> Variables, IReadOnlyList<RootField> Fields);

/// <summary>
/// The plan of an operation: fetches that run in parallel (a query) or in sequence (a mutation, whose fields have an order). The document
/// is valid and within <see cref="Polaris.ServiceDefaults.GraphQL.GraphQLLimits"/>.
/// </summary>
internal sealed record QueryPlan(OperationType Operation, IReadOnlyList<Fetch> Fetches, IReadOnlyList<RootField> Fields)
{
    /// <summary>A root field as it is sent.</summary>
    /// <param name="Parts">The field, and the directives of the fragments around it.</param>
    private sealed record Item(RootField Field, string Text, IReadOnlyList<ASTNode> Parts);

    private sealed record Group(string? Owner, List<Item> Items);

    public static QueryPlan Create(GraphQLDocument document, GraphQLOperationDefinition operation, PublicSchema schema)
    {
        var owners = operation.Operation == OperationType.Mutation ? schema.Sdl.MutationOwners : schema.Sdl.QueryOwners;
        var rootType = operation.Operation == OperationType.Mutation ? schema.Schema.Mutation! : schema.Schema.Query;
        var fragments = document
            .Definitions.OfType<GraphQLFragmentDefinition>()
            .ToDictionary(fragment => fragment.FragmentName.Name.StringValue);
        var selected = new List<Item>();
        Collect(operation.SelectionSet, []);

        var groups = new List<Group>();
        var byKey = new Dictionary<string, Group>();
        // A fragment may be spread more than once.
        foreach (var item in selected.DistinctBy(item => (item.Field.ResponseKey, item.Text)))
        {
            var (key, owner) = (item.Field.ResponseKey, item.Field.Owner);
            // A repeated key is one field, which runs once: its selections are merged by whoever gets all of them.
            if (!byKey.TryGetValue(key, out var group))
            {
                // Mutations run in order, so only adjacent fields of one subgraph share a request.
                group =
                    operation.Operation != OperationType.Mutation ? groups.Find(known => known.Owner == owner)
                    : groups.Count > 0 && groups[^1].Owner == owner ? groups[^1]
                    : null;
                if (group is null)
                    groups.Add(group = new Group(owner, []));
                byKey.Add(key, group);
            }

            group.Items.Add(item);
        }

        return new QueryPlan(
            operation.Operation,
            [.. groups.Select(group => ToFetch(operation, group, fragments))],
            [.. selected.Select(item => item.Field).DistinctBy(field => field.ResponseKey)]
        );

        void Collect(GraphQLSelectionSet selections, GraphQLDirectives[] conditions)
        {
            foreach (var selection in selections.Selections)
            {
                switch (selection)
                {
                    case GraphQLField field:
                        var name = field.Name.StringValue;
                        selected.Add(
                            new Item(
                                new RootField(
                                    field.Alias?.Name.StringValue ?? name,
                                    name,
                                    rootType.Fields.Find(name)?.ResolvedType is NonNullGraphType,
                                    owners.GetValueOrDefault(name)
                                ),
                                conditions.Aggregate(field.Print(), (inner, condition) => $"... {Print(condition)} {{ {inner} }}"),
                                [field, .. conditions]
                            )
                        );
                        break;
                    case GraphQLInlineFragment inline:
                        Collect(inline.SelectionSet, With(inline.Directives, conditions));
                        break;
                    case GraphQLFragmentSpread spread:
                        Collect(fragments[spread.FragmentName.Name.StringValue].SelectionSet, With(spread.Directives, conditions));
                        break;
                }
            }
        }
    }

    /// <summary>Copies @skip and @include of a root fragment to each of its fields; the subgraph evaluates them.</summary>
    private static GraphQLDirectives[] With(GraphQLDirectives? directives, GraphQLDirectives[] conditions) =>
        directives is null ? conditions : [directives, .. conditions];

    private static string Print(GraphQLDirectives directives) => string.Join(' ', directives.Items.Select(directive => directive.Print()));

    private static Fetch ToFetch(GraphQLOperationDefinition operation, Group group, Dictionary<string, GraphQLFragmentDefinition> fragments)
    {
        var body = string.Join('\n', group.Items.Select(item => item.Text));
        var nodes = NodesOf(group.Items.SelectMany(item => item.Parts));
        var used = new SortedSet<string>(StringComparer.Ordinal);
        var more = "";
        // Fragments that the fields use, and those that these use; the list grows while it is read.
        for (var i = 0; i < nodes.Count; i++)
        {
            if (nodes[i] is not GraphQLFragmentSpread spread || !used.Add(spread.FragmentName.Name.StringValue))
                continue;
            var fragment = fragments[spread.FragmentName.Name.StringValue];
            more += "\n" + fragment.Print();
            nodes.AddRange(NodesOf([fragment]));
        }

        var variables = nodes.OfType<GraphQLVariable>().Select(variable => variable.Name.StringValue).ToHashSet();
        var declared = (operation.Variables?.Items ?? [])
            .Where(variable => variables.Contains(variable.Variable.Name.StringValue))
            .ToArray();
        var head = declared.Length == 0 ? "" : $"({string.Join(", ", declared.Select(variable => variable.Print()))})";
        var kind = operation.Operation == OperationType.Mutation ? "mutation" : "query";
        return new Fetch(
            group.Owner,
            $"{kind}{head} {{\n{body}\n}}{more}",
            [.. declared.Select(variable => variable.Variable.Name.StringValue)],
            [.. group.Items.Select(item => item.Field).DistinctBy(field => field.ResponseKey)]
        );
    }

    private static List<ASTNode> NodesOf(IEnumerable<ASTNode> roots)
    {
        var collector = new NodeCollector();
        foreach (var root in roots)
            collector.VisitAsync(root, default).AsTask().GetAwaiter().GetResult();
        return collector.Nodes;
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
            if (node is not null)
                Nodes.Add(node);
            return base.VisitAsync(node, context);
        }
    }
}
