using System.Text;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Gateway.Execution;

/// <summary>
/// Plans an operation: each field is asked of the subgraph that returned its object if that one resolves it, else of another, by a key. Of
/// all places whose entities one subgraph completes at one level, one request asks.
/// </summary>
internal sealed class Planner
{
    /// <summary>Fields of a plan. An operation may select few, whose plan is large when every type of an interface has its own.</summary>
    public const int MaxPlannedFields = 10_000;

    private readonly Supergraph graph;
    private readonly GraphQLDocument document;
    private readonly GraphQLOperationDefinition operation;
    private readonly Selections selections;
    private readonly List<List<PlannedFetch>> stages = [];
    private int targets;
    private int fields;

    private Planner(GraphQLDocument document, GraphQLOperationDefinition operation, Supergraph graph, Func<string, bool> condition)
    {
        (this.graph, this.document, this.operation) = (graph, document, operation);
        selections = new Selections(document, graph, condition);
    }

    /// <param name="document">A valid document.</param>
    /// <param name="operation">One of its operations.</param>
    /// <param name="graph">Who resolves what.</param>
    /// <param name="condition">The value of a variable of @skip or @include.</param>
    /// <exception cref="RequestError">The plan would be too large.</exception>
    public static QueryPlan Create(
        GraphQLDocument document,
        GraphQLOperationDefinition operation,
        Supergraph graph,
        Func<string, bool> condition
    ) => new Planner(document, operation, graph, condition).Create();

    private QueryPlan Create()
    {
        var isMutation = operation.Operation == OperationType.Mutation;
        var type = graph.Root(operation.Operation)!;
        var shape = new ObjectShape(type.Name);
        if (!isMutation)
            stages.Add([]);
        foreach (var (key, same) in selections.Collect(type, [operation.SelectionSet]))
        {
            var name = same[0].Name.StringValue;
            if (name == "__typename")
            {
                shape.Visible.Add(Node(shape, key, new ValueShape { NonNull = true }));
                shape.Visible[^1].Constant = Encoding.UTF8.GetBytes($"\"{type.Name}\"");
            }
            else if (type.Fields.TryGetValue(name, out var field))
            {
                Add(shape, RootSource(isMutation, shape, Owner(field, same)), key, same, field);
            }
            else
            {
                var source = RootSource(isMutation, shape, null);
                shape.Visible.Add(Node(shape, key, new ValueShape { NonNull = false }));
                source.Sent.Add(new Sent(shape.Visible[^1], name, same) { IsText = true });
            }
        }

        Seal(shape);
        return new QueryPlan(
            operation.Operation,
            shape,
            [.. stages.Where(stage => stage.Count > 0).Select(stage => new PlanStage(PlanText.Print(stage, document, operation)))],
            targets
        );
    }

    /// <summary>Of several subgraphs that resolve a root field, the one that resolves most of what is selected of it.</summary>
    private string Owner(SuperField field, List<GraphQLField> same)
    {
        if (field.In.Count == 1)
            return field.In.Keys.First();
        var inner = graph.Named(field.Type);
        var selected = inner is { Kind: SuperKind.Object } ? Inner(inner, same) : [];
        return field
            .In.Keys.OrderByDescending(subgraph =>
                selected.Count(one => inner!.Fields.GetValueOrDefault(one.Fields[0].Name.StringValue)?.In.ContainsKey(subgraph) == true)
            )
            .First();
    }

    private List<(string Key, List<GraphQLField> Fields)> Inner(SuperType type, List<GraphQLField> same) =>
        selections.Collect(type, same.Select(field => field.SelectionSet).OfType<GraphQLSelectionSet>());

    /// <summary>
    /// Mutations run in order, so only fields of one subgraph that follow one another share a request, unless the earlier needs more of
    /// others, which must not see what the later one does.
    /// </summary>
    private Source RootSource(bool isMutation, ObjectShape shape, string? subgraph)
    {
        var known = isMutation
            ? (stages is [.., [var only]] ? only : null)
            : stages[0].Find(fetch => fetch.Level == 0 && fetch.Subgraph == subgraph);
        if (known is not null && known.Subgraph == subgraph)
            return known.Sources[0];
        if (isMutation)
            stages.Add([]);
        return Open(shape, subgraph, 0, null);
    }

    private Source Open(ObjectShape shape, string? subgraph, int level, EntityKey? key)
    {
        var fetch = stages[^1].Find(fetch => fetch.Level == level && fetch.Subgraph == subgraph && level > 0);
        if (fetch is null)
            stages[^1].Add(fetch = new PlannedFetch(subgraph, level));
        var source = new Source(shape, subgraph, level, fetch, key);
        fetch.Sources.Add(source);
        return source;
    }

