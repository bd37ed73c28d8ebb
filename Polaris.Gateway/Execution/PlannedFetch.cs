using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Gateway.Execution;

/// <summary>A request in the making.</summary>
internal sealed class PlannedFetch(string? subgraph, int level)
{
    public string? Subgraph { get; } = subgraph;

    /// <summary>How many requests come before it.</summary>
    public int Level { get; } = level;

    /// <summary>The root, or the places whose entities it completes.</summary>
    public List<Source> Sources { get; } = [];

    public HashSet<PlannedFetch> Needs { get; } = [];
}

/// <summary>What is asked of one subgraph about the objects of one place.</summary>
/// <param name="shape">The place.</param>
/// <param name="subgraph">Null for introspection.</param>
/// <param name="level">Of the request.</param>
/// <param name="fetch">The request.</param>
/// <param name="key">By which the objects are looked up; null when the subgraph itself returned them.</param>
internal sealed class Source(ObjectShape shape, string? subgraph, int level, PlannedFetch fetch, EntityKey? key)
{
    public ObjectShape Shape { get; } = shape;

    public string? Subgraph { get; } = subgraph;

    public int Level { get; } = level;

    public PlannedFetch Fetch { get; } = fetch;

    public EntityKey? Key { get; } = key;

    /// <summary>Whether there are objects of other types, with other fields, at the place.</summary>
    public bool IsOneOfMany { get; init; }

    public List<Sent> Sent { get; } = [];

    /// <summary>The parts of the key, and which fields give them.</summary>
    public List<(string Name, FieldNode Node)> Keys { get; } = [];
}

/// <summary>A field as it is sent.</summary>
internal sealed class Sent(FieldNode node, string name, List<GraphQLField> same)
{
    public FieldNode Node { get; } = node;

    public string Name { get; } = name;

    /// <summary>All selections of the response key.</summary>
    public List<GraphQLField> Same { get; } = same;

    /// <summary>Whether only the gateway needs it.</summary>
    public bool IsHidden { get; init; }

    /// <summary>Whether its selections are sent as they are: introspection, and the inner fields of a key.</summary>
    public bool IsText { get; init; }

    /// <summary>A field without arguments and without fields of its own.</summary>
    public bool IsPlain => Position is null && Same[0].Arguments is null && Same[0].SelectionSet is null;

    public PositionShape? Position { get; set; }

    /// <summary>What is selected of its objects; by type, where there are several.</summary>
    public List<(string? On, Source Source)> Inner { get; } = [];

    /// <summary>The name under which the object's type is asked for; null when it need not be.</summary>
    public string? TypeKey { get; set; }
}
