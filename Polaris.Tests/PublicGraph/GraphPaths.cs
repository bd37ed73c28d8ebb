using System.Text.Json;

namespace Polaris.Tests.PublicGraph;

/// <summary>The entities of a subgraph, and ways from each to all that it leads to.</summary>
internal sealed record GraphPaths(string[] Entities, Dictionary<string, (string Name, string Type, bool Needs)[]> Fields)
{
    /// <summary>Arguments of fields that need some.</summary>
    private static readonly Dictionary<string, string> Arguments = new()
    {
        ["usage"] = $"(meter: \"seats\", {SeveralOrgs.Span})",
        ["organization"] = "(id: \"\")",
    };

    public static async Task<GraphPaths> ReadAsync(SeveralOrgs orgs, Uri subgraph)
    {
        const string introspection = """
            {
              entities: __type(name: "_Entity") { possibleTypes { name } }
              __schema { types { kind name fields { name args { name defaultValue type { kind } } type { ...T } } } }
            }
            fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
            """;
        var data = (await orgs.AskAsync(subgraph, orgs.Token, introspection)).GetProperty("data");
        return new GraphPaths(
            [
                .. data.GetProperty("entities")
                    .GetProperty("possibleTypes")
                    .EnumerateArray()
                    .Select(type => type.GetProperty("name").GetString()!),
            ],
            data.GetProperty("__schema")
                .GetProperty("types")
                .EnumerateArray()
                .Where(type => type.GetProperty("kind").GetString() == "OBJECT")
                .ToDictionary(
                    type => type.GetProperty("name").GetString()!,
                    type =>
                        type.GetProperty("fields")
                            .EnumerateArray()
                            .Select(field =>
                                (
                                    field.GetProperty("name").GetString()!,
                                    Named(field.GetProperty("type")),
                                    field
                                        .GetProperty("args")
                                        .EnumerateArray()
                                        .Any(argument =>
                                            argument.GetProperty("type").GetProperty("kind").GetString() == "NON_NULL"
                                            && argument.GetProperty("defaultValue").ValueKind == JsonValueKind.Null
                                        )
                                )
                            )
                            .ToArray()
                )
        );
    }

    /// <summary>A selection for each way from the entity to a field without further fields, no type twice on the way.</summary>
    public IEnumerable<string> PathsOf(string entity) => PathsOf(entity, [entity]);

    private IEnumerable<string> PathsOf(string type, string[] seen)
    {
        var plain = new List<string>();
        foreach (var (name, of, needs) in Fields[type])
        {
            var arguments =
                Arguments.TryGetValue(name, out var given) && needs ? given
                : needs ? throw new InvalidOperationException($"{type}.{name} needs arguments: name some in this test.")
                : "";
            if (!Fields.ContainsKey(of))
                plain.Add(name + arguments);
            else if (!seen.Contains(of))
            {
                foreach (var path in PathsOf(of, [.. seen, of]))
                    yield return $"{name}{arguments} {{ {path} }}";
            }
        }

        if (plain.Count > 0)
            yield return string.Join(' ', plain);
    }

    internal static string Named(JsonElement type) =>
        type.TryGetProperty("ofType", out var inner) && inner.ValueKind == JsonValueKind.Object
            ? Named(inner)
            : type.GetProperty("name").GetString()!;
}