    /// <summary>Adds a field to what a subgraph is asked for, with all that is selected of it.</summary>
    private void Add(ObjectShape shape, Source source, string key, List<GraphQLField> same, SuperField field)
    {
        var node = Node(shape, key, Value(field.Type, null));
        shape.Visible.Add(node);
        Send(source, node, field, same);
    }

    private void Send(Source source, FieldNode node, SuperField field, List<GraphQLField> same)
    {
        // What the client selects has its name; what only the gateway needs gives way.
        foreach (var hidden in source.Sent.Where(sent => sent.IsHidden && sent.Node.Key == node.Key))
            hidden.Node.Key = $"_{hidden.Name}{hidden.Node.Slot}";
        var sent = new Sent(node, field.Name, same);
        source.Sent.Add(sent);
        if (graph.Named(field.Type) is not { IsComposite: true } inner)
            return;
        sent.Position = Position(inner, same, source, sent);
        node.Value = Value(field.Type, sent.Position);
    }

    private PositionShape Position(SuperType type, List<GraphQLField> same, Source source, Sent parent)
    {
        var position = new PositionShape();
        var own = graph.Possible(type, source.Subgraph).ToArray();
        var collected = own.Select(possible => (Type: possible, Fields: Inner(possible, same))).ToArray();
        if (type.Kind == SuperKind.Object)
            position.Only = Object(type, collected[0].Fields, source, parent, null);
        else if (collected.Length > 0 && IsUniform(type, collected, source.Subgraph!))
            position.Only = Object(type, collected[0].Fields, source, parent, null);
        else
        {
            foreach (var (possible, fieldsOfType) in collected)
            {
                var shape = Object(possible, fieldsOfType, source, parent, possible.Name);
                position.ByType.Add((Encoding.UTF8.GetBytes(possible.Name), shape));
            }
        }

        return position;
    }

    /// <summary>Whether all objects have the same fields, and the subgraph's interface has them too.</summary>
    private static bool IsUniform(
        SuperType type,
        (SuperType Type, List<(string Key, List<GraphQLField> Fields)> Fields)[] collected,
        string subgraph
    ) =>
        collected[0]
            .Fields.All(field =>
                field.Fields[0].Name.Value == "__typename"
                || (type.Fields.TryGetValue(field.Fields[0].Name.StringValue, out var definition) && definition.In.ContainsKey(subgraph))
            )
        && collected.All(one =>
            one.Fields.SelectMany(field => field.Fields).SequenceEqual(collected[0].Fields.SelectMany(field => field.Fields))
        );

    /// <param name="type">The objects' type.</param>
    /// <param name="collected">What is selected of them.</param>
    /// <param name="source">Who returns them.</param>
    /// <param name="parent">The field that does.</param>
    /// <param name="on">The type to name around the fields; null when all objects have it.</param>
    private ObjectShape Object(
        SuperType type,
        List<(string Key, List<GraphQLField> Fields)> collected,
        Source source,
        Sent parent,
        string? on
    )
    {
        var shape = new ObjectShape(type.Name);
        var origin = new Source(shape, source.Subgraph, source.Level, source.Fetch, null) { IsOneOfMany = on is not null };
        parent.Inner.Add((on, origin));
        // In the client's order, and first of all those of the same subgraph: what others need of it comes after them.
        var missing = new List<(FieldNode Node, SuperField Field, List<GraphQLField> Same)>();
        foreach (var (key, same) in collected)
        {
            if (same[0].Name.Value == "__typename")
            {
                shape.Visible.Add(Node(shape, key, new ValueShape { NonNull = true }));
                origin.Sent.Add(new Sent(shape.Visible[^1], "__typename", same));
                continue;
            }

            var field = type.Fields[same[0].Name.StringValue];
            if (field.In.ContainsKey(source.Subgraph!))
            {
                Add(shape, origin, key, same, field);
                continue;
            }

            shape.Visible.Add(Node(shape, key, Value(field.Type, null)));
            missing.Add((shape.Visible[^1], field, same));
        }

        var sources = new List<Source> { origin };
        foreach (var (node, field, same) in missing)
        {
            var giver =
                sources.Find(known => field.In.ContainsKey(known.Subgraph!))
                ?? Enter(type, sources, field, missing.Select(one => one.Field));
            Send(giver, node, field, same);
        }

        return shape;
    }

