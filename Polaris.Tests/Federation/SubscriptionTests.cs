using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Polaris.Gateway.Composition;
using Polaris.Tests.PublicGraph;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>Subscriptions at the gateway: how they compose, and what becomes of a subgraph's events.</summary>
public sealed class SubscriptionTests
{
    /// <summary>Of an org, <c>b</c> knows the name; a type called Subscription is one like any other.</summary>
    private static readonly (string, string)[] Schema =
    [
        (
            "a",
            """
            schema { query: Query mutation: Mutation subscription: Live }
            type Query { subscription: Subscription list: [Int] }
            type Mutation { change: Int }
            type Subscription { start: String }
            type Live { changed(id: ID!): Org! count: Int! }
            type Org @key(fields: "id") { id: ID! size: Int! }
            """
        ),
        ("b", "type Query { org: Org } type Org @key(fields: \"id\") { id: ID! name: String! }"),
    ];

    private const string Changed = "subscription($id: ID!) { changed(id: $id) { name size __typename } }";

    [Fact]
    public void The_type_of_subscriptions_may_have_any_name_and_is_a_root_of_the_public_schema()
    {
        var graph = Composer.Compose(Schema);
        var published = SdlWriter.Public(graph);
        Assert.Contains("subscription: Live", published, StringComparison.Ordinal);
        Assert.Equal("Live", new PublicSchema(graph).Schema.Subscription!.Name);
        Assert.Equal(published, SdlWriter.Public(Composer.Compose([("public", published)])));
        Assert.Contains("subscription: Live", SdlWriter.Join(graph, name => new Uri($"http://{name}")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "schema { query: Query subscription: Other } type Other { b: Int }",
        "'a' and 'b' name the type of subscriptions Live and Other"
    )]
    [InlineData("schema { query: Query subscription: Live } type Live { count: Int! @shareable }", "'a' and 'b' both define Live.count")]
    [InlineData("type Live @shareable { b: Int }", "Live is the type of subscriptions in 'a', and another in 'b'")]
    [InlineData("schema { query: Query subscription: Other }", "'b' does not define Other")]
    public void What_does_not_fit_together_is_no_composition(string other, string why)
    {
        const string first = "schema { query: Query subscription: Live } type Query { a: Int } type Live { count: Int! @shareable }";
        var refused = Assert.Throws<CompositionException>(() => Composer.Compose([("a", first), ("b", other + " type Query { b: Int }")]));
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fields_of_subscriptions_come_from_several_subgraphs()
    {
        var graph = Composer.Compose([
            ("a", "schema { query: Query subscription: Live } type Query { a: Int } type Live { one: Int }"),
            ("b", "schema { query: Query subscription: Live } type Query { b: Int } type Live { two: Int }"),
        ]);
        Assert.Equal(["one", "two"], graph.Types["Live"].Fields.Keys);
    }

    [Fact]
    public async Task Each_event_has_what_other_subgraphs_know_of_it()
    {
        await using var composition = await Composition.StartAsync(Schema);
        composition.Subgraphs["a"].Events = 2;
        var expected = await composition.ExpectAsync(Changed, new { id = "1" });
        Assert.True(expected.TryGetProperty("data", out _), expected.ToString());
        await using var events = await OpenAsync(composition, Changed, new { id = "1" });
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (events.Status, events.MediaType));
        Assert.Equal(expected.ToString(), (await events.NextAsync()).ToString());
        Assert.Equal(expected.ToString(), (await events.NextAsync()).ToString());
        Assert.Null(await events.NextAsync());
        Assert.Equal(2, composition.Subgraphs["b"].Requests.Count(query => query.Contains("_entities", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_browser_subscribes_by_GET()
    {
        await using var composition = await Composition.StartAsync(Schema);
        var query = Uri.EscapeDataString("subscription { count }");
        await using var events = await LiveEvents.OpenAsync(
            composition.Client,
            null,
            new HttpRequestMessage(HttpMethod.Get, new Uri(composition.Client.BaseAddress!, "?query=" + query))
        );
        Assert.Equal((await composition.ExpectAsync("subscription { count }")).ToString(), (await events.NextAsync()).ToString());
        Assert.Null(await events.NextAsync());
    }

    [Fact]
    public async Task Only_a_subscription_is_answered_with_events_and_only_with_events()
    {
        await using var composition = await Composition.StartAsync(Schema);
        using var json = await composition.Client.PostAsJsonAsync("", new { query = "subscription { count }" });
        Assert.Equal(HttpStatusCode.BadRequest, json.StatusCode);
        Assert.Equal("event_stream_required", RuleOf(await json.Content.ReadFromJsonAsync<JsonElement>()));
        foreach (var query in (string[])["{ list }", "mutation { change }"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "") { Content = JsonContent.Create(new { query }) };
            request.Headers.Accept.ParseAdd("text/event-stream");
            using var refused = await composition.Client.SendAsync(request);
            Assert.Equal(HttpStatusCode.NotAcceptable, refused.StatusCode);
        }

        Assert.Empty(composition.Subgraphs["a"].Mutations);
        foreach (
            var query in (string[])
                ["subscription { count other: count }", "subscription { count @skip(if: true) }", "subscription { nothing }"]
        )
        {
            await using var refused = await OpenAsync(composition, query);
            Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        }
    }

    [Fact]
    public async Task A_subgraph_that_fails_is_the_last_event()
    {
        await using var composition = await Composition.StartAsync(Schema);
        var breaks = new TaskCompletionSource();
        composition.Subgraphs["a"].Breaks = breaks.Task;
        await using (var events = await OpenAsync(composition, "subscription { count }"))
        {
            Assert.False((await events.NextAsync())!.Value.TryGetProperty("errors", out _));
            breaks.SetResult();
            Assert.Equal("SUBGRAPH_UNAVAILABLE", CodeOf((await events.NextAsync())!.Value));
            Assert.Null(await events.NextAsync());
        }

        composition.Broken.Add("a");
        await using var broken = await OpenAsync(composition, "subscription { count }");
        Assert.Equal("SUBGRAPH_UNAVAILABLE", CodeOf((await broken.NextAsync())!.Value));
        Assert.Null(await broken.NextAsync());
    }

    [Fact]
    public async Task A_subscription_is_complete_when_its_lifetime_is_over_which_no_deadline_is()
    {
        await using var composition = await Composition.StartAsync(Schema);
        composition.Subgraphs["a"].StaysOpen = true;
        composition.Limits.SubscriptionLifetime = TimeSpan.FromSeconds(1);
        composition.Limits.Deadline = TimeSpan.FromMilliseconds(500);
        var began = TimeProvider.System.GetTimestamp();
        await using var events = await OpenAsync(composition, "subscription { count }");
        Assert.NotNull(await events.NextAsync());
        Assert.Null(await events.NextAsync());
        Assert.True(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromMilliseconds(900));
    }

    private static Task<LiveEvents> OpenAsync(Composition composition, string query, object? variables = null) =>
        LiveEvents.OpenAsync(
            composition.Client,
            null,
            new HttpRequestMessage(HttpMethod.Post, composition.Client.BaseAddress)
            {
                Content = JsonContent.Create(new { query, variables }),
            }
        );

    private static string? RuleOf(JsonElement answer) =>
        answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("rule").GetString();

    private static string? CodeOf(JsonElement answer) =>
        answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("code").GetString();
}
