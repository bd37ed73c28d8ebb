using System.Text;
using System.Text.Json;
using Polaris.ServiceDefaults.GraphQL;
using Xunit;

namespace Polaris.Tests.Abuse;

/// <summary>What a single request may ask of the gateway and of each subgraph, without a token.</summary>
[Trait(Categories.Name, Categories.Abuse)]
public sealed class GraphQLLimitTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>A refusal takes milliseconds; this is for a busy machine. Each took seconds before, or ended the process.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(2);

    public static TheoryData<string> Doors => [.. GraphQLDoors.Names];

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Documents_that_ended_a_process_or_kept_it_busy_are_refused_at_once(string door)
    {
        using var doors = new GraphQLDoors(polaris);
        foreach (var (name, document) in HostileDocuments.Found)
        {
            var answer = await doors.SendAsync(door, document);
            Assert.True(answer is { Status: 400 }, $"{name}: {answer}");
            Assert.True(answer.Took < AtOnce, $"{name}: {answer.Took}");
        }

        Assert.Empty(doors.Ended);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task A_document_just_within_a_limit_is_answered_and_one_just_over_it_is_refused(string door)
    {
        using var doors = new GraphQLDoors(polaris);
        foreach (var edge in HostileDocuments.Edges)
        {
            var within = await doors.SendAsync(door, Body(edge.Within, edge.Variables?.Within));
            Assert.True(within is { Status: 200 }, $"{edge.Limit}: {within}");
            var over = await doors.SendAsync(door, Body(edge.Over, edge.Variables?.Over));
            Assert.True(over is { Status: 400 }, $"{edge.Limit}: {over}");
            Assert.Equal(
                (RequestError.TooComplex, "limit_exceeded", edge.Limit),
                (over.Extension("code"), over.Extension("rule"), over.Extension("limit"))
            );
            var maximum = over.Extension("maximum")!;
            Assert.Contains(maximum, over.Body.GetProperty("errors")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.Equal(typeof(GraphQLLimits).GetProperty(edge.Limit)!.GetValue(new GraphQLLimits())!.ToString(), maximum);
        }
    }

    [Theory]
    [InlineData("gateway", "uncountedSummary", "countedEvents")]
    [InlineData("billing", "uncountedSummary", "countedEvents")]
    [InlineData("billing", "uncountedEvents", "hasNextPage")]
    public async Task Fields_that_read_raw_events_cost_so_much_that_nine_are_a_document_and_ten_are_none(
        string door,
        string field,
        string value
    )
    {
        using var doors = new GraphQLDoors(polaris);
        var (within, over) = (await doors.SendAsync(door, Fields(9)), await doors.SendAsync(door, Fields(10)));
        Assert.Equal("UNAUTHENTICATED", within.Extension("code"));
        Assert.Equal((RequestError.TooComplex, nameof(GraphQLLimits.MaxCost)), (over.Extension("code"), over.Extension("limit")));

        string Fields(int count) =>
            "{"
            + HostileDocuments.Many(
                count,
                i => $"a{i}:{field}(meter:\"m\" from:\"2026-01-01T00:00:00Z\" to:\"2026-02-01T00:00:00Z\"){{{value}}}"
            )
            + "}";
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task A_body_just_within_its_limit_is_read_and_a_larger_one_is_refused(string door)
    {
        using var doors = new GraphQLDoors(polaris);
        const string query = "{\"query\":\"{__typename}\"}";
        var limit = new GraphQLLimits().MaxRequestBytes;
        Assert.Equal(200, (await doors.SendAsync(door, Text(query.PadRight(limit)))).Status);
        var over = await doors.SendAsync(door, Text(query.PadRight(limit + 1)));
        Assert.Equal((413, "request_too_large"), (over.Status, over.Body.GetProperty("code").GetString()));
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Texts_that_no_database_stores_are_refused_wherever_they_are(string door)
    {
        using var doors = new GraphQLDoors(polaris);
        (string Body, string Path)[] bodies =
        [
            (Query("{__type(name:\\\"a\\\\u0000\\\"){name}}"), "query"),
            (Query("{__type(name:\\\"\\\\ud800\\\"){name}}"), "query"),
            (Query("{__type(name:\\\"\\\"\\\"a\\u0000\\\"\\\"\\\"){name}}"), "query"),
            (Query("{__typename}#\\u0000"), "query"),
            (Query("{__typename}", "{\"a\":{\"b\":[1,\"\\u0000\"]}}"), "variables.a.b[1]"),
            (Query("{__typename}", "{\"a\":{\"b\\u0000\":1}}"), "variables.a"),
            (Query("{__typename}", "{\"a\":\"\\udc00\"}"), "variables.a"),
            ("{\"query\":\"{__typename}\",\"operationName\":\"\\u0000\"}", "operationName"),
        ];
        foreach (var (body, path) in bodies)
        {
            var answer = await doors.SendAsync(door, Text(body));
            Assert.True(answer is { Status: 400 }, $"{body}: {answer}");
            Assert.Equal(
                ("INVALID_INPUT", "invalid_text", path),
                (answer.Extension("code"), answer.Extension("rule"), answer.Extension("path"))
            );
        }

        Assert.Equal(200, (await doors.SendAsync(door, Text(Query("{__type(name:\\\"\\ud83d\\ude00\\\"){name}}")))).Status);
    }

    [Theory]
    [InlineData("", "malformed_json")]
    [InlineData("[]", "malformed_json")]
    [InlineData("null", "malformed_json")]
    [InlineData("{\"query\":1}", "malformed_json")]
    [InlineData("{\"query\":\"{__typename}\",\"variables\":[]}", "malformed_json")]
    [InlineData("{\"query\":\"{__typename}\",\"query\":\"{__typename}\"}", "malformed_json")]
    [InlineData("{\"query\":null}", "missing_query")]
    [InlineData("{}", "missing_query")]
    [InlineData("{\"query\":\"type A{b:Int}\"}", "not_executable")]
    [InlineData("{\"query\":\"{\"}", "syntax")]
    public async Task Whatever_is_no_request_is_refused_with_its_reason(string body, string rule)
    {
        using var doors = new GraphQLDoors(polaris);
        foreach (var door in GraphQLDoors.Names)
        {
            var answer = await doors.SendAsync(door, Text(body));
            Assert.Equal((door, 400, rule), (door, answer.Status, answer.Extension("rule")));
        }
    }

    [Fact]
    public void Each_limit_of_a_document_has_its_edge() =>
        Assert.Equal(
            typeof(GraphQLLimits)
                .GetProperties()
                .Where(limit => limit.PropertyType == typeof(int))
                .Select(limit => limit.Name)
                .Except([nameof(GraphQLLimits.MaxRequestBytes), nameof(GraphQLLimits.MaxErrors), nameof(GraphQLLimits.MaxSubscriptions)])
                .Where(name => !name.EndsWith("PerCaller", StringComparison.Ordinal) && !name.EndsWith("PerOrg", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
            HostileDocuments.Edges.Select(edge => edge.Limit).Distinct().Order(StringComparer.Ordinal)
        );

    private static string Query(string escaped, string variables = "{}") => $"{{\"query\":\"{escaped}\",\"variables\":{variables}}}";

    private static StringContent Body(string document, string? variables) =>
        Text($"{{\"query\":{JsonSerializer.Serialize(document)},\"variables\":{variables ?? "{}"}}}");

    private static StringContent Text(string body) => new(body, Encoding.UTF8, "application/json");
}
