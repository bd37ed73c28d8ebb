using GraphQL;
using GraphQLParser.AST;
using GraphQLParser.Visitors;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>
/// The fields that an operation selects at a place, by the specification's CollectFields: fragments are resolved, conditions are decided,
/// fields of one response key are together.
/// </summary>
internal sealed class Selections
{
    private readonly Dictionary<string, GraphQLFragmentDefinition> fragments;
    private readonly Supergraph graph;
    private readonly Func<string, bool> condition;

    /// <param name="document">The document, for its fragments.</param>
    /// <param name="graph">For which types a fragment applies to.</param>
    /// <param name="condition">The value of a variable of a condition.</param>
    public Selections(GraphQLDocument document, Supergraph graph, Func<string, bool> condition)
    {
        fragments = document
            .Definitions.OfType<GraphQLFragmentDefinition>()
            .ToDictionary(fragment => fragment.FragmentName.Name.StringValue);
        (this.graph, this.condition) = (graph, condition);
    }

    /// <summary>The variables of the conditions of an operation, which decide its plan.</summary>
    public static IReadOnlyList<string> ConditionVariables(GraphQLDocument document) =>
        [
            .. NodesOf(document)
                .OfType<GraphQLDirective>()
                .Where(directive => directive.Name.Value == "skip" || directive.Name.Value == "include")
                .Select(directive => (directive.Arguments?.Items[0].Value as GraphQLVariable)?.Name.StringValue)
                .OfType<string>()
                .Distinct(),
        ];

    public static IEnumerable<string> VariablesOf(IEnumerable<ASTNode> nodes) =>
        nodes.SelectMany(NodesOf).OfType<GraphQLVariable>().Select(variable => variable.Name.StringValue);

    /// <summary>The fragments that these nodes use, and those that these use.</summary>
    public static IReadOnlyList<GraphQLFragmentDefinition> FragmentsOf(GraphQLDocument document, IReadOnlyList<ASTNode> roots)
    {
        var used = new List<GraphQLFragmentDefinition>();
        var nodes = roots.SelectMany(NodesOf).ToList();
        // The list grows while it is read.
        for (var i = 0; i < nodes.Count; i++)
        {
            if (nodes[i] is not GraphQLFragmentSpread spread)
                continue;
            var fragment = document
                .Definitions.OfType<GraphQLFragmentDefinition>()
                .First(candidate => candidate.FragmentName.Name.Value == spread.FragmentName.Name.Value);
            if (used.Contains(fragment))
                continue;
            used.Add(fragment);
            nodes.AddRange(NodesOf(fragment));
        }

        return used;
    }

    /// <summary>The fields of an object of this type, each with all its selections, in order.</summary>
    public List<(string Key, List<GraphQLField> Fields)> Collect(SuperType type, IEnumerable<GraphQLSelectionSet> sets)
    {
        var collected = new List<(string Key, List<GraphQLField> Fields)>();
        var byKey = new Dictionary<string, List<GraphQLField>>();
        // A fragment that is spread twice at one place adds nothing the second time.
        var spread = new HashSet<string>();
        foreach (var set in sets)
            Visit(set);
        return collected;

        void Visit(GraphQLSelectionSet set)
        {
            foreach (var selection in set.Selections)
            {
                if (!IsIncluded((IHasDirectivesNode)selection))
                    continue;
                switch (selection)
                {
                    case GraphQLField field:
                        var key = field.Alias?.Name.StringValue ?? field.Name.StringValue;
                        if (!byKey.TryGetValue(key, out var fields))
                        {
                            byKey.Add(key, fields = []);
                            collected.Add((key, fields));
                        }

                        fields.Add(field);
                        break;
                    case GraphQLInlineFragment inline when Applies(inline.TypeCondition, type):
                        Visit(inline.SelectionSet);
                        break;
                    case GraphQLFragmentSpread named when spread.Add(named.FragmentName.Name.StringValue):
                        var fragment = fragments[named.FragmentName.Name.StringValue];
                        if (Applies(fragment.TypeCondition, type))
                            Visit(fragment.SelectionSet);
                        break;
                    default:
                        break;
                }
            }
        }
    }

    private bool Applies(GraphQLTypeCondition? condition, SuperType type)
    {
        if (condition?.Type.Name.StringValue is not { } name || name == type.Name)
            return true;
        return graph.Types[name] is { Kind: not SuperKind.Object } parent && graph.Possible(parent).Contains(type);
    }

    private bool IsIncluded(IHasDirectivesNode node) =>
        node.Directives?.Items.All(directive =>
            directive.Name.StringValue switch
            {
                "skip" => !Decide(directive),
                "include" => Decide(directive),
                _ => true,
            }
        )
        ?? true;

    private bool Decide(GraphQLDirective directive) =>
        directive.Arguments!.Items[0].Value is GraphQLVariable variable
            ? condition(variable.Name.StringValue)
            : directive.Arguments.Items[0].Value is GraphQLTrueBooleanValue;

    private static List<ASTNode> NodesOf(ASTNode root)
    {
        var collector = new NodeCollector();
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
