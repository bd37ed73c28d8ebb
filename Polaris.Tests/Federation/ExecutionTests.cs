using System.Text.Json;
using Polaris.Gateway.Composition;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>What the gateway sends to whom, and what is left when one does not answer.</summary>
public sealed class ExecutionTests
{
    private static readonly (string, string)[] Orgs =
    [
        (
            "a",
            """
            extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
            type Query { orgs: [Org!]! more: [Org!]! }
            type Mutation { first: Org! third: Org! }
            type Org @key(fields: "id") { id: ID! name: String! }
            """
        ),
        (
            "b",
            """
            extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
            type Query { b: String }
            type Mutation { second: Org! fourth: Org! }
            type Org @key(fields: "id") { id: ID! invoices: [Invoice!] must: Int! }
            type Invoice { id: ID! total: String! }
            """
        ),
    ];

    [Fact]
    public async Task Entities_of_all_places_of_a_level_are_asked_for_in_one_request_each_once()
    {
        await using var composition = await Composition.StartAsync(Orgs);
        var answer = await composition.AskAsync("{ more { invoices { total } } x: more { must } y: more { invoices { total } id } }");
        Assert.False(answer.TryGetProperty("errors", out _), answer.ToString());
        var asked = composition.Subgraphs["b"].Requests.Where(request => request.Contains("_entities", StringComparison.Ordinal)).ToArray();
        var only = Assert.Single(asked);
        // Two places of which the same is asked share a field, and their entities are the same.
        Assert.Equal(2, only.Split("_entities").Length - 1);
        Assert.All(composition.Subgraphs["b"].Representations, asked => Assert.Equal(asked.Distinct(), asked));
        Assert.All(composition.Subgraphs["b"].Representations, Assert.NotEmpty);
    }

    [Fact]
    public async Task A_subgraph_that_fails_costs_its_own_fields_which_have_errors_at_their_places()
    {
        await using var composition = await Composition.StartAsync(Orgs);
        var whole = await composition.ExpectAsync("{ more { name } b }");
        composition.Broken.Add("b");
        var answer = await composition.AskAsync("{ more { name mine: invoices { id } } b }");
        var orgs = answer.GetProperty("data").GetProperty("more").EnumerateArray().ToArray();
        Assert.Equal(
            whole.GetProperty("data").GetProperty("more").EnumerateArray().Select(org => org.GetProperty("name").GetString()),
            orgs.Select(org => org.GetProperty("name").GetString())
        );
        Assert.NotEmpty(orgs);
        Assert.All(orgs, org => Assert.Equal(JsonValueKind.Null, org.GetProperty("mine").ValueKind));
        Assert.Equal(
            orgs.Select((_, i) => $"""["more",{i},"mine"]""").Append("""["b"]""").Order(StringComparer.Ordinal),
            answer
                .GetProperty("errors")
                .EnumerateArray()
                .Select(error => error.GetProperty("path").GetRawText())
                .Order(StringComparer.Ordinal)
        );
        Assert.All(
            answer.GetProperty("errors").EnumerateArray(),
            error => Assert.Equal("SUBGRAPH_UNAVAILABLE", error.GetProperty("extensions").GetProperty("code").GetString())
        );
    }

    [Fact]
    public async Task A_field_that_may_not_be_null_takes_what_is_around_it_with_it()
    {
        await using var composition = await Composition.StartAsync(Orgs);
        composition.Broken.Add("b");
        var answer = await composition.AskAsync("{ more { name must } }");
        Assert.Equal("null", answer.GetProperty("data").GetRawText());
        Assert.Equal("""["more",0,"must"]""", answer.GetProperty("errors")[0].GetProperty("path").GetRawText());
    }