    /// <summary>Opens the lookups on the way to a subgraph that resolves the field.</summary>
    private Source Enter(SuperType type, List<Source> sources, SuperField field, IEnumerable<SuperField> missing)
    {
        var origin = sources[0];
        var way = field
            .In.Keys.Select(subgraph => graph.Route(type, origin.Subgraph!, other => other == subgraph))
            .OfType<IReadOnlyList<(string Subgraph, EntityKey Key)>>()
            .OrderBy(way => way.Count)
            .ThenByDescending(way => missing.Count(other => other.In.ContainsKey(way[^1].Subgraph)))
            .First();
        foreach (var (subgraph, key) in way)
        {
            if (sources.Exists(known => known.Subgraph == subgraph))
                continue;
            var keys = key
                .Selection.Selections.Cast<GraphQLField>()
                .Select(one => (Field: one, Giver: sources.First(known => graph.Provides(known.Subgraph!, type, one))))
                .ToArray();
            if (origin.Shape.Target < 0)
                origin.Shape.Target = targets++;
            var entered = Open(origin.Shape, subgraph, keys.Max(one => one.Giver.Level) + 1, key);
            foreach (var (one, giver) in keys)
            {
                entered.Keys.Add((one.Name.StringValue, KeyNode(type, giver, one)));
                entered.Fetch.Needs.Add(giver.Fetch);
            }

            sources.Add(entered);
        }

        return sources[^1].Subgraph == way[^1].Subgraph ? sources[^1] : sources.First(known => known.Subgraph == way[^1].Subgraph);
    }

    /// <summary>The field that gives a part of a key: one that the client selects as well, or one of the gateway's own.</summary>
    private FieldNode KeyNode(SuperType type, Source giver, GraphQLField field)
    {
        var name = field.Name.StringValue;
        var isPlain = field.SelectionSet is null && type.Fields[name].Arguments.Count == 0;
        var known = isPlain ? giver.Sent.Find(sent => sent.Name == name && sent.IsPlain) : null;
        if (known is not null)
            return known.Node;
        var shape = giver.Shape;
        // Fields of one name beside those of other types must be alike there too, so each has its own name then.
        var isFree = isPlain && !giver.IsOneOfMany && !giver.Sent.Exists(sent => sent.Node.Key == name);
        var node = Node(shape, name, new ValueShape { NonNull = false });
        if (!isFree)
            node.Key = giver.IsOneOfMany ? $"_{name}{node.Slot}{type.Name}" : $"_{name}{node.Slot}";
        giver.Sent.Add(new Sent(node, name, [field]) { IsHidden = true, IsText = field.SelectionSet is not null });
        return node;
    }

    private FieldNode Node(ObjectShape shape, string key, ValueShape value)
    {
        if (++fields > MaxPlannedFields)
            throw RequestError.Limit(
                nameof(MaxPlannedFields),
                MaxPlannedFields,
                $"Over all types that the interfaces may have, the operation may select at most {MaxPlannedFields} fields"
            );
        return new FieldNode(key, shape.Slots++) { Value = value };
    }

    private static ValueShape Value(GraphQLType type, PositionShape? position, bool nonNull = false) =>
        type switch
        {
            GraphQLNonNullType inner => Value(inner.Type, position, nonNull: true),
            GraphQLListType list when position is not null => new ValueShape { NonNull = nonNull, Item = Value(list.Type, position) },
            _ => new ValueShape { NonNull = nonNull, Object = position },
        };

    /// <summary>Fixes names and orders, and finds what can be taken as it comes.</summary>
    private void Seal(ObjectShape root)
    {
        foreach (var node in root.Visible)
            Name(node);
        foreach (var source in stages.SelectMany(stage => stage).SelectMany(fetch => fetch.Sources))
        {
            foreach (var sent in source.Sent)
                Seal(sent);
        }
    }

    private static bool Seal(Sent sent)
    {
        var isRaw = true;
        foreach (var (_, inner) in sent.Inner)
        {
            foreach (var own in inner.Sent)
                isRaw &= Seal(own) && !own.IsHidden;
            foreach (var node in inner.Shape.Visible)
                Name(node);
            isRaw &= inner.Shape.Target < 0;
        }

        // An object of which nothing is left must be asked for something.
        if (sent.Position is { } position)
            isRaw &= sent.Inner.Exists(inner => inner.Source.Sent.Count > 0);
        if (isRaw)
            sent.Node.Value = new ValueShape { NonNull = sent.Node.Value.NonNull };
        else
            SealPosition(sent);
        Name(sent.Node);
        return isRaw;
    }

    private static void SealPosition(Sent sent)
    {
        var position = sent.Position!;
        foreach (var (_, source) in sent.Inner)
            source.Shape.Origin = [.. source.Sent.Select(own => own.Node)];
        var isEmpty = !sent.Inner.Exists(inner => inner.Source.Sent.Count > 0);
        if (position.Only is not null && !isEmpty)
            return;
        var key = "_type";
        while (sent.Inner.SelectMany(inner => inner.Source.Sent).Any(own => own.Node.Key == key))
            key += "_";
        sent.TypeKey = key;
        position.TypeKey = Encoding.UTF8.GetBytes(key);
    }

    private static void Name(FieldNode node)
    {
        node.Name = Encoding.UTF8.GetBytes(node.Key);
        node.Written = Encoding.UTF8.GetBytes($"\"{node.Key}\":");
    }
}
