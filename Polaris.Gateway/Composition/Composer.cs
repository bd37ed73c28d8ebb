using GraphQLParser;
using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>
/// Composes subgraphs by the rules of Apollo Federation 2, as far as Polaris's own use it: entities with keys, shareable value types, root
/// fields. What it does not support stops it (<see cref="Federation"/>).
/// </summary>
internal sealed class Composer
{
    private readonly SortedDictionary<string, SuperType> types = new(StringComparer.Ordinal);
    private readonly List<string> subgraphs = [];

    /// <summary>The type of subscriptions, by subgraph that has them.</summary>
    private readonly SortedDictionary<string, string> subscriptions = new(StringComparer.Ordinal);

    /// <summary>Definitions that must be checked against those of the other subgraphs.</summary>
    private readonly Dictionary<(string Type, string Field), List<(string Subgraph, bool Shareable)>> resolvers = [];

    /// <param name="subgraphs">Name and SDL of each subgraph.</param>
    /// <exception cref="CompositionException">They are in conflict.</exception>
    public static Supergraph Compose(IEnumerable<(string Name, string Sdl)> subgraphs)
    {
        var composer = new Composer();
        foreach (var (name, sdl) in subgraphs.OrderBy(subgraph => subgraph.Name, StringComparer.Ordinal))
            composer.Add(name, sdl);
        return composer.Complete();
    }

    private void Add(string subgraph, string sdl)
    {
        GraphQLDocument document;
        try
        {
            document = Parser.Parse(sdl);
        }
        catch (GraphQLParser.Exceptions.GraphQLSyntaxErrorException exception)
        {
            throw new CompositionException($"The schema of '{subgraph}' cannot be read: {exception.Message}");
        }

        subgraphs.Add(subgraph);
        foreach (var definition in document.Definitions)
        {
            switch (definition)
            {
                case GraphQLSchemaDefinition schema:
                    Federation.CheckLinks(subgraph, schema);
                    CheckRoots(subgraph, schema);
                    break;
                case GraphQLSchemaExtension schema:
                    Federation.CheckLinks(subgraph, schema);
                    break;
                case GraphQLDirectiveDefinition:
                    break;
                case GraphQLObjectTypeExtension extension:
                    AddObject(subgraph, extension.Name.StringValue, extension, extension.Interfaces, extension.Fields, null);
                    break;
                case GraphQLTypeDefinition type when !Federation.IsOwnType(type.Name.StringValue):
                    AddType(subgraph, type);
                    break;
                case GraphQLTypeDefinition:
                    break;
                default:
                    throw new CompositionException($"'{subgraph}' has a definition of kind {definition.Kind}, which is not supported.");
            }
        }
    }

    private void CheckRoots(string subgraph, GraphQLSchemaDefinition schema)
    {
        foreach (var root in schema.OperationTypes)
        {
            // Of any name, since a type that no operation begins with may be called Subscription.
            if (root.Operation == OperationType.Subscription)
                subscriptions.Add(subgraph, root.Type!.Name.StringValue);
            else if (!string.Equals(root.Type?.Name.StringValue, root.Operation.ToString(), StringComparison.Ordinal))
                throw new CompositionException(
                    $"'{subgraph}' names its {root.Operation} type {root.Type?.Name.StringValue}; it must be {root.Operation}."
                );
        }
    }

    private void AddType(string subgraph, GraphQLTypeDefinition definition)
    {
        var name = definition.Name.StringValue;
        switch (definition)
        {
            case GraphQLObjectTypeDefinition type:
                AddObject(subgraph, name, type, type.Interfaces, type.Fields, type.Description);
                break;
            case GraphQLInterfaceTypeDefinition type:
                var known = Open(subgraph, name, SuperKind.Interface, type, "interface");
                AddFields(subgraph, known, type.Fields, null);
                foreach (var parent in type.Interfaces?.Items ?? [])
                    known.In[subgraph].Interfaces.Add(parent.Name.StringValue);
                break;
            case GraphQLUnionTypeDefinition type:
                var union = Open(subgraph, name, SuperKind.Union, type, "union");
                foreach (var member in type.Types?.Items ?? [])
                    union.In[subgraph].Members.Add(member.Name.StringValue);
                break;
            case GraphQLEnumTypeDefinition type:
                AddValues(subgraph, Open(subgraph, name, SuperKind.Enum, type, "enum"), type);
                break;
            case GraphQLInputObjectTypeDefinition type:
                AddInputs(subgraph, name, Open(subgraph, name, SuperKind.Input, type, "input").Inputs, type.Fields?.Items ?? []);
                break;
            case GraphQLScalarTypeDefinition type:
                if (!Supergraph.IsBuiltIn(name))
                    Open(subgraph, name, SuperKind.Scalar, type, "scalar").SpecifiedBy ??= Federation.Find(type, "specifiedBy");
                break;
        }
    }

