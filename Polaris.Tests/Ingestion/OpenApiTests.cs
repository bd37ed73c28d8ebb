using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>The OpenAPI document says what is: it is the one that is kept, its examples work, and answers look as it says.</summary>
public sealed class OpenApiTests(PolarisApp polaris)
{
    private static readonly string Kept = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(new Projects.Polaris_AppHost().ProjectPath)!, "..", "docs", "openapi", "ingestion.json"));

    private async Task<JsonObject> DocumentAsync()
    {
        using var anyone = new HttpClient { BaseAddress = polaris.Gateway };
        return JsonNode.Parse(await anyone.GetStringAsync("/openapi/ingestion.json"))!.AsObject();
    }

    [Fact]
    public async Task The_document_that_the_gateway_serves_is_the_one_in_docs() =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(await File.ReadAllTextAsync(Kept)), await DocumentAsync()), "docs/openapi/ingestion.json is not current: see docs/development.md.");

    [Fact]
    public async Task Every_example_of_a_body_is_accepted_and_answered_as_the_document_says()
    {
        using var tenant = await polaris.SignUpAsync();
        var document = await DocumentAsync();
        var (sent, schema) = (0, document["components"]!["schemas"]!);
        foreach (var (type, media) in document["paths"]!["/ingest"]!["post"]!["requestBody"]!["content"]!.AsObject())
        {
            foreach (var (name, example) in media!["examples"]!.AsObject())
            {
                var value = example!["value"]!;
                using var content = new StringContent(value is JsonValue text ? text.GetValue<string>() : value.ToJsonString(), Encoding.UTF8, type);
                using var response = await tenant.Http.PostAsync("/ingest?receipts=all", content);
                var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
                var expected = value is JsonArray several ? several.Count : type.EndsWith("ndjson", StringComparison.Ordinal) ? 2 : 1;
                Assert.True(((int)response.StatusCode, (int)answer["accepted"]!) == (202, expected), $"{type} {name}: {answer}");
                AssertLike(schema, "IngestResponse", answer);
                sent++;
            }
        }

        Assert.InRange(sent, 8, 100);
        foreach (var key in new[] { "call-2", "fix-1", "fix-2", "line-1", "%2Fcheckout%201" }) AssertLike(schema, "EventResponse", JsonNode.Parse((await tenant.EventAsync(key)).GetRawText())!);
    }

    [Fact]
    public async Task The_examples_of_answers_have_the_form_that_the_document_gives_them()
    {
        var (document, seen) = (await DocumentAsync(), 0);
        foreach (var operation in document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).Select(pair => pair.Value!))
        {
            foreach (var (status, response) in operation["responses"]!.AsObject())
            {
                foreach (var (_, media) in response!["content"]!.AsObject())
                {
                    var schema = media!["schema"]!["$ref"]!.GetValue<string>().Split('/')[^1];
                    foreach (var (_, example) in media["examples"]!.AsObject())
                    {
                        AssertLike(document["components"]!["schemas"]!, schema, example!["value"]!);
                        if (schema == "Problem") Assert.Equal(status, ((int)example["value"]!["status"]!).ToString(CultureInfo.InvariantCulture));
                        seen++;
                    }
                }
            }
        }

        Assert.InRange(seen, 20, 200);
    }

    /// <summary>Every field is one of the schema's, of its kind and words, and none that must be there is missing. All of JSON Schema is not needed for that.</summary>
    private static void AssertLike(JsonNode schemas, string name, JsonNode value)
    {
        var (schema, given) = (schemas[name]!, value.AsObject());
        Assert.All(schema["required"]!.AsArray(), field => Assert.True(given.ContainsKey(field!.GetValue<string>()), $"{name}.{field} is missing: {value}"));
        foreach (var (field, inner) in given)
        {
            Assert.True(schema["properties"]!.AsObject().TryGetPropertyValue(field, out var property), $"{name} has no '{field}': {value}");
            if (property!["$ref"] is { } reference) AssertLike(schemas, reference.GetValue<string>().Split('/')[^1], inner!);
            else Assert.True(Types(property["type"]!).Contains(TypeOf(inner)), $"{name}.{field}: {inner}");
            if (property["enum"] is JsonArray words) Assert.Contains(inner!.GetValue<string>(), words.Select(word => word!.GetValue<string>()));
            if (property["items"]?["$ref"] is not { } item) continue;
            foreach (var one in inner!.AsArray()) AssertLike(schemas, item.GetValue<string>().Split('/')[^1], one!);
        }
    }

    private static string[] Types(JsonNode type) => type is JsonArray several ? [.. several.Select(one => one!.GetValue<string>())] : [type.GetValue<string>()];

    private static string TypeOf(JsonNode? value) => value?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "integer",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Array => "array",
        _ => "object",
    };
}
