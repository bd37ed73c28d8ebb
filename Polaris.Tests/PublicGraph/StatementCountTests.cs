using System.Security.Cryptography;
using System.Text.Json;
using Polaris.Tests.Telemetry;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>
/// The number of SQL statements of a field does not grow with the number of objects that have it. Counted in the spans of real processes.
/// </summary>
public sealed class StatementCountTests(SeveralOrgs orgs, PolarisApp polaris) : PlatformTests, IClassFixture<SeveralOrgs>
{
    private const int Few = 2;

    /// <summary>Arguments of fields that need some.</summary>
    private static readonly Dictionary<string, string> Arguments = new()
    {
        ["usage"] = $"(meter: \"seats\", {SeveralOrgs.Span})",
        ["organization"] = "(id: \"\")",
    };

    /// <summary>Keys of each entity, for any number of them.</summary>
    private IEnumerable<object> KeysOf(string type, int count) =>
        type switch
        {
            "Organization" => SeveralOrgs.Organizations(orgs.Orgs[..count]),
            "Customer" => Enumerable
                .Range(0, count)
                .Select(i => new
                {
                    __typename = type,
                    orgId = orgs.Orgs[i],
                    key = $"c{i}",
                }),
            "PlanVersion" => orgs.Orgs[..count]
                .Select(org => new
                {
                    __typename = type,
                    orgId = org,
                    id = SeveralOrgs.Version(org),
                }),
            _ => throw new InvalidOperationException($"The entity {type} is new: say here how it is named by its key."),
        };

    [Theory]
    [InlineData("identity")]
    [InlineData("plans")]
    [InlineData("ingestion")]
    [InlineData("billing")]
    public async Task No_field_of_an_entity_takes_more_statements_for_more_of_them(string subgraph)
    {
        await using var collector = new OtlpCollector();
        await using var replica = await polaris.StartReplicaAsync(
            subgraph,
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100")
        );
        var schema = await SchemaAsync(replica.Url);
        var paths = schema.Entities.SelectMany(entity => PathsOf(schema, entity, [entity]).Select(path => (entity, path))).ToArray();
        Assert.True(paths.Length >= schema.Entities.Length, "No paths were found.");
        var grown = new List<string>();
        foreach (var (entity, selection) in paths)
        {
            // The first request prepares statements and takes verdicts.
            await CountAsync(entity, selection, Few);
            var (few, many) = (await CountAsync(entity, selection, Few), await CountAsync(entity, selection, SeveralOrgs.Count));
            // One verdict on the session may be renewed in between, inside Identity.
            if (many > few + 4)
                grown.Add($"{entity} {{ {selection} }}: {few} statements for {Few}, {many} for {SeveralOrgs.Count}");
        }

        Assert.True(grown.Count == 0, $"Grow with the number of objects:\n{string.Join('\n', grown)}");

        async Task<int> CountAsync(string entity, string selection, int count)
        {
            var trace = RandomNumberGenerator.GetHexString(32, lowercase: true);
            var answer = await orgs.EntitiesAsync(
                replica.Url,
                orgs.Token,
                entity,
                selection,
                KeysOf(entity, count),
                $"00-{trace}-00f067aa0ba902b7-01"
            );
            Assert.False(answer.TryGetProperty("errors", out var errors), $"{entity} {{ {selection} }}: {errors}");
            Assert.Equal(
                count,
                answer.GetProperty("data").GetProperty("_entities").EnumerateArray().Count(one => one.ValueKind == JsonValueKind.Object)
            );
            await polaris.UntilAsync(
                "the spans of a request",
                () => Task.FromResult(collector.Spans.Any(span => span.TraceId == trace && span["url.path"] == "/graphql"))
            );
            return collector.Spans.Count(span => span.TraceId == trace && span.Scope == "Npgsql");
        }
    }

    private sealed record Schema(string[] Entities, Dictionary<string, (string Name, string Type, bool Needs)[]> Fields);

    private async Task<Schema> SchemaAsync(Uri subgraph)
    {
        const string introspection = """
            {
              entities: __type(name: "_Entity") { possibleTypes { name } }
              __schema { types { kind name fields { name args { name defaultValue type { kind } } type { ...T } } } }
            }
            fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
            """;
        var data = (await orgs.AskAsync(subgraph, orgs.Token, introspection)).GetProperty("data");
        return new Schema(
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
    private static IEnumerable<string> PathsOf(Schema schema, string type, string[] seen)
    {
        var plain = new List<string>();
        foreach (var (name, of, needs) in schema.Fields[type])
        {
            var arguments =
                Arguments.TryGetValue(name, out var given) && needs ? given
                : needs ? throw new InvalidOperationException($"{type}.{name} needs arguments: name some in this test.")
                : "";
            if (!schema.Fields.ContainsKey(of))
                plain.Add(name + arguments);
            else if (!seen.Contains(of))
            {
                foreach (var path in PathsOf(schema, of, [.. seen, of]))
                    yield return $"{name}{arguments} {{ {path} }}";
            }
        }

        if (plain.Count > 0)
            yield return string.Join(' ', plain);
    }

    private static string Named(JsonElement type) =>
        type.TryGetProperty("ofType", out var inner) && inner.ValueKind == JsonValueKind.Object
            ? Named(inner)
            : type.GetProperty("name").GetString()!;
}
