using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using GraphQLParser;
using GraphQLParser.AST;
using Polaris.Tests.Federation;
using Polaris.Tests.Tenancy;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>
/// Every query of the dashboard, over the services. Another router that has nothing but docs/graphql/supergraph.graphql gives the same
/// answers; where there is none beside the repository, the gateway's alone are looked at.
/// </summary>
public sealed partial class DashboardQueryTests(SeveralOrgs orgs, PolarisApp polaris) : PlatformTests, IClassFixture<SeveralOrgs>
{
    private static readonly string[] Subgraphs = ["billing", "identity", "ingestion", "notifications", "plans"];

    /// <summary>How often a query is asked again when its answer changed meanwhile, by work in the background.</summary>
    private const int MaxTries = 20;

    [Fact]
    public async Task Another_router_answers_the_dashboards_queries_as_the_gateway_does()
    {
        // Time stands still, or no two answers were the same.
        await orgs.AskAsync(
            polaris.Gateway,
            orgs.Token,
            "mutation($now: DateTime!) { setClock(now: $now) { now } }",
            new { now = TimeProvider.System.GetUtcNow() }
        );
        var invoice = (await orgs.AskAsync(polaris.Gateway, orgs.Token, "{ invoices(first: 1) { nodes { id subscriptionId } } }"))
            .GetProperty("data")
            .GetProperty("invoices")
            .GetProperty("nodes")[0];
        var (member, customer) = (orgs.Token, orgs.Tokens.Of("customer", orgs.Known, "c1"));
        var queries = Queries().ToArray();
        Assert.True(queries.Length > 30, $"Only {queries.Length} queries were found.");

        await using var router = HiveRouter.Path is null
            ? null
            : await HiveRouter.StartAsync(
                await File.ReadAllTextAsync(Path.Combine(SourceText.Root, "docs/graphql/supergraph.graphql")),
                Subgraphs.ToDictionary(name => name, orgs.Service)
            );
        var wrong = new List<string>();
        foreach (var (name, text, variables) in queries)
        {
            var token = text.Contains("portal {", StringComparison.Ordinal) ? customer : member;
            var values = variables.ToDictionary(
                variable => variable,
                variable => ValueOf(name, variable, invoice, SeveralOrgs.Version(orgs.Orgs[0]))
            );
            for (var tries = 1; ; tries++)
            {
                var before = await orgs.AskAsync(polaris.Gateway, token, text, values);
                Assert.True(before.TryGetProperty("data", out _), $"{name}: {before}");
                if (router is null)
                    break;
                var others = await AskAsync(router.Client, token, text, values);
                if (AreSame(before, others))
                    break;
                var after = await orgs.AskAsync(polaris.Gateway, token, text, values);
                var changed = !JsonElement.DeepEquals(before, after);
                if (changed && tries < MaxTries)
                    continue;
                wrong.Add($"{name}{(changed ? " (which changes)" : "")}:\n  gateway {before}\n  router  {others}");
                break;
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>Errors by their paths: each router words those of its own.</summary>
    private static bool AreSame(JsonElement one, JsonElement other) =>
        JsonElement.DeepEquals(one.GetProperty("data"), other.GetProperty("data")) && Paths(one).SequenceEqual(Paths(other));

    private static IEnumerable<string> Paths(JsonElement answer) =>
        answer.TryGetProperty("errors", out var errors)
            ? errors.EnumerateArray().Select(error => error.GetProperty("path").ToString()).Order(StringComparer.Ordinal)
            : [];

    private static async Task<JsonElement> AskAsync(HttpClient client, string token, string query, object variables)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "") { Content = JsonContent.Create(new { query, variables }) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await client.SendAsync(request);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Each query with the fragments that it needs, and the variables that have no default.</summary>
    private static IEnumerable<(string Name, string Text, string[] Variables)> Queries()
    {
        var texts = Directory
            .EnumerateFiles(Path.Combine(SourceText.Root, "dashboard/src"), "*.ts*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != "generated.ts")
            .SelectMany(file => Document().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value)
            .ToArray();
        var fragments = texts
            .Select(text => (Text: text, Fragment: Parser.Parse(text).Definitions.OfType<GraphQLFragmentDefinition>().FirstOrDefault()))
            .Where(one => one.Fragment is not null)
            .ToDictionary(one => one.Fragment!.FragmentName.Name.StringValue, one => one.Text);
        foreach (var text in texts)
        {
            if (Parser.Parse(text).Definitions.OfType<GraphQLOperationDefinition>().FirstOrDefault() is not { } operation)
                continue;
            if (operation.Operation != OperationType.Query)
                continue;
            var needed = new HashSet<string>();
            Need(text);
            yield return (
                operation.Name!.StringValue,
                string.Join('\n', needed.Select(name => fragments[name]).Prepend(text)),
                [
                    .. (operation.Variables?.Items ?? [])
                        .Where(variable => variable.DefaultValue is null)
                        .Select(variable => variable.Variable.Name.StringValue),
                ]
            );

            void Need(string document)
            {
                foreach (Match spread in Spread().Matches(document))
                {
                    if (needed.Add(spread.Groups[1].Value))
                        Need(fragments[spread.Groups[1].Value]);
                }
            }
        }
    }

    private static object? ValueOf(string query, string variable, JsonElement invoice, Guid version) =>
        (query, variable) switch
        {
            (_, "after" or "status" or "search" or "quantities" or "endpointId" or "eventType" or "channel") => null,
            ("Event", "key") => "event 1 of nobody",
            (_, "planVersionId") => version,
            (_, "from") => "2015-01-01T00:00:00Z",
            (_, "to") => "2015-03-01T00:00:00Z",
            ("UsageReport", "input") => new
            {
                meter = "seats",
                from = "2015-05-01T00:00:00Z",
                to = "2015-06-01T00:00:00Z",
                groupBy = new[] { "CUSTOMER" },
            },
            (_, "first" or "limit") => 5,
            (_, "ordinal") => 0,
            (_, "archived") => true,
            (_, "ids" or "orgIds") => new[] { version },
            (_, "customer" or "key") => "c1",
            (_, "id" or "invoiceId") => invoice.GetProperty("id").GetString(),
            (_, "subscriptionId") => invoice.GetProperty("subscriptionId").GetString(),
            _ => throw new InvalidOperationException($"The variable {variable} of {query} is new: say here what it may be."),
        };

    [GeneratedRegex(@"graphql\(\s*/\* GraphQL \*/ `([^`]*)`")]
    private static partial Regex Document();

    [GeneratedRegex(@"\.\.\.\s*(?!on\b)(\w+)")]
    private static partial Regex Spread();
}
