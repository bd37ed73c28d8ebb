using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>What must hold of the subgraphs together.</summary>
internal static class SupergraphRules
{
    /// <exception cref="CompositionException">One of them does not.</exception>
    public static void Check(Supergraph supergraph)
    {
        if (!supergraph.Types.ContainsKey("Query"))
            throw new CompositionException("No subgraph has a query.");
        foreach (var type in supergraph.Types.Values)
        {
            CheckReferences(supergraph, type);
            CheckInputs(type.Name, type.Inputs, type.In.Keys);
            foreach (var field in type.Fields.Values)
                CheckInputs($"{type.Name}.{field.Name}", field.Arguments, field.In.Keys);
            if (type.Inaccessible && type.Kind == SuperKind.Object && supergraph.Types.Values.Any(other => Holds(supergraph, other, type)))
                throw new CompositionException($"{type.Name} is @inaccessible, but an interface or union that is not may return it.");
        }

        CheckEnums(supergraph);
        CheckReachable(supergraph);
    }

    private static bool Holds(Supergraph supergraph, SuperType other, SuperType type) =>
        other.Kind is SuperKind.Interface or SuperKind.Union && !other.Inaccessible && supergraph.Possible(other).Contains(type);

    private static void CheckReferences(Supergraph supergraph, SuperType type)
    {
        var names = type
            .Fields.Values.SelectMany(field => field.Arguments.Select(argument => argument.Type).Prepend(field.Type))
            .Concat(type.Inputs.Select(input => input.Type))
            .Select(Supergraph.NameOf)
            .Concat(type.Interfaces)
            .Concat(type.Members);
        foreach (var name in names.Where(name => !Supergraph.IsBuiltIn(name) && !supergraph.Types.ContainsKey(name)))
            throw new CompositionException($"{type.Name} refers to {name}, which no subgraph defines.");
        foreach (var (subgraph, own) in type.In)
        foreach (var key in own.Keys.Where(key => !supergraph.Provides(subgraph, type, key.Selection)))
            throw new CompositionException($"'{subgraph}': @key(fields: \"{key.Fields}\") of {type.Name} has a field that is not there.");
    }

    /// <summary>An argument that one of the subgraphs lacks is left out, which a required one cannot be.</summary>
    private static void CheckInputs(string place, List<SuperInput> inputs, IEnumerable<string> subgraphs)
    {
        foreach (var input in inputs.Where(input => subgraphs.Any(subgraph => !input.In.ContainsKey(subgraph))).ToArray())
        {
            if (input.In.Values.Any(type => type is GraphQLNonNullType) && input.Default is null)
                throw new CompositionException(
                    $"'{input.In.First().Key}' requires {place}.{input.Name}, which "
                        + $"'{subgraphs.First(one => !input.In.ContainsKey(one))}' lacks."
                );
            inputs.Remove(input);
        }
    }

    /// <summary>A value that a subgraph does not know must not be sent to it, so enums of arguments are the same everywhere.</summary>
    private static void CheckEnums(Supergraph supergraph)
    {
        var asInput = supergraph
            .Types.Values.SelectMany(type => type.Inputs.Concat(type.Fields.Values.SelectMany(field => field.Arguments)))
            .Select(input => Supergraph.NameOf(input.Type))
            .ToHashSet();
        foreach (var type in supergraph.Types.Values.Where(type => type.Kind == SuperKind.Enum && asInput.Contains(type.Name)))
        foreach (var value in type.Values)
        {
            if (type.In.Keys.FirstOrDefault(subgraph => !value.In.Contains(subgraph)) is { } lacking)
                throw new CompositionException($"'{lacking}' lacks the value {type.Name}.{value.Name}, and the enum is used in arguments.");
        }
    }

    /// <summary>Whoever gets an object from one subgraph can get all of its fields, if need be from others by its keys.</summary>
    private static void CheckReachable(Supergraph supergraph)
    {
        foreach (var (name, subgraph) in Origins(supergraph))
        {
            var type = supergraph.Types[name];
            foreach (var field in type.Fields.Values)
            {
                if (supergraph.Route(type, subgraph, field.In.ContainsKey) is null)
                    throw new CompositionException(
                        $"{name}.{field.Name} of '{field.In.First().Key}' cannot be reached from '{subgraph}', "
                            + $"which returns {name} without a "
                            + "@key that the other resolves. A type without a key has the same fields in all of its subgraphs."
                    );
            }
        }
    }

    /// <summary>Objects, and the subgraphs whose fields return them.</summary>
    private static HashSet<(string Type, string Subgraph)> Origins(Supergraph supergraph) =>
        [
            .. from type in supergraph.Types.Values
            from field in type.Fields.Values
            let named = supergraph.Named(field.Type)
            where named is { IsComposite: true }
            from subgraph in field.In.Keys
            where named.In.ContainsKey(subgraph)
            from possible in supergraph.Possible(named, subgraph)
            where !possible.IsRoot
            select (possible.Name, subgraph),
        ];
}
