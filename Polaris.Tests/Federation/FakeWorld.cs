using System.Globalization;
using System.Text;
using System.Text.Json;
using GraphQL;
using GraphQLParser.AST;
using Polaris.Gateway.Composition;

namespace Polaris.Tests.Federation;

/// <summary>An object of the world: its type, and what its values depend on. Of an entity a small number.</summary>
internal sealed record FakeObject(string Type, string Seed);

/// <summary>
/// Data for any supergraph, which depends on nothing but the names: whichever subgraph is asked for a field of an entity, the value is the
/// same. Some values are null, some fields fail.
/// </summary>
internal sealed class FakeWorld(Supergraph graph, bool withFailures)
{
    private const int Entities = 5;

    public object? Resolve(FakeObject source, string name, IEnumerable<KeyValuePair<string, object?>> arguments)
    {
        var type = graph.Types[source.Type];
        var field = type.Fields[name];
        var isKey = type.In.Values.Any(own => own.Keys.Exists(key => Names(key).Contains(name)));
        var given = arguments.Where(argument => argument.Value is not null).OrderBy(argument => argument.Key, StringComparer.Ordinal);
        var place = $"{source.Type}/{source.Seed}/{name}/{JsonSerializer.Serialize(given)}";
        if (withFailures && !isKey && Hash(place) % 23 == 0)
            throw new ExecutionError("broken");
        return Value(field, field.Type, place, isKey ? $"{source.Type}-{name}-{source.Seed}" : null, source.Seed, isNullable: true);
    }

    /// <summary>The entity that a representation names.</summary>
    public FakeObject? Find(IDictionary<string, object?> representation)
    {
        var type = graph.Types[(string)representation["__typename"]!];
        return Enumerable
            .Range(0, Entities)
            .Select(number => new FakeObject(type.Name, number.ToString(CultureInfo.InvariantCulture)))
            .FirstOrDefault(entity => Matches(entity, representation));
    }

    private bool Matches(FakeObject entity, IDictionary<string, object?> representation) =>
        representation
            .Where(part => part.Key != "__typename")
            .All(part =>
                (Resolve(entity, part.Key, []), part.Value) switch
                {
                    (FakeObject inner, IDictionary<string, object?> fields) => Matches(inner, fields),
                    (var own, var given) => Equals(own?.ToString(), given?.ToString()),
                }
            );

    private object? Value(SuperField field, GraphQLType declared, string place, string? key, string seed, bool isNullable)
    {
        if (declared is GraphQLNonNullType nonNull)
            return Value(field, nonNull.Type, place, key, seed, isNullable: false);
        // Null is null in all subgraphs only where all of them allow it.
        if (isNullable && key is null && field.In.Values.All(own => own is not GraphQLNonNullType) && Hash(place + "?") % 6 == 0)
            return null;
        if (declared is GraphQLListType list)
            return Enumerable
                .Range(0, (int)(Hash(place + "#") % 4))
                .Select(i =>
                    Value(field, list.Type, $"{place}[{i}]", null, seed, list.Type is not GraphQLNonNullType && field.In.Count == 1)
                )
                .ToList();
        var name = Supergraph.NameOf(declared);
        return graph.Types.TryGetValue(name, out var type) && type.Kind is not SuperKind.Scalar
            ? Named(field, type, place)
            : Scalar(name, place, key, seed);
    }

    private object Named(SuperField field, SuperType type, string place)
    {
        if (type.Kind == SuperKind.Enum)
        {
            var known = type.Values.Where(value => field.In.Keys.All(value.In.Contains)).ToArray();
            return known[Hash(place) % (uint)known.Length].Name;
        }

        var possible = graph
            .Possible(type)
            .Where(one => field.In.Keys.All(subgraph => graph.Possible(type, subgraph).Contains(one)))
            .OrderBy(one => one.Name, StringComparer.Ordinal)
            .ToArray();
        var chosen = possible[Hash(place) % (uint)possible.Length];
        return chosen.In.Values.Any(own => own.Keys.Count > 0)
            ? new FakeObject(chosen.Name, (Hash(place + "!") % Entities).ToString(CultureInfo.InvariantCulture))
            : new FakeObject(chosen.Name, place);
    }

    private static object Scalar(string name, string place, string? key, string seed) =>
        name switch
        {
            "Int" => key is null ? (int)(Hash(place) % 1000) : int.Parse(seed, CultureInfo.InvariantCulture),
            "Float" => Hash(place) % 1000 / 4.0,
            "Boolean" => Hash(place) % 2 == 0,
            _ => key ?? $"\"{place[..Math.Min(place.Length, 20)]}\\ü {Hash(place)}",
        };

    private static IEnumerable<string> Names(EntityKey key) =>
        key.Selection.Selections.OfType<GraphQLField>().Select(field => field.Name.StringValue);

    private static uint Hash(string text)
    {
        var hash = 2166136261u;
        unchecked
        {
            foreach (var one in Encoding.UTF8.GetBytes(text))
                hash = (hash ^ one) * 16777619u;
            hash ^= hash >> 15;
            hash *= 2246822519u;
            hash ^= hash >> 13;
        }

        return hash;
    }
}
