using GraphQLParser.AST;

namespace Polaris.Gateway.Composition;

/// <summary>
/// What of a public schema a client's document may rely on and a later one does not keep. <c>breaking OLD NEW ACCEPTED</c> lists it, and
/// fails at what the page of accepted changes has no line for.
/// </summary>
internal static class BreakingChanges
{
    public static int Report(string before, string after, string accepted)
    {
        var lines = File.ReadAllLines(accepted);
        var refused = Find(File.ReadAllText(before), File.ReadAllText(after))
            .Where(change => !Array.Exists(lines, line => line.StartsWith($"- {change}: ", StringComparison.Ordinal)))
            .ToArray();
        foreach (var change in refused)
            Console.Error.WriteLine($"breaking: {change}. If that is wanted, add to {accepted}:\n- {change}: <why>");
        return refused.Length == 0 ? 0 : 1;
    }

    /// <returns>A sentence for each, sorted.</returns>
    public static IReadOnlyList<string> Find(string before, string after)
    {
        var (old, current) = (Composer.Compose([("before", before)]), Composer.Compose([("after", after)]));
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var type in old.Types.Values)
        {
            if (!current.Types.TryGetValue(type.Name, out var now))
                found.Add($"{type.Name} is gone");
            else if (now.Kind != type.Kind)
                found.Add($"{type.Name} is {now.Kind}, not {type.Kind}");
            else
                Compare(type, now, found);
        }

        return [.. found];
    }

    private static void Compare(SuperType type, SuperType now, SortedSet<string> found)
    {
        foreach (var name in type.Interfaces.Except(now.Interfaces))
            found.Add($"{type.Name} does not implement {name}");
        foreach (var name in type.Members.Except(now.Members))
            found.Add($"{type.Name} does not include {name}");
        foreach (var value in type.Values.Where(value => !now.Values.Exists(other => other.Name == value.Name)))
            found.Add($"{type.Name}.{value.Name} is gone");
        CompareInputs(type.Name, type.Inputs, now.Inputs, found);
        foreach (var field in type.Fields.Values)
        {
            var place = $"{type.Name}.{field.Name}";
            if (!now.Fields.TryGetValue(field.Name, out var other))
            {
                found.Add($"{place} is gone");
                continue;
            }

            // Whoever reads what may be null can read what is not.
            if (!Fits(other.Type, field.Type))
                found.Add($"{place} is {other.Type.Print()}, not {field.Type.Print()}");
            CompareInputs(place, field.Arguments, other.Arguments, found);
        }
    }

    private static void CompareInputs(string place, List<SuperInput> old, List<SuperInput> now, SortedSet<string> found)
    {
        foreach (var input in old)
        {
            var other = now.Find(candidate => candidate.Name == input.Name);
            if (other is null)
                found.Add($"{place}.{input.Name} is gone");
            // What was sent still is of the type.
            else if (!Fits(input.Type, other.Type) && !(other.Default is not null && Fits(input.Type, Nullable(other.Type))))
                found.Add($"{place}.{input.Name} is {other.Type.Print()}, not {input.Type.Print()}");
        }

        foreach (
            var input in now.Where(input =>
                input is { Type: GraphQLNonNullType, Default: null } && !old.Exists(one => one.Name == input.Name)
            )
        )
            found.Add($"{place}.{input.Name} is new and required");
    }

    /// <summary>Whether every value of the one type is one of the other.</summary>
    private static bool Fits(GraphQLType one, GraphQLType other) =>
        (one, other) switch
        {
            (GraphQLNonNullType a, GraphQLNonNullType b) => Fits(a.Type, b.Type),
            (GraphQLNonNullType a, _) => Fits(a.Type, other),
            (_, GraphQLNonNullType) => false,
            (GraphQLListType a, GraphQLListType b) => Fits(a.Type, b.Type),
            (GraphQLNamedType a, GraphQLNamedType b) => a.Name.Value == b.Name.Value,
            _ => false,
        };

    private static GraphQLType Nullable(GraphQLType type) => (type as GraphQLNonNullType)?.Type ?? type;
}
