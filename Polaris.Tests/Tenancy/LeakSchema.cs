using System.Text.Json;

namespace Polaris.Tests.Tenancy;

/// <summary>The public schema from introspection, and selections of all of its fields.</summary>
internal sealed class LeakSchema
{
    /// <summary>How often a type may be nested within itself in a selection.</summary>
    private const int MaxRecursion = 2;

    /// <summary>How many of <see cref="Related"/> may be on a path: each relation is on one of some root field.</summary>
    private const int MaxRelated = 2;

    /// <summary>Objects that lead to one another: each is on a path once, or a selection of everything would have no end.</summary>
    private static readonly HashSet<string> Related = ["Organization", "Customer", "Invoice", "Subscription", "PlanVersion"];

    private const string Introspection = """
        { __schema { types { kind name fields(includeDeprecated: true) { name args { name } type { ...Named } } } } }
        fragment Named on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
        """;

    private readonly Dictionary<string, SchemaField[]> types;

    private LeakSchema(Dictionary<string, SchemaField[]> types) => this.types = types;

    /// <param name="Type">The named type without lists and non-nulls.</param>
    public sealed record SchemaField(string Name, string[] Arguments, string Type);

    public static async Task<LeakSchema> ReadAsync(Tenant anyone)
    {
        var data = await anyone.QueryAsync(Introspection);
        return new LeakSchema(
            data.GetProperty("__schema")
                .GetProperty("types")
                .EnumerateArray()
                .Where(type =>
                    type.GetProperty("kind").GetString() is "OBJECT" or "INTERFACE"
                    && !type.GetProperty("name").GetString()!.StartsWith('_')
                )
                .ToDictionary(
                    type => type.GetProperty("name").GetString()!,
                    type => type.GetProperty("fields").EnumerateArray().Select(Field).ToArray()
                )
        );
    }

    /// <summary>Root fields and nested fields with arguments: each needs a case.</summary>
    public IEnumerable<(string Name, string[] Arguments)> Callable() =>
        types.SelectMany(type =>
            type.Value.Where(field => type.Key is "Query" or "Mutation" or "Live" || field.Arguments.Length > 0)
                .Select(field => ($"{type.Key}.{field.Name}", field.Arguments))
        );

    /// <summary>The operation that calls a root field's case and selects everything below it.</summary>
    /// <param name="one">The case.</param>
    /// <param name="known">Keys and ids for the arguments.</param>
    /// <param name="nested">The case of each nested field with arguments.</param>
    public string Operation(FieldCase one, Known known, IReadOnlyDictionary<string, FieldCase>? nested = null)
    {
        var (root, name) = (one.Field.Split('.')[0], one.Field.Split('.')[1]);
        var field = types[root].Single(candidate => candidate.Name == name);
        // A person may have 200 organizations: the lists of each, which `organization` shows, would be more than an answer may have.
        nested ??= LeakCases.Nested.DistinctBy(candidate => candidate.Field).ToDictionary(candidate => candidate.Field);
        var kind = root switch
        {
            "Mutation" => "mutation ",
            "Live" => "subscription ",
            _ => "",
        };
        return $"{kind}{{ {name}{InParentheses(one.Arguments(known))}"
            + $"{Selection(field.Type, known, nested, name is "organizations" or "orgs" ? ["Customer"] : [])} }}";
    }

    /// <summary>Every type reachable from the given one.</summary>
    public IReadOnlySet<string> ReachableFrom(string type)
    {
        var reached = new HashSet<string>();
        void Visit(string name)
        {
            if (!types.TryGetValue(name, out var fields) || !reached.Add(name))
                return;
            foreach (var field in fields)
                Visit(field.Type);
        }

        Visit(type);
        return reached;
    }

    public IReadOnlyList<SchemaField> FieldsOf(string type) => types[type];

    private string Selection(string type, Known known, IReadOnlyDictionary<string, FieldCase> nested, string[] path)
    {
        if (!types.TryGetValue(type, out var fields))
            return "";
        var below = path.Append(type).ToArray();
        var selected = fields
            .Where(field =>
                !types.ContainsKey(field.Type)
                || (
                    Related.Contains(field.Type)
                        ? !below.Contains(field.Type) && below.Count(Related.Contains) < MaxRelated
                        : below.Count(seen => seen == field.Type) < MaxRecursion
                )
            )
            .Select(field =>
                field.Name
                + (field.Arguments.Length == 0 ? "" : InParentheses(Arguments($"{type}.{field.Name}")))
                + Selection(field.Type, known, nested, below)
            );
        return $" {{ {string.Join(' ', selected)} }}";

        string Arguments(string name) =>
            nested.TryGetValue(name, out var one)
                ? one.Arguments(known)
                : throw new InvalidOperationException($"{name} takes arguments: add it to LeakCases.Nested.");
    }

    private static string InParentheses(string arguments) => arguments.Length == 0 ? "" : $"({arguments})";

    private static SchemaField Field(JsonElement field) =>
        new(
            field.GetProperty("name").GetString()!,
            [.. field.GetProperty("args").EnumerateArray().Select(argument => argument.GetProperty("name").GetString()!)],
            Named(field.GetProperty("type"))
        );

    private static string Named(JsonElement type) =>
        type.TryGetProperty("ofType", out var inner) && inner.ValueKind == JsonValueKind.Object
            ? Named(inner)
            : type.GetProperty("name").GetString()!;
}
