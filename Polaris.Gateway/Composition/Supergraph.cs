using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>Two subgraphs are in conflict, or one uses what is not supported; the message names subgraph and definition.</summary>
internal sealed class CompositionException(string message) : Exception(message);

internal enum SuperKind
{
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    Input,
}

/// <summary>Fields that identify an entity in a subgraph.</summary>
/// <param name="Fields">As written in <c>@key(fields:)</c>.</param>
/// <param name="Selection">The same, parsed.</param>
/// <param name="Resolvable">Whether the subgraph finds entities by it.</param>
internal sealed record EntityKey(string Fields, GraphQLSelectionSet Selection, bool Resolvable);

/// <summary>What one subgraph says about a type.</summary>
internal sealed class TypeIn
{
    public List<EntityKey> Keys { get; } = [];

    public SortedSet<string> Interfaces { get; } = new(StringComparer.Ordinal);

    public SortedSet<string> Members { get; } = new(StringComparer.Ordinal);
}

/// <summary>An argument, or a field of an input type: merged, and in which subgraphs it is.</summary>
internal sealed class SuperInput(string name, GraphQLType type)
{
    public string Name { get; } = name;

    public GraphQLType Type { get; set; } = type;

    public GraphQLValue? Default { get; set; }

    public string? Description { get; set; }

    public GraphQLDirective? Deprecated { get; set; }

    public bool Inaccessible { get; set; }

    /// <summary>The type that each subgraph declares.</summary>
    public SortedDictionary<string, GraphQLType> In { get; } = new(StringComparer.Ordinal);
}

/// <summary>A field of an object or interface, merged.</summary>
internal sealed class SuperField(string name, GraphQLType type)
{
    public string Name { get; } = name;

    public GraphQLType Type { get; set; } = type;

    public List<SuperInput> Arguments { get; } = [];

    public string? Description { get; set; }

    public GraphQLDirective? Deprecated { get; set; }

    public bool Inaccessible { get; set; }

    /// <summary>The subgraphs that resolve it, with the type that each declares.</summary>
    public SortedDictionary<string, GraphQLType> In { get; } = new(StringComparer.Ordinal);
}

/// <summary>A value of an enum.</summary>
internal sealed class SuperValue(string name)
{
    public string Name { get; } = name;

    public string? Description { get; set; }

    public GraphQLDirective? Deprecated { get; set; }

    public SortedSet<string> In { get; } = new(StringComparer.Ordinal);
}

/// <summary>A type of the supergraph, merged from the subgraphs that define it.</summary>
internal sealed class SuperType(string name, SuperKind kind)
{
    public string Name { get; } = name;

    public SuperKind Kind { get; } = kind;

    public bool IsRoot => Name is "Query" or "Mutation" || IsSubscription;

    /// <summary>Whether subscriptions begin with it; of any name.</summary>
    public bool IsSubscription { get; set; }

    public bool IsComposite => Kind is SuperKind.Object or SuperKind.Interface or SuperKind.Union;

    public string? Description { get; set; }

    public GraphQLDirective? SpecifiedBy { get; set; }

    public bool Inaccessible { get; set; }

    public SortedDictionary<string, TypeIn> In { get; } = new(StringComparer.Ordinal);

    /// <summary>Of an object or interface.</summary>
    public SortedDictionary<string, SuperField> Fields { get; } = new(StringComparer.Ordinal);

    /// <summary>Of an input type, in the order of the first subgraph.</summary>
    public List<SuperInput> Inputs { get; } = [];

    /// <summary>Of an enum, in the order of the first subgraph.</summary>
    public List<SuperValue> Values { get; } = [];

    public IEnumerable<string> Interfaces => In.Values.SelectMany(own => own.Interfaces).Distinct().Order(StringComparer.Ordinal);

    public IEnumerable<string> Members => In.Values.SelectMany(own => own.Members).Distinct().Order(StringComparer.Ordinal);
}

