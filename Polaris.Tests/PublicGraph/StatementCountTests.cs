using System.Security.Cryptography;
using System.Text.Json;
using Polaris.Tests.Telemetry;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>
/// The number of SQL statements of a field does not grow with the number of objects that have it. Counted in the spans of real processes.
/// </summary>
[Collection(nameof(OwnPlatform))]
public sealed partial class StatementCountTests(SeveralOrgs orgs, TracedReplicas replicas, PolarisApp polaris)
    : PlatformTests,
        IClassFixture<SeveralOrgs>,
        IClassFixture<TracedReplicas>
{
    private const int Few = 2;

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
    [InlineData("notifications")]
    public async Task No_field_of_an_entity_takes_more_statements_for_more_of_them(string subgraph)
    {
        var url = replicas.UrlOf(subgraph);
        var schema = await GraphPaths.ReadAsync(orgs, url);
        var paths = schema.Entities.SelectMany(entity => schema.PathsOf(entity).Select(path => (entity, path))).ToArray();
        Assert.True(paths.Length >= schema.Entities.Length, "No paths were found.");
        // A process that has just started beside others may take longer for its first answer than an answer may take.
        await polaris.UntilAsync(
            "the first answer",
            async () =>
                !(await orgs.EntitiesAsync(url, orgs.Token, paths[0].entity, paths[0].path, KeysOf(paths[0].entity, Few))).TryGetProperty(
                    "errors",
                    out _
                )
        );
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
                url,
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
                () => Task.FromResult(replicas.Collector.SpansOf(trace).Any(span => span["url.path"] == "/graphql"))
            );
            return replicas.Collector.SpansOf(trace).Count(span => span.Scope == "Npgsql" && span.Service == subgraph);
        }
    }
}