    [Fact]
    public async Task An_entity_that_its_subgraph_does_not_know_is_null_where_it_may_be_and_no_error()
    {
        const string link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\"])\n";
        await using var composition = await Composition.StartAsync([
            (
                "events",
                link
                    + """
                    type Query { events: [Event!]! }
                    type Event { key: String! customer: Customer owner: Owner! }
                    type Customer @key(fields: "id") { id: ID! }
                    type Owner @key(fields: "id") { id: ID! }
                    """
            ),
            (
                "customers",
                link
                    + """
                    type Query { customers: [Customer!]! owners: [Owner!]! }
                    type Customer @key(fields: "id") { id: ID! name: String! nick: String }
                    type Owner @key(fields: "id") { id: ID! name: String! }
                    """
            ),
        ]);
        composition.Subgraphs["customers"].Knows = false;
        var whole = await composition.ExpectAsync("{ events { key } }");
        Assert.NotEmpty(whole.GetProperty("data").GetProperty("events").EnumerateArray());

        var answer = await composition.AskAsync("{ events { key customer { id name } } }");
        Assert.False(answer.TryGetProperty("errors", out _), answer.ToString());
        Assert.All(
            answer.GetProperty("data").GetProperty("events").EnumerateArray(),
            one => Assert.Equal(JsonValueKind.Null, one.GetProperty("customer").ValueKind)
        );
        // Where the schema says that there is one, its absence is an error, of the field that names it.
        var broken = await composition.AskAsync("{ events { key owner { name } } }");
        Assert.Equal("null", broken.GetProperty("data").GetRawText());
        Assert.Equal("""["events",0,"owner"]""", broken.GetProperty("errors")[0].GetProperty("path").GetRawText());
    }

    [Fact]
    public async Task Mutations_run_in_order_each_once_and_what_they_need_of_others_comes_before_the_next()
    {
        await using var composition = await Composition.StartAsync(Orgs);
        var answer = await composition.AskAsync(
            "mutation { first { name must } third { name } third { id } second { must } x: first { id } fourth { name } }"
        );
        Assert.False(answer.TryGetProperty("errors", out _), answer.ToString());
        Assert.Equal(["first", "_entities", "third", "second", "first", "fourth", "_entities"], composition.Subgraphs["a"].Mutations);
    }

    [Theory]
    [InlineData("@requires", "@requires(fields: \"id\")")]
    [InlineData("@provides", "@provides(fields: \"id\")")]
    [InlineData("@override", "@override(from: \"a\")")]
    [InlineData("@tag", "@tag(name: \"x\")")]
    [InlineData("@authenticated", "@authenticated")]
    public void A_directive_that_is_not_supported_stops_composition_by_its_name(string name, string directive)
    {
        var error = Refused(("a", $"type Query {{ a: Org }} type Org @key(fields: \"id\") {{ id: ID! b: Int {directive} }}"));
        Assert.Contains(name, error, StringComparison.Ordinal);
        Assert.Contains("Org.b", error, StringComparison.Ordinal);
        Assert.Contains("'a'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Conflicts_are_refused_with_subgraphs_and_definitions()
    {
        const string query = "type Query { a: Org } ";
        Assert.Contains("@interfaceObject", Refused(("a", query + "type Org @interfaceObject { id: ID! }")), StringComparison.Ordinal);
        Assert.Contains(
            "Org.name, and 'a' does not mark it @shareable",
            Refused(
                ("a", query + "type Org @key(fields: \"id\") { id: ID! name: String }"),
                ("b", "type Org @key(fields: \"id\") { id: ID! name: String }")
            ),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "cannot be reached from 'a'",
            Refused(("a", query + "type Org { id: ID! }"), ("b", "type Org @key(fields: \"other\") { other: ID! name: String }")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Money.amount is Int in 'a' and String in 'b'",
            Refused(
                ("a", "type Query { a: Money } type Money @shareable { amount: Int }"),
                ("b", "type Query { b: Money } type Money @shareable { amount: String }")
            ),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "@external at Org.name",
            Refused(("a", query + "type Org @key(fields: \"id\") { id: ID! name: String @external }")),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "a field that is not there",
            Refused(("a", query + "type Org @key(fields: \"no\") { id: ID! }")),
            StringComparison.Ordinal
        );
    }

    private static string Refused(params (string, string)[] subgraphs) =>
        Assert.Throws<CompositionException>(() => Composer.Compose(subgraphs)).Message;
}