/// <summary>All subgraphs as one: what the public schema shows, and who resolves which field by which key.</summary>
internal sealed class Supergraph(IReadOnlyList<string> subgraphs, SortedDictionary<string, SuperType> types)
{
    private static readonly string[] BuiltIn = ["Int", "Float", "String", "Boolean", "ID"];

    public IReadOnlyList<string> Subgraphs { get; } = subgraphs;

    public IReadOnlyDictionary<string, SuperType> Types { get; } = types;

    /// <summary>The type that operations of a kind begin with; null when no subgraph has any.</summary>
    public SuperType? Root(OperationType operation) =>
        operation == OperationType.Subscription
            ? Types.Values.FirstOrDefault(type => type.IsSubscription)
            : Types.GetValueOrDefault(operation.ToString());

    public static bool IsBuiltIn(string name) => BuiltIn.Contains(name);

    /// <summary>The type that a list, a non-null or a plain type is about; null for a scalar of the language.</summary>
    public SuperType? Named(GraphQLType type) => Types.GetValueOrDefault(NameOf(type));

    public static string NameOf(GraphQLType type) =>
        type switch
        {
            GraphQLNonNullType nonNull => NameOf(nonNull.Type),
            GraphQLListType list => NameOf(list.Type),
            GraphQLNamedType named => named.Name.StringValue,
            _ => throw new InvalidOperationException("No such type."),
        };

    /// <summary>The objects that a field of this type may return; in one subgraph, if it is named.</summary>
    public IEnumerable<SuperType> Possible(SuperType type, string? subgraph = null) =>
        type.Kind switch
        {
            SuperKind.Object => [type],
            SuperKind.Union => (subgraph is null ? type.Members : type.In[subgraph].Members).Select(member => Types[member]),
            _ => Types.Values.Where(other =>
                other.Kind == SuperKind.Object
                && (
                    subgraph is null
                        ? other.Interfaces.Contains(type.Name)
                        : other.In.TryGetValue(subgraph, out var own) && own.Interfaces.Contains(type.Name)
                )
            ),
        };

    /// <summary>Whether the subgraph resolves all fields of a key, nested ones too.</summary>
    public bool Provides(string subgraph, SuperType type, GraphQLSelectionSet selection) =>
        selection.Selections.OfType<GraphQLField>().All(field => Provides(subgraph, type, field));

    public bool Provides(string subgraph, SuperType type, GraphQLField field) =>
        type.Fields.TryGetValue(field.Name.StringValue, out var definition)
        && definition.In.ContainsKey(subgraph)
        && (field.SelectionSet is null || (Named(definition.Type) is { } inner && Provides(subgraph, inner, field.SelectionSet)));

    /// <summary>
    /// The shortest way from entities of a subgraph to one that resolves a field: the subgraphs to ask one after the other, and by which
    /// key. Empty when the subgraph itself resolves it, null when there is no way.
    /// </summary>
    public IReadOnlyList<(string Subgraph, EntityKey Key)>? Route(SuperType type, string from, Func<string, bool> target)
    {
        if (target(from))
            return [];
        var ways = new Queue<IReadOnlyList<(string Subgraph, EntityKey Key)>>([
            [],
        ]);
        var seen = new HashSet<string> { from };
        while (ways.TryDequeue(out var way))
        {
            foreach (var (subgraph, own) in type.In.Where(other => !seen.Contains(other.Key)))
            {
                string[] known = [from, .. way.Select(step => step.Subgraph)];
                var key = own.Keys.Find(key =>
                    key.Resolvable
                    && key.Selection.Selections.OfType<GraphQLField>().All(field => known.Any(giver => Provides(giver, type, field)))
                );
                if (key is null)
                    continue;
                seen.Add(subgraph);
                (string, EntityKey)[] longer = [.. way, (subgraph, key)];
                if (target(subgraph))
                    return longer;
                ways.Enqueue(longer);
            }
        }

        return null;
    }
}