    private SuperType Open(string subgraph, string name, SuperKind kind, ASTNode node, string place)
    {
        var directives = (IHasDirectivesNode)node;
        Federation.Check(subgraph, name, place, directives);
        if (!types.TryGetValue(name, out var type))
            types.Add(name, type = new SuperType(name, kind));
        if (type.Kind != kind)
            throw new CompositionException($"'{type.In.First().Key}' and '{subgraph}' define {name} as {type.Kind} and as {kind}.");
        type.In.TryAdd(subgraph, new TypeIn());
        type.Description ??= Text((node as IHasDescriptionNode)?.Description);
        type.Inaccessible |= Federation.Has(directives, "inaccessible");
        return type;
    }

    private void AddObject(
        string subgraph,
        string name,
        ASTNode node,
        GraphQLImplementsInterfaces? interfaces,
        GraphQLFieldsDefinition? fields,
        GraphQLDescription? description
    )
    {
        var type = Open(subgraph, name, SuperKind.Object, node, "type");
        type.In[subgraph].Keys.AddRange(Federation.KeysOf(subgraph, name, (IHasDirectivesNode)node));
        foreach (var parent in interfaces?.Items ?? [])
            type.In[subgraph].Interfaces.Add(parent.Name.StringValue);
        AddFields(subgraph, type, fields, (IHasDirectivesNode)node);
    }

    private void AddFields(string subgraph, SuperType type, GraphQLFieldsDefinition? fields, IHasDirectivesNode? owner)
    {
        var keys = type.In[subgraph].Keys.SelectMany(key => key.Selection.Selections.OfType<GraphQLField>()).Select(key => key.Name.Value);
        foreach (var field in fields?.Items ?? [])
        {
            var name = field.Name.StringValue;
            var place = $"{type.Name}.{name}";
            if (name.StartsWith('_') && type.IsRoot)
                continue;
            Federation.Check(subgraph, place, "field", field);
            var isKey = keys.Contains(field.Name.Value);
            if (Federation.Has(field, "external") && !isKey)
                throw new CompositionException($"'{subgraph}' has @external at {place}, which is supported for fields of a @key only.");
            if (type.Fields.TryGetValue(name, out var known))
                known.Type = MergedOutput(place, subgraph, known, field.Type);
            else
                type.Fields.Add(name, known = new SuperField(name, field.Type));
            if (!known.In.TryAdd(subgraph, field.Type))
                throw new CompositionException($"'{subgraph}' defines {place} twice.");
            known.Description ??= Text(field.Description);
            known.Deprecated ??= Federation.Find(field, "deprecated");
            known.Inaccessible |= Federation.Has(field, "inaccessible");
            AddInputs(subgraph, place, known.Arguments, field.Arguments?.Items ?? []);
            if (!resolvers.TryGetValue((type.Name, name), out var all))
                resolvers.Add((type.Name, name), all = []);
            var shareable = type.Kind == SuperKind.Interface || isKey || Federation.Has(field, "shareable");
            all.Add((subgraph, shareable || (owner is not null && Federation.Has(owner, "shareable"))));
        }
    }

    private static void AddInputs(string subgraph, string place, List<SuperInput> known, List<GraphQLInputValueDefinition> given)
    {
        foreach (var input in given)
        {
            var name = input.Name.StringValue;
            Federation.Check(subgraph, $"{place}.{name}", "argument", input);
            var merged = known.Find(candidate => candidate.Name == name);
            if (merged is null)
                known.Add(merged = new SuperInput(name, input.Type) { Default = input.DefaultValue });
            else if (merged.Default?.Print() != input.DefaultValue?.Print())
                throw new CompositionException($"'{merged.In.First().Key}' and '{subgraph}' give {place}.{name} different default values.");
            merged.Type = Merge(
                $"{place}.{name}",
                merged.In.Keys.FirstOrDefault() ?? subgraph,
                subgraph,
                merged.Type,
                input.Type,
                (a, b) => a || b
            );
            merged.In.Add(subgraph, input.Type);
            merged.Description ??= Text(input.Description);
            merged.Deprecated ??= Federation.Find(input, "deprecated");
            merged.Inaccessible |= Federation.Has(input, "inaccessible");
        }
    }

