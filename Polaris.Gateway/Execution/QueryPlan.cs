using GraphQLParser.AST;

namespace Polaris.Gateway.Execution;

/// <summary>
/// The plan of an operation, for one set of values of its conditions (@skip, @include): stages in sequence, one for a query, several for a
/// mutation, whose fields have an order. The document is valid and within
/// <see cref="Polaris.ServiceDefaults.GraphQL.GraphQLLimits"/>.
/// </summary>
/// <param name="Targets">How many places of the answer have entities that other subgraphs complete.</param>
internal sealed record QueryPlan(OperationType Operation, ObjectShape Root, IReadOnlyList<PlanStage> Stages, int Targets)
{
    /// <summary>Of a subscription: the one that events answer.</summary>
    public Fetch First => Stages[0].Fetches[0];

    /// <summary>Characters that are sent, for the size of the cache.</summary>
    public int Characters => Stages.Sum(stage => stage.Fetches.Sum(fetch => fetch.Query.Length));
}

/// <summary>Fetches that run as soon as those that they need are done. A fetch comes after those.</summary>
internal sealed record PlanStage(IReadOnlyList<Fetch> Fetches);

/// <summary>One request to one subgraph.</summary>
/// <param name="Subgraph">Null for introspection, which the gateway answers itself.</param>
/// <param name="Query">The document that is sent.</param>
/// <param name="Prefix">The request's JSON up to its variables.</param>
/// <param name="Variables">Names of the client's variables that it uses.</param>
/// <param name="Needs">Positions, in the stage, of the fetches whose entities it completes.</param>
/// <param name="RootFields">Of a fetch of root fields, in the order that is sent.</param>
/// <param name="Lookups">Of a fetch of entities.</param>
internal sealed record Fetch(
    string? Subgraph,
    string Query,
    byte[] Prefix,
    IReadOnlyList<string> Variables,
    IReadOnlyList<int> Needs,
    FieldNode[] RootFields,
    IReadOnlyList<EntityLookup> Lookups
);

/// <summary>One <c>_entities</c> field of a fetch: entities of one or more places of which the same is asked.</summary>
/// <param name="ResponseKey">Its name in the answer.</param>
/// <param name="Variable">The JSON name of its representations: <c>"r0":</c>.</param>
internal sealed record EntityLookup(string ResponseKey, byte[] Variable, IReadOnlyList<EntityPart> Parts);

/// <summary>What one place's entities send, and what they get.</summary>
/// <param name="Shape">The place.</param>
/// <param name="Head">The beginning of a representation: <c>{"__typename":"Org"</c>.</param>
/// <param name="Keys">Its fields: <c>,"id":</c> and the slot that has the value.</param>
/// <param name="Fields">What is asked, in order.</param>
internal sealed record EntityPart(ObjectShape Shape, byte[] Head, IReadOnlyList<(byte[] Name, int Slot)> Keys, FieldNode[] Fields);

/// <summary>
/// How a value is taken from an answer: a list's items and an object's fields one by one where something has to be added, or as the bytes
/// that came, when one subgraph answers all of it.
/// </summary>
internal sealed class ValueShape
{
    public required bool NonNull { get; init; }

    public ValueShape? Item { get; init; }

    public PositionShape? Object { get; init; }

    public bool IsRaw => Item is null && Object is null;
}

/// <summary>A place where objects are: of one shape, or of one for each type that they may have.</summary>
internal sealed class PositionShape
{
    /// <summary>The shape of all objects, unless <see cref="ByType"/> has more.</summary>
    public ObjectShape? Only { get; set; }

    public List<(byte[] Type, ObjectShape Shape)> ByType { get; } = [];

    /// <summary>The name in the answer of the object's type, which selects the shape.</summary>
    public byte[] TypeKey { get; set; } = [];

    public IEnumerable<ObjectShape> Shapes => Only is null ? ByType.Select(own => own.Shape) : [Only];
}

/// <summary>An object of the answer: what the client sees of it, in order, and what only the gateway needs.</summary>
internal sealed class ObjectShape(string type)
{
    /// <summary>A name of an object type; of an interface where all of its objects have the same fields.</summary>
    public string Type { get; } = type;

    public List<FieldNode> Visible { get; } = [];

    /// <summary>What the subgraph that returns the object is asked for, in order.</summary>
    public FieldNode[] Origin { get; set; } = [];

    /// <summary>How many values an object holds.</summary>
    public int Slots { get; set; }

    /// <summary>The number of this place among those that other subgraphs complete; -1 for all else.</summary>
    public int Target { get; set; } = -1;
}

/// <summary>A field of an object of the answer.</summary>
internal sealed class FieldNode(string key, int slot)
{
    /// <summary>Alias or name.</summary>
    public string Key { get; set; } = key;

    public int Slot { get; } = slot;

    public required ValueShape Value { get; set; }

    /// <summary>The value, when it is known beforehand.</summary>
    public byte[]? Constant { get; set; }

    /// <summary>The key as it is in the answer of a subgraph.</summary>
    public byte[] Name { get; set; } = [];

    /// <summary>The key as it is written: <c>"name":</c>.</summary>
    public byte[] Written { get; set; } = [];
}
