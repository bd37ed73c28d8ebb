using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>
/// The platform responds as docs/openapi/ingestion.json shows. Tests that need no platform are in <see cref="OpenApiDocumentTests"/> and
/// <see cref="OpenApiAnswerTests"/>.
/// </summary>
public sealed partial class OpenApiTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>The one problem that needs a database.</summary>
    public const string NotFound = "not_found";

    private const string Post = "POST /ingest";
    private const string Get = "GET /events/{idempotencyKey}";

    private static readonly OpenApiDocument Document = new();

    [Fact]
    public async Task The_document_that_the_gateway_serves_is_the_one_in_docs()
    {
        using var anyone = new HttpClient { BaseAddress = polaris.Gateway };
        Assert.Equal(await File.ReadAllTextAsync(OpenApiDocument.File), await anyone.GetStringAsync("/openapi/ingestion.json"));
    }

    [Fact]
    public async Task Every_example_of_a_body_is_accepted_and_answered_as_the_document_says()
    {
        using var tenant = await polaris.SignUpAsync();
        var sent = await SendExamplesAsync(tenant);
        Assert.InRange(sent, 8, 100);
        foreach (var key in new[] { "call-2", "fix-1", "fix-2", "line-1", "%2Fcheckout%201" })
        {
            using var response = await tenant.Http.GetAsync($"/events/{key}");
            Assert.Equal(200, (int)response.StatusCode);
            await Document.AssertDescribesAsync(Get, response);
        }

        using var none = await tenant.Http.GetAsync("/events/none");
        var problem = await Document.AssertDescribesAsync(Get, none);
        AssertSame(Document.Example(Get, 404, OpenApiDocument.ProblemJson, NotFound), problem);
    }

    [Fact]
    public async Task The_answers_that_the_document_shows_are_the_platforms_word_for_word()
    {
        using var tenant = await polaris.SignUpAsync();
        // First, since the invoiced periods of an org are cached for a while.
        await using (var database = await polaris.OpenDatabaseAsync("ingestiondb"))
        {
            await using var command = new Npgsql.NpgsqlCommand(
                "INSERT INTO invoiced_periods (org_id, customer_key, invoiced_through) VALUES ($1, 'late', $2)",
                database
            );
            command.Parameters.AddWithValue(tenant.OrgId);
            command.Parameters.AddWithValue(TimeProvider.System.GetUtcNow().AddDays(1).UtcDateTime);
            await command.ExecuteNonQueryAsync();
        }

        await SendExamplesAsync(tenant);
        var call1 = Document.Operation(Post)["requestBody"]!["content"]!["application/json"]!["examples"]!["one"]!["value"]!.DeepClone();
        var other = call1.DeepClone();
        other["properties"]!["tokens"] = 43;
        const string wrong = """{"idempotency_key":"call-5","type":7}""";
        (int Status, string Example, string Body, string Query)[] cases =
        [
            (202, "accepted", """[{"idempotency_key":"a","type":"t"},{"idempotency_key":"b","type":"t"}]""", ""),
            (202, "partial", $$"""[{{call1.ToJsonString()}},{{wrong}},{"idempotency_key":"call-6","type":"t","customer":"late"}]""", ""),
            (409, "conflict", other.ToJsonString(), ""),
            (422, "rejected", wrong, ""),
            (
                422,
                "atomic_refused",
                """[{"idempotency_key":"call-7","type":"t"},{"idempotency_key":"fix-3","voids":"call-0"}]""",
                "?atomic=true"
            ),
        ];
        foreach (var (status, example, body, query) in cases)
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var response = await tenant.Http.PostAsync("/ingest" + query, content);
            Assert.Equal(status, (int)response.StatusCode);
            AssertSame(Document.Example(Post, status, "application/json", example), await Document.AssertDescribesAsync(Post, response));
        }

        // All of them that the document has.
        Assert.Equal(Examples(Post, "application/json").Order(), cases.Select(one => $"{one.Status} {one.Example}").Order());
    }

    [Fact]
    public async Task The_corrected_event_that_the_document_shows_is_the_platforms_word_for_word()
    {
        using var tenant = await polaris.SignUpAsync();
        var shown = Document.Example(Get, 200, "application/json", "corrected");
        var corrected = new JsonObject { ["timestamp"] = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture) };
        foreach (var field in new[] { "idempotency_key", "type", "customer", "properties" })
            corrected[field] = shown[field]!.DeepClone();
        var correction = new JsonObject
        {
            ["idempotency_key"] = shown["corrected_by"]!.DeepClone(),
            ["voids"] = shown["idempotency_key"]!.DeepClone(),
        };
        Assert.Equal(202, (await tenant.IngestAsync(new[] { corrected, correction })).Status);
        await polaris.UntilAsync("publishing", async () => (await tenant.EventAsync("order-17")).GetProperty("published").GetBoolean());
        using var found = await tenant.Http.GetAsync("/events/order-17");
        AssertSame(shown, await Document.AssertDescribesAsync(Get, found));
    }

    /// <summary>All requests of the document, in its order, to one org.</summary>
    private static async Task<int> SendExamplesAsync(Tenant tenant)
    {
        var sent = 0;
        foreach (var (type, media) in Document.Operation(Post)["requestBody"]!["content"]!.AsObject())
        {
            foreach (var (name, example) in media!["examples"]!.AsObject())
            {
                var value = example!["value"]!;
                using var content = new StringContent(
                    value is JsonValue text ? text.GetValue<string>() : value.ToJsonString(),
                    Encoding.UTF8,
                    type
                );
                using var response = await tenant.Http.PostAsync("/ingest?receipts=all", content);
                var answer = await Document.AssertDescribesAsync(Post, response);
                var expected =
                    value is JsonArray several ? several.Count
                    : type.EndsWith("ndjson", StringComparison.Ordinal) ? 2
                    : 1;
                Assert.True(((int)response.StatusCode, (int)answer["accepted"]!) == (202, expected), $"{type} {name}: {answer}");
                sent++;
            }
        }

        return sent;
    }

    private static IEnumerable<string> Examples(string operation, string type) =>
        from answer in Document.Answers(operation)
        where answer.Type == type
        from example in answer.Media["examples"]!.AsObject()
        select $"{answer.Status} {example.Key}";

    /// <summary>Without ids and times, whose format is checked elsewhere.</summary>
    private static void AssertSame(JsonNode expected, JsonNode actual) =>
        Assert.Equal(Passing().Replace(expected.ToJsonString(), "…"), Passing().Replace(actual.ToJsonString(), "…"));

    [GeneratedRegex("(?<=\"(batch_id|received_at|timestamp)\":\")[^\"]+")]
    private static partial Regex Passing();
}
