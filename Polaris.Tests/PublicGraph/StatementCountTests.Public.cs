using System.Security.Cryptography;
using System.Text.Json;
using Polaris.Tests.Telemetry;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>
/// From the root of the public graph, through the gateway and all services behind it: no field takes more SQL statements for more objects.
/// Every object type that a list leads to has its turn, with all of its fields. Counted in the spans of real processes.
/// </summary>
public sealed partial class StatementCountTests
{
    private const int Many = 20;

    /// <summary>Verdicts on the session may be renewed in between, inside Identity: one for each service that is asked.</summary>
    private const int Tolerance = 6;

    /// <summary>Lists that begin a path, for any number of objects. Of organizations there are as many as the caller has.</summary>
    private static readonly Dictionary<string, Func<int, string>> Lists = new()
    {
        ["organizations"] = _ => "",
        ["customers"] = n => $"(first: {n})",
        ["deliveries"] = n => $"(first: {n})",
        ["invoices"] = n => $"(first: {n})",
        ["recentEvents"] = n => $"(limit: {n})",
        ["subscriptions"] = n => $"(first: {n})",
    };

    /// <summary>Arguments of fields further down, where they need some or would have too much.</summary>
    private static readonly Dictionary<string, string> Arguments = new()
    {
        ["usage"] = $"(meter: \"seats\", {SeveralOrgs.Span})",
        ["customers"] = "(first: 2)",
        ["deliveries"] = "(first: 2)",
        ["invoices"] = "(first: 2)",
        ["subscriptions"] = "(first: 2)",
        ["recentEvents"] = "(limit: 2)",
    };

    [Fact]
    public async Task No_field_of_the_public_graph_takes_more_statements_for_more_objects()
    {
        var gateway = replicas.UrlOf("gateway");
        var (fewOrgs, manyOrgs) = (await OfTwoOrgsAsync(), orgs.Token);
        var paths = PathsOf(await TypesAsync(gateway)).ToArray();
        Assert.True(paths.Length > 15, $"Only {paths.Length} paths were found: {string.Join("; ", paths)}");
        var grown = new List<string>();
        foreach (var (root, selection) in paths)
        {
            // The first request prepares statements and takes verdicts.
            await CountAsync(root, selection, Many);
            var (few, many) = (await CountAsync(root, selection, Few), await CountAsync(root, selection, Many));
            if (many > few + Tolerance)
                grown.Add($"{root} {{ {selection} }}: {few} statements for {Few}, {many} for {Many}");
        }

        Assert.True(grown.Count == 0, $"Grow with the number of objects:\n{string.Join('\n', grown)}");

        async Task<int> CountAsync(string root, string selection, int count)
        {
            var trace = RandomNumberGenerator.GetHexString(32, lowercase: true);
            var query = $"{{ {root}{Lists[root](count)} {{ {selection} }} }}";
            var token = root == "organizations" && count == Few ? fewOrgs : manyOrgs;
            var answer = await orgs.AskAsync(gateway, token, query, traceParent: $"00-{trace}-00f067aa0ba902b7-01");
            Assert.False(answer.TryGetProperty("errors", out var errors), $"{query}: {errors}");
            // Spans come when they end, in batches of each process: all are there when those that wait for others have the others.
            await polaris.UntilAsync(
                "the spans of a request",
                () =>
                {
                    var spans = replicas.Collector.SpansOf(trace);
                    var ids = spans.Select(span => span.Id).ToHashSet();
                    var parents = spans.Select(span => span.ParentId).ToHashSet();
                    return Task.FromResult(
                        spans.Any(span => span.Service == "gateway" && span["url.path"] == "/graphql")
                            && spans.All(span => ids.Contains(span.ParentId) || span.ParentId == "00f067aa0ba902b7")
                            && spans
                                .Where(span => span.Scope == "System.Net.Http" && span["url.full"]?.EndsWith("/graphql") == true)
                                .All(span => parents.Contains(span.Id))
                    );
                }
            );
            return replicas.Collector.SpansOf(trace).Count(span => span.Scope == "Npgsql");
        }
    }

    /// <summary>A person in an org of their own and in one of the many.</summary>
    private async Task<string> OfTwoOrgsAsync()
    {
        using var guest = await polaris.SignUpAsync();
        var person = await polaris.ScalarAsync<Guid>("identitydb", "SELECT user_id FROM memberships WHERE org_id = $1", guest.OrgId);
        await orgs.RunAsync(
            "identitydb",
            "INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ($1, $2, 'viewer', now())",
            orgs.Orgs[1],
            person
        );
        return orgs.Tokens.Of("read billing admin", orgs.Known with { Org = guest.OrgId.ToString(), User = person.ToString() });
    }

    /// <summary>Of every list, the nearest place of each object type below it, with its plain fields and those of its objects.</summary>
    private static IEnumerable<(string Root, string Selection)> PathsOf(Dictionary<string, (string Name, string Type, bool Needs)[]> types)
    {
        foreach (var root in Lists.Keys)
        {
            var first = types["Query"].Single(field => field.Name == root).Type;
            var seen = new HashSet<string> { first };
            var waiting = new Queue<(string Type, Func<string, string> Wrap)>([(first, inner => inner)]);
            while (waiting.TryDequeue(out var here))
            {
                var selected = new List<string>();
                foreach (var (name, type, needs) in types[here.Type])
                {
                    if (needs && !Arguments.ContainsKey(name))
                        throw new InvalidOperationException($"{here.Type}.{name} needs arguments: name some in this test.");
                    var field = name + (needs || types.ContainsKey(type) ? Arguments.GetValueOrDefault(name, "") : "");
                    if (!types.TryGetValue(type, out var below))
                    {
                        selected.Add(field);
                        continue;
                    }

                    var plain = below.Where(one => !one.Needs && !types.ContainsKey(one.Type)).Select(one => one.Name).ToArray();
                    // One of each kind at a time: a request has a limit, and what grows would be hard to tell.
                    yield return (root, here.Wrap($"{field} {{ __typename {string.Join(' ', plain)} }}"));
                    if (seen.Add(type))
                        waiting.Enqueue((type, inner => here.Wrap($"{field} {{ {inner} }}")));
                }

                if (selected.Count > 0)
                    yield return (root, here.Wrap(string.Join(' ', selected)));
            }
        }
    }

    private async Task<Dictionary<string, (string Name, string Type, bool Needs)[]>> TypesAsync(Uri gateway)
    {
        const string introspection = """
            { __schema { types { kind name fields { name args { defaultValue type { kind } } type { ...T } } } } }
            fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
            """;
        return (await orgs.AskAsync(gateway, orgs.Token, introspection))
            .GetProperty("data")
            .GetProperty("__schema")
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
                                GraphPaths.Named(field.GetProperty("type")),
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
            );
    }
}
