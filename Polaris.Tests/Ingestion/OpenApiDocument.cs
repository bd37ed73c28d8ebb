using System.Globalization;
using System.Text.Json.Nodes;
using Polaris.Tests.Tenancy;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>docs/openapi/ingestion.json, with validation of values and responses against it.</summary>
internal sealed class OpenApiDocument
{
    public const string ProblemJson = "application/problem+json";

    /// <summary>Headers that any HTTP response may have and that the document does not describe.</summary>
    private static readonly HashSet<string> OfHttp = new(StringComparer.OrdinalIgnoreCase)
    {
        "Cache-Control",
        "Connection",
        // What the gateway tells browsers about everything.
        "Content-Security-Policy",
        "Cross-Origin-Opener-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
        "Content-Length",
        "Content-Type",
        "Date",
        "Expires",
        "Pragma",
        "Transfer-Encoding",
    };

    public static string File => Path.Combine(SourceText.Root, "docs", "openapi", "ingestion.json");

    public JsonObject Root { get; } = JsonNode.Parse(System.IO.File.ReadAllText(File))!.AsObject();

    public JsonObject Schema(string name) => Root["components"]!["schemas"]![name]!.AsObject();

    /// <summary>Operations by method and path, as in <c>POST /ingest</c>.</summary>
    public JsonObject Operation(string name) =>
        Root["paths"]![name[(name.IndexOf(' ', StringComparison.Ordinal) + 1)..]]![
            name[..name.IndexOf(' ', StringComparison.Ordinal)].ToLowerInvariant()
        ]!.AsObject();

    public IEnumerable<string> Operations =>
        Root["paths"]!
            .AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {path.Key}"));

    /// <summary>Each media type of each response, as <c>202</c>, <c>application/json</c>.</summary>
    public IEnumerable<(string Status, string Type, JsonObject Media)> Answers(string operation) =>
        from response in Operation(operation)["responses"]!.AsObject()
        from media in response.Value!["content"]!.AsObject()
        select (response.Key, media.Key, media.Value!.AsObject());

    public JsonNode Example(string operation, int status, string type, string name) =>
        Answers(operation).Single(answer => answer.Status == Text(status) && answer.Type == type).Media["examples"]![name]!["value"]!;

    /// <summary>
    /// Asserts that the document has the status, headers, media type, schema and, for a problem, the code; returns the body.
    /// </summary>
    public async Task<JsonNode> AssertDescribesAsync(string operation, HttpResponseMessage response)
    {
        var (status, text) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
        var at = $"{operation} {status}: {text}";
        var described = Operation(operation)["responses"]![Text(status)];
        Assert.True(described is not null, $"The status is not in the document. {at}");
        var headers = described["headers"]?.AsObject() ?? [];
        foreach (var (name, _) in response.Headers.Concat(response.Content.Headers))
            Assert.True(OfHttp.Contains(name) || headers.ContainsKey(name), $"The header {name} is not in the document. {at}");
        foreach (var (name, header) in headers)
        {
            var values = response.Headers.TryGetValues(name, out var some) ? some.ToArray() : [];
            if (header!["required"]?.GetValue<bool>() == true)
                Assert.True(values.Length == 1, $"The header {name} is missing. {at}");
            var isInteger = header["schema"]!["type"]!.GetValue<string>() == "integer";
            foreach (var value in values)
                AssertValid(
                    header["schema"]!,
                    isInteger ? JsonValue.Create(long.Parse(value, CultureInfo.InvariantCulture)) : JsonValue.Create(value)
                );
        }

        var type = response.Content.Headers.ContentType?.MediaType ?? "";
        var media = described["content"]![type];
        Assert.True(media is not null, $"The media type {type} is not in the document. {at}");
        var body = JsonNode.Parse(text)!;
        AssertValid(media["schema"]!, body, closed: true);
        if (type == ProblemJson)
        {
            Assert.Equal(status, body["status"]!.GetValue<int>());
            Assert.True(
                media["examples"]!.AsObject().ContainsKey(body["code"]!.GetValue<string>()),
                $"The code is not in the document. {at}"
            );
        }

        return body;
    }

    /// <param name="schema">A schema of this document.</param>
    /// <param name="value">The value to validate.</param>
    /// <param name="closed">Whether a property that is not in the schema is an error, as it is for Polaris's own responses.</param>
    public void AssertValid(JsonNode schema, JsonNode? value, bool closed = false) =>
        Assert.Empty(Errors(schema, value, "$", closed).Select(error => $"{error} in {value?.ToJsonString()}"));

    public bool IsValid(JsonNode schema, JsonNode? value) => !Errors(schema, value, "$", closed: false).Any();

