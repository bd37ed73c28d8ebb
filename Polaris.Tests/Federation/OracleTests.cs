using System.Text.Json;
using Polaris.Gateway.Composition;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>
/// Random documents have the answer of one process that executes the merged schema, and of another federation router where there is one.
/// </summary>
public sealed class OracleTests(ITestOutputHelper output)
{
    private const int Documents = 150;

    public static TheoryData<string> Schemas => [.. OracleSchemas.Names, Polaris];

    private const string Polaris = "Polaris";

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Random_documents_are_answered_as_by_one_process_with_the_merged_schema(string schema)
    {
        var seed = NewSeed();
        await using var composition = await Composition.StartAsync(SourcesOf(schema));
        await CompareAsync(seed, composition, (query, variables) => composition.ExpectAsync(query, variables));
    }

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Where_fields_fail_the_same_is_null_and_there_are_errors(string schema)
    {
        var seed = NewSeed();
        await using var composition = await Composition.StartAsync(SourcesOf(schema), withFailures: true);
        await CompareAsync(seed, composition, (query, variables) => composition.ExpectAsync(query, variables));
    }

    [Theory]
    [MemberData(nameof(Schemas))]
    public async Task Random_documents_are_answered_as_by_another_router_that_starts_with_the_supergraph(string schema)
    {
        if (HiveRouter.Path is null)
            return;
        var seed = NewSeed();
        await using var composition = await Composition.StartAsync(SourcesOf(schema));
        await using var router = await HiveRouter.StartAsync(composition.SupergraphSdl);
        await CompareAsync(
            seed,
            composition,
            (query, variables) => Composition.AskAsync(router.Client, query, variables),
            (wanted, data) => IsLike(wanted, data, composition.Supergraph),
            isOther: true
        );
    }

    /// <param name="isOther">
    /// Whether the comparison is with the other router, which drops fields beside a skipped fragment that has them too, and cannot
    /// plan some documents whose conditions leave nothing. One process is the judge of these.
    /// </param>
    private async Task CompareAsync(
        int seed,
        Composition composition,
        Func<string, Dictionary<string, object?>, Task<JsonElement>> expectAsync,
        Func<JsonElement, JsonElement, bool>? isEqual = null,
        bool isOther = false
    )
    {
        var compared = 0;
        for (var i = 0; i < Documents; i++)
        {
            var root = composition.Supergraph.Types.ContainsKey("Mutation") && i % 5 == 0 ? "Mutation" : "Query";
            var (query, variables) = RandomQueries.Create(composition.Supergraph, seed + i, root, withConditions: !isOther);
            var answer = await composition.AskAsync(query, variables);
            // A document that the schema rules out, such as two fields of one name, is not about this.
            if (!answer.TryGetProperty("data", out var data))
                continue;
            var expected = await expectAsync(query, variables);
            if (isOther && expected.TryGetProperty("errors", out _))
                continue;
            compared++;
            var about = $"seed {seed + i}\n{query}\n{JsonSerializer.Serialize(variables)}\nis {answer}\nexpected {expected}";
            Assert.True(expected.TryGetProperty("data", out var wanted), about);
            Assert.True(isEqual is null ? wanted.ToString() == data.ToString() : isEqual(wanted, data), about);
            Assert.True(expected.TryGetProperty("errors", out _) == answer.TryGetProperty("errors", out _), about);
        }

        output.WriteLine($"{compared} of {Documents} documents compared");
        Assert.True(compared > Documents / 2, $"Only {compared} documents are valid.");
    }

    /// <summary>The same but for the order of fields, and for type names where that router names the interface or union.</summary>
    private static bool IsLike(JsonElement wanted, JsonElement data, Supergraph graph) =>
        (wanted.ValueKind, data.ValueKind) switch
        {
            (JsonValueKind.Object, JsonValueKind.Object) => wanted.EnumerateObject().Count() == data.EnumerateObject().Count()
                && wanted.EnumerateObject().All(one => data.TryGetProperty(one.Name, out var own) && IsLike(one.Value, own, graph)),
            (JsonValueKind.Array, JsonValueKind.Array) => wanted.GetArrayLength() == data.GetArrayLength()
                && wanted.EnumerateArray().Zip(data.EnumerateArray()).All(pair => IsLike(pair.First, pair.Second, graph)),
            (JsonValueKind.String, JsonValueKind.String)
                when graph.Types.TryGetValue(wanted.GetString()!, out var type) && type.Kind is SuperKind.Interface or SuperKind.Union =>
                graph.Possible(type).Any(one => one.Name == data.GetString()),
            _ => JsonElement.DeepEquals(wanted, data),
        };

    private int NewSeed()
    {
        var seed = Random.Shared.Next(1_000_000_000);
        output.WriteLine($"seed {seed}");
        return seed;
    }

    private static IEnumerable<(string Name, string Sdl)> SourcesOf(string schema) =>
        schema == Polaris ? SupergraphVerb.Read(Path.Combine(RootOf(), "docs", "graphql")) : OracleSchemas.Of(schema);

    private static string RootOf()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Polaris.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }
}
