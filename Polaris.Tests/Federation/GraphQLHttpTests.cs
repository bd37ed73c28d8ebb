using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Polaris.Tests.Federation;

/// <summary>GraphQL over HTTP, as its specification says, and documents by their hash.</summary>
public sealed class GraphQLHttpTests
{
    private const string Modern = "application/graphql-response+json";
    private const string Older = "application/json";

    private static readonly (string, string)[] Schema =
    [
        ("a", "type Query { a(text: String): String! list: [Int] } type Mutation { change: Int }"),
    ];

    [Theory]
    [InlineData("{ list }", Older, 200, Older)]
    [InlineData("{ list }", Modern, 200, Modern)]
    [InlineData("{ list }", "application/json;q=0.5, application/graphql-response+json", 200, Modern)]
    [InlineData("{ list }", "application/json, application/graphql-response+json;q=0.5", 200, Older)]
    [InlineData("{ list }", "*/*", 200, Older)]
    [InlineData("{ list }", "text/html", 406, null)]
    [InlineData("{ nothing }", Older, 200, Older)]
    [InlineData("{ nothing }", Modern, 400, Modern)]
    [InlineData("{ list", Older, 400, Older)]
    [InlineData("{ list", Modern, 400, Modern)]
    public async Task The_status_and_the_media_type_are_what_the_client_accepts(string query, string accept, int status, string? type)
    {
        await using var composition = await Composition.StartAsync(Schema);
        using var request = new HttpRequestMessage(HttpMethod.Post, "") { Content = JsonContent.Create(new { query }) };
        request.Headers.Accept.ParseAdd(accept);
        using var response = await composition.Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Get_is_for_queries()
    {
        await using var composition = await Composition.StartAsync(Schema);
        var variables = Uri.EscapeDataString("""{"t":"x"}""");
        var query = Uri.EscapeDataString("query Q($t: String) { a(text: $t) } query P { list }");
        var expected = await composition.AskAsync("query Q($t: String) { a(text: $t) }", new { t = "x" });
        var answer = await composition.Client.GetFromJsonAsync<JsonElement>($"?query={query}&operationName=Q&variables={variables}");
        Assert.Equal(expected.ToString(), answer.ToString());
        using var change = await composition.Client.GetAsync("?query=" + Uri.EscapeDataString("mutation { change }"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, change.StatusCode);
        Assert.Equal(["GET", "POST"], change.Content.Headers.Allow);
        Assert.Empty(composition.Subgraphs["a"].Mutations);
        Assert.Equal(HttpStatusCode.BadRequest, (await composition.Client.GetAsync("")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await composition.Client.GetAsync("?query=%7Blist%7D&variables=no")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await composition.Client.PutAsJsonAsync("", new { query = "{ list }" })).StatusCode);
    }

    [Theory]
    [InlineData("/graphiql")]
    [InlineData("/graphql/schema")]
    [InlineData("/swagger/index.html")]
    public async Task There_are_no_tools_where_they_usually_are(string path)
    {
        await using var composition = await Composition.StartAsync(Schema);
        using var response = await composition.Client.GetAsync(new Uri(composition.Client.BaseAddress!, path));
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task What_any_page_may_send_is_not_taken()
    {
        await using var composition = await Composition.StartAsync(Schema);
        using var content = new StringContent("""{"query":"mutation { change }"}""", Encoding.UTF8, new MediaTypeHeaderValue("text/plain"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await composition.Client.PostAsync("", content)).StatusCode);
        Assert.Empty(composition.Subgraphs["a"].Mutations);
    }

    [Fact]
    public async Task A_document_is_sent_once_and_named_from_then_on()
    {
        await using var composition = await Composition.StartAsync(Schema);
        const string query = "{ list }";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(query)));
        var extensions = new { persistedQuery = new { version = 1, sha256Hash = hash } };
        var unknown = await SendAsync(new { extensions });
        Assert.Equal("PersistedQueryNotFound", unknown.GetProperty("errors")[0].GetProperty("message").GetString());
        var expected = await SendAsync(new { query, extensions });
        Assert.True(expected.TryGetProperty("data", out _), expected.ToString());
        Assert.Equal(expected.ToString(), (await SendAsync(new { extensions })).ToString());
        Assert.Equal(expected.ToString(), (await SendAsync(new { documentId = "sha256:" + hash })).ToString());
        Assert.Equal("document_mismatch", RuleOf(await SendAsync(new { query = "{ __typename }", extensions })));
        Assert.Equal("invalid_document_id", RuleOf(await SendAsync(new { documentId = "md5:1" })));
        Assert.Equal("missing_query", RuleOf(await SendAsync(new { extensions = new { other = 1 } })));

        async Task<JsonElement> SendAsync(object body)
        {
            using var response = await composition.Client.PostAsJsonAsync("", body);
            return await response.Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    private static string? RuleOf(JsonElement answer) =>
        answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("rule").GetString();
}