    /// <summary>The subset of JSON Schema that the document uses; an unknown keyword is an error.</summary>
    private IEnumerable<string> Errors(JsonNode schema, JsonNode? value, string at, bool closed)
    {
        foreach (var (keyword, rule) in schema.AsObject())
        {
            var errors = keyword switch
            {
                "description" or "default" => [],
                "$ref" => Errors(Schema(rule!.GetValue<string>().Split('/')[^1]), value, at, closed),
                "oneOf" => rule!.AsArray().Count(one => !Errors(one!, value, at, closed).Any()) is var fitting and not 1
                    ? [$"{at} fits {fitting} of the forms"]
                    : [],
                "not" => Errors(rule!, value, at, closed).Any() ? [] : [$"{at} must not be there"],
                "type" => Types(rule!).Any(type => IsOf(type, value)) ? [] : [$"{at} is no {rule}"],
                "enum" => rule!.AsArray().Any(one => JsonNode.DeepEquals(one, value)) ? [] : [$"{at} is none of {rule.ToJsonString()}"],
                "format" => HasFormat(rule!.GetValue<string>(), value) ? [] : [$"{at} is no {rule}"],
                "required" when value is JsonObject given => rule!
                    .AsArray()
                    .Where(name => !given.ContainsKey(name!.GetValue<string>()))
                    .Select(name => $"{at}.{name} is missing"),
                "properties" when value is JsonObject given => given.SelectMany(one =>
                    rule![one.Key] is { } own ? Errors(own, one.Value, $"{at}.{one.Key}", closed)
                    : closed ? [$"{at}.{one.Key} is not described"]
                    : []
                ),
                "additionalProperties" when value is JsonObject given => given
                    .Where(one => schema["properties"]?[one.Key] is null)
                    .SelectMany(one =>
                        rule is JsonObject more ? Errors(more, one.Value, $"{at}.{one.Key}", closed) : [$"{at}.{one.Key} is too much"]
                    ),
                "propertyNames" when value is JsonObject given => given.SelectMany(one =>
                    Errors(rule!, one.Key, $"{at}.{one.Key}", closed)
                ),
                "maxProperties" when value is JsonObject given => AtMost(given.Count, rule!, at),
                "items" when value is JsonArray several => several.SelectMany((one, i) => Errors(rule!, one, $"{at}[{i}]", closed)),
                "minItems" when value is JsonArray several => AtLeast(several.Count, rule!, at),
                "maxItems" when value is JsonArray several => AtMost(several.Count, rule!, at),
                "minLength" when IsOf("string", value) => AtLeast(value!.GetValue<string>().Length, rule!, at),
                "maxLength" when IsOf("string", value) => AtMost(value!.GetValue<string>().Length, rule!, at),
                "minimum" when IsOf("number", value) => AtLeast(Number(value!), rule!, at),
                "exclusiveMinimum" when IsOf("number", value) => Number(value!) > Number(rule!) ? [] : [$"{at} is {value}"],
                "exclusiveMaximum" when IsOf("number", value) => Number(value!) < Number(rule!) ? [] : [$"{at} is {value}"],
                "required" or "properties" or "additionalProperties" or "propertyNames" or "maxProperties" => [],
                "items" or "minItems" or "maxItems" or "minLength" or "maxLength" => [],
                "minimum" or "exclusiveMinimum" or "exclusiveMaximum" => [],
                _ => [$"{at}: the keyword '{keyword}' is not known to this test"],
            };
            foreach (var error in errors)
                yield return error;
        }
    }

    private static IEnumerable<string> AtMost(decimal actual, JsonNode limit, string at) =>
        actual <= Number(limit) ? [] : [$"{at} has {actual}, more than {limit}"];

    private static IEnumerable<string> AtLeast(decimal actual, JsonNode limit, string at) =>
        actual >= Number(limit) ? [] : [$"{at} has {actual}, less than {limit}"];

    private static decimal Number(JsonNode value) => decimal.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static IEnumerable<string> Types(JsonNode type) =>
        type is JsonArray several ? several.Select(one => one!.GetValue<string>()) : [type.GetValue<string>()];

    private static bool IsOf(string type, JsonNode? value) =>
        (type, value?.GetValueKind() ?? System.Text.Json.JsonValueKind.Null) switch
        {
            ("null", System.Text.Json.JsonValueKind.Null) => true,
            ("string", System.Text.Json.JsonValueKind.String) => true,
            ("number", System.Text.Json.JsonValueKind.Number) => true,
            ("integer", System.Text.Json.JsonValueKind.Number) => Number(value!) % 1 == 0,
            ("boolean", System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False) => true,
            ("array", System.Text.Json.JsonValueKind.Array) => true,
            ("object", System.Text.Json.JsonValueKind.Object) => true,
            _ => false,
        };

    private static bool HasFormat(string format, JsonNode? value)
    {
        if (format == "int32")
            return !IsOf("number", value) || Number(value!) is >= int.MinValue and <= int.MaxValue;
        if (!IsOf("string", value))
            return true;
        var text = value!.GetValue<string>();
        return format switch
        {
            "date-time" => NodaTime.Text.OffsetDateTimePattern.Rfc3339.Parse(text).Success,
            "uuid" => Guid.TryParseExact(text, "D", out _),
            "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
            _ => false,
        };
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