    private static void AddValues(string subgraph, SuperType type, GraphQLEnumTypeDefinition definition)
    {
        foreach (var value in definition.Values?.Items ?? [])
        {
            var name = value.Name.StringValue;
            Federation.Check(subgraph, $"{type.Name}.{name}", "value", value);
            var known = type.Values.Find(candidate => candidate.Name == name);
            if (known is null)
                type.Values.Add(known = new SuperValue(name));
            known.In.Add(subgraph);
            known.Description ??= Text(value.Description);
            known.Deprecated ??= Federation.Find(value, "deprecated");
        }
    }

    private Supergraph Complete()
    {
        foreach (var ((type, field), all) in resolvers)
        {
            if (all.Count > 1 && all.Find(one => !one.Shareable) is { Subgraph: { } owner })
                throw new CompositionException(
                    $"'{all[0].Subgraph}' and '{all[1].Subgraph}' both define {type}.{field}, and '{owner}' does not mark it @shareable."
                );
        }

        foreach (var (subgraph, name) in subscriptions)
            CompleteSubscriptions(subgraph, name);
        var supergraph = new Supergraph(subgraphs, types);
        SupergraphRules.Check(supergraph);
        return supergraph;
    }

    /// <summary>One type in all subgraphs, each of whose fields has one owner: an event comes from one place.</summary>
    private void CompleteSubscriptions(string subgraph, string name)
    {
        var first = subscriptions.First();
        if (!types.TryGetValue(name, out var type))
            throw new CompositionException($"'{subgraph}' does not define {name}, which its subscriptions begin with.");
        if (name != first.Value)
            throw new CompositionException(
                $"'{first.Key}' and '{subgraph}' name the type of subscriptions {first.Value} and {name}; it must be one."
            );
        if (type.In.Keys.FirstOrDefault(other => !subscriptions.ContainsKey(other)) is { } ordinary)
            throw new CompositionException($"{name} is the type of subscriptions in '{subgraph}', and another in '{ordinary}'.");
        if (type.Fields.Values.FirstOrDefault(field => field.In.Count > 1) is { } shared)
            throw new CompositionException(
                $"'{shared.In.Keys.First()}' and '{shared.In.Keys.Last()}' both define {name}.{shared.Name}; "
                    + "a field of subscriptions has one subgraph."
            );
        type.IsSubscription = true;
    }

    private static GraphQLType MergedOutput(string place, string subgraph, SuperField known, GraphQLType type) =>
        Merge(place, known.In.First().Key, subgraph, known.Type, type, (a, b) => a && b);

    /// <summary>A result may be null when one subgraph says so; an input must be given when one subgraph says so.</summary>
    private static GraphQLType Merge(
        string place,
        string first,
        string second,
        GraphQLType a,
        GraphQLType b,
        Func<bool, bool, bool> nonNull
    )
    {
        var (innerA, innerB) = ((a as GraphQLNonNullType)?.Type ?? a, (b as GraphQLNonNullType)?.Type ?? b);
        GraphQLType merged = (innerA, innerB) switch
        {
            (GraphQLListType listA, GraphQLListType listB) => new GraphQLListType(
                Merge(place, first, second, listA.Type, listB.Type, nonNull)
            ),
            (GraphQLNamedType namedA, GraphQLNamedType namedB) when namedA.Name.Value == namedB.Name.Value => innerA,
            _ => throw new CompositionException($"{place} is {a.Print()} in '{first}' and {b.Print()} in '{second}'."),
        };
        return nonNull(a is GraphQLNonNullType, b is GraphQLNonNullType) ? new GraphQLNonNullType(merged) : merged;
    }

    private static string? Text(GraphQLDescription? description) => description?.Value.ToString() is { Length: > 0 } text ? text : null;
}
