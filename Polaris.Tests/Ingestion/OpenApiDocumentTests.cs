using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Ingest;
using Polaris.Tests.Tenancy;
using Xunit;

namespace Polaris.Tests.Ingestion;

/// <summary>The bodies, limits and names in docs/openapi/ingestion.json match the parser. Needs no platform.</summary>
public sealed partial class OpenApiDocumentTests
{
    private const string Post = "POST /ingest";

    private static readonly DateTimeOffset Now = new(2026, 1, 15, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Each limit, and its path in the document.</summary>
    private static readonly Dictionary<string, Action<OpenApiDocument>> SaidLimits = new()
    {
        [nameof(Limits.MaxEvents)] = document =>
        {
            Assert.Contains($"{Limits.MaxEvents} events", BodyDescription(document), StringComparison.Ordinal);
            var content = Content(document);
            var forms = content["application/json"]!["schema"]!["oneOf"]!;
            foreach (
                var several in new[]
                {
                    forms[1]!,
                    forms[2]!["properties"]!["events"]!,
                    content["application/cloudevents-batch+json"]!["schema"]!,
                }
            )
                Assert.Equal((1, Limits.MaxEvents), (several["minItems"]!.GetValue<int>(), several["maxItems"]!.GetValue<int>()));
        },
        [nameof(Limits.MaxRequestBytes)] = document =>
            Assert.Contains($"{Limits.MaxRequestBytes / 1024 / 1024} MiB", BodyDescription(document), StringComparison.Ordinal),
        [nameof(Limits.MaxEventBytes)] = document =>
        {
            foreach (var schema in new[] { "Event", "CloudEvent" })
                Assert.Contains($"{Limits.MaxEventBytes / 1024} KiB", DescriptionOf(document.Schema(schema)), StringComparison.Ordinal);
        },
        [nameof(Limits.MaxProperties)] = document =>
        {
            foreach (var properties in PropertiesOf(document))
                Assert.Equal(Limits.MaxProperties, properties["maxProperties"]!.GetValue<int>());
        },
        [nameof(Limits.MaxTextLength)] = document =>
        {
            var texts = new[] { "Event", "CloudEvent" }
                .SelectMany(schema => document.Schema(schema)["properties"]!.AsObject())
                .Where(one => one.Key is not ("timestamp" or "time" or "properties" or "data" or "data_base64" or "specversion"))
                .Select(one => one.Value!)
                .Concat(PropertiesOf(document).Select(properties => properties["propertyNames"]!))
                .ToArray();
            Assert.Equal(14, texts.Length);
            Assert.All(
                texts,
                text => Assert.Equal((1, Limits.MaxTextLength), (text["minLength"]!.GetValue<int>(), text["maxLength"]!.GetValue<int>()))
            );
            Assert.Contains(
                $"{Limits.MaxTextLength} characters",
                DescriptionOf(Field(document, "CloudEvent", "source")),
                StringComparison.Ordinal
            );
        },
        [nameof(Limits.MaxAge)] = document => AssertTimeSays(document, $"{Limits.MaxAge.Days} days in the past"),
        [nameof(Limits.MaxAhead)] = document => AssertTimeSays(document, $"{Limits.MaxAhead.Minutes} minutes in the future"),
        [nameof(Limits.Earliest)] = document => AssertTimeSays(document, $"from {Limits.Earliest.Year} on"),
        [nameof(Limits.MaxNumber)] = document =>
        {
            foreach (var properties in PropertiesOf(document))
            {
                Assert.Equal(Limits.MaxNumber, properties["additionalProperties"]!["exclusiveMaximum"]!.GetValue<decimal>());
                Assert.Equal(-Limits.MaxNumber, properties["additionalProperties"]!["exclusiveMinimum"]!.GetValue<decimal>());
                Assert.Contains($"10^{Math.Log10((double)Limits.MaxNumber)}", DescriptionOf(properties), StringComparison.Ordinal);
            }
        },
        [nameof(Limits.MaxDecimalPlaces)] = document =>
            Assert.All(
                PropertiesOf(document),
                properties =>
                    Assert.Contains($"{Limits.MaxDecimalPlaces} decimal places", DescriptionOf(properties), StringComparison.Ordinal)
            ),
        [nameof(Limits.SelfCustomer)] = document =>
        {
            foreach (var (schema, field) in new[] { ("Event", "customer"), ("CloudEvent", "subject") })
                Assert.Contains($"`{Limits.SelfCustomer}`", DescriptionOf(Field(document, schema, field)), StringComparison.Ordinal);
        },
    };

    /// <summary>
    /// A body for each code of a rejected event, and whether the schema rejects it too; a schema cannot express the others.
    /// </summary>
    public static readonly TheoryData<string, string, string, bool> Rejected = new(
        ("missing_field", "application/json", """{"type":"t"}""", true),
        ("missing_field", "application/json", """{"idempotency_key":"","type":"t"}""", true),
        ("missing_field", "application/cloudevents+json", """{"specversion":"1.0","id":"1","type":"t"}""", true),
        ("wrong_type", "application/json", """{"idempotency_key":"k","type":7}""", true),
        ("wrong_type", "application/json", """{"idempotency_key":"k","type":"t","properties":[]}""", true),
        ("unknown_field", "application/json", """{"idempotency_key":"k","type":"t","colour":"red"}""", true),
        ("duplicate_field", "application/json", """{"idempotency_key":"k","type":"t","type":"t"}""", false),
        ("too_long", "application/json", $$"""{"idempotency_key":"k","type":"{{new string('x', 256)}}"}""", true),
        ("invalid_text", "application/json", """{"idempotency_key":"a\u0000b","type":"t"}""", false),
        ("invalid_timestamp", "application/json", """{"idempotency_key":"k","type":"t","timestamp":"yesterday"}""", true),
        ("timestamp_too_old", "application/json", """{"idempotency_key":"k","type":"t","timestamp":"2025-01-15T12:00:00Z"}""", false),
        ("timestamp_too_new", "application/json", """{"idempotency_key":"k","type":"t","timestamp":"2027-01-15T12:00:00Z"}""", false),
        (
            "too_many_properties",
            "application/json",
            """{"idempotency_key":"k","type":"t","properties":{"""
                + string.Join(',', Enumerable.Range(0, 65).Select(i => $"\"p{i}\":{i}"))
                + "}}",
            true
        ),
        ("invalid_property", "application/json", """{"idempotency_key":"k","type":"t","properties":{"p":[1]}}""", true),
        ("invalid_property", "application/json", """{"idempotency_key":"k","type":"t","properties":{"":1}}""", true),
        ("number_out_of_range", "application/json", """{"idempotency_key":"k","type":"t","properties":{"p":1e15}}""", true),
        ("number_out_of_range", "application/json", """{"idempotency_key":"k","type":"t","properties":{"p":0.0000000001}}""", false),
        (
            "event_too_large",
            "application/json",
            "{\"idempotency_key\":\"k\",\"type\":\"t\",\"properties\":{\"p\":\"" + new string('x', 16_384) + "\"}}",
            false
        ),
        ("malformed_json", "application/x-ndjson", "{\"idempotency_key\"\n{\"idempotency_key\":\"k\",\"type\":\"t\"}", false),
        ("unsupported_specversion", "application/cloudevents+json", """{"specversion":"0.3","id":"1","source":"/s","type":"t"}""", true),
        (
            "unsupported_data",
            "application/cloudevents+json",
            """{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"eA=="}""",
            true
        ),
        ("invalid_correction", "application/json", """{"idempotency_key":"k","voids":"a","replaces":"b"}""", false),
        ("unknown_event", "application/json", """{"idempotency_key":"k","voids":"none"}""", false),
        (
            "already_corrected",
            "application/json",
            """[{"idempotency_key":"a","type":"t"},{"idempotency_key":"v","voids":"a"},{"idempotency_key":"w","voids":"a"}]""",
            false
        ),
        (
            "not_correctable",
            "application/json",
            """[{"idempotency_key":"a","type":"t"},{"idempotency_key":"v","voids":"a"},{"idempotency_key":"w","voids":"v"}]""",
            false
        ),
        (
            "target_differs",
            "application/json",
            """[{"idempotency_key":"a","type":"t"},{"idempotency_key":"v","voids":"a","type":"u"}]""",
            false
        )
    );

    private static readonly OpenApiDocument Document = new();

    [Fact]
    public void The_examples_of_answers_have_the_form_that_the_document_gives_them()
    {
        var (document, seen) = (new OpenApiDocument(), 0);
        foreach (var operation in document.Operations)
        {
            foreach (var (status, type, media) in document.Answers(operation))
            {
                foreach (var (_, example) in media["examples"]!.AsObject())
                {
                    document.AssertValid(media["schema"]!, example!["value"]!, closed: true);
                    if (type == OpenApiDocument.ProblemJson)
                        Assert.Equal(status, ((int)example["value"]!["status"]!).ToString(CultureInfo.InvariantCulture));
                    seen++;
                }
            }
        }

        Assert.InRange(seen, 20, 200);
    }

    [Fact]
    public void It_is_a_valid_OpenAPI_document()
    {
        var read = Microsoft.OpenApi.OpenApiDocument.Parse(File.ReadAllText(OpenApiDocument.File), OpenApiConstants.Json);
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic.SpecificationVersion);
        Assert.Equal(2, read.Document!.Paths.Count);
    }

    [Fact]
    public void Every_limit_is_said_as_it_is()
    {
        Assert.Equal(
            typeof(Limits)
                .GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)
                .Select(field => field.Name)
                // Of dates in other services; an event is at most minutes ahead.
                .Where(name => name != nameof(Limits.Latest))
                .Order(),
            SaidLimits.Keys.Order()
        );
        foreach (var (_, said) in SaidLimits)
            said(Document);
    }

    [Fact]
    public void Examples_of_bodies_are_as_their_schema_says_and_read_by_the_parser_without_a_rejection()
    {
        var read = 0;
        foreach (var (type, media) in Content(Document))
        {
            foreach (var (name, example) in media!["examples"]!.AsObject())
            {
                var value = example!["value"]!;
                Document.AssertValid(media["schema"]!, value, closed: true);
                var text = value is JsonValue lines ? lines.GetValue<string>() : value.ToJsonString();
                if (type == IngestEndpoint.Ndjson)
                    foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                        Document.AssertValid(Document.Schema("Event"), JsonNode.Parse(line), closed: true);
                var body = EventParser.Parse(Encoding.UTF8.GetBytes(text), Now, backfill: false, FormOf(type));
                Assert.True(body.Rejected.Count == 0 && body.Events.Count > 0, $"{type} {name}: {string.Join(", ", body.Rejected)}");
                read += body.Events.Count;
            }
        }

        Assert.Equal(11, read);
    }

    [Fact]
    public void Every_form_of_a_body_that_is_taken_is_described_and_no_other() =>
        Assert.Equal(
            new[] { IngestEndpoint.CloudEvent, IngestEndpoint.CloudEventBatch, IngestEndpoint.Json, IngestEndpoint.Ndjson }.Order(),
            Content(Document).Select(media => media.Key).Order()
        );

    [Theory]
    [MemberData(nameof(Rejected))]
    public void A_rejected_event_has_a_described_code_and_the_schema_refuses_what_it_can(
        string code,
        string type,
        string body,
        bool bySchema
    )
    {
        var written = Write(body, type);
        var answer = IngestResponse.Of(written, new HashSet<int>(), all: true);
        Assert.Equal([code], answer.Results.Where(result => result.Status == "rejected").Select(result => result.Code));
        AssertAnswerValid(answer);
        if (type != IngestEndpoint.Ndjson && code != "duplicate_field")
            Assert.Equal(!bySchema, Document.IsValid(Content(Document)[type]!["schema"]!, JsonNode.Parse(body)));
    }

    [Fact]
    public void The_described_codes_are_those_that_the_parser_has_and_docs_ingest_md_explains_each()
    {
        var described = Words("EventResult", "code").Order();
        Assert.Equal(Rejected.Select(row => row.Data.Item1).Append("conflict").Distinct().Order(), described);
        var words = File.ReadAllText(Path.Combine(SourceText.Root, "docs", "ingest.md"));
        Assert.All(described.Concat(ProblemCodes()), code => Assert.Contains($"`{code}`", words, StringComparison.Ordinal));
    }

    /// <summary>
    /// Finds codes and fields as string literals in the source, so that none can be added to the parser without the document.
    /// </summary>
    [Fact]
    public void Every_word_of_the_parser_and_of_the_answers_is_in_the_document()
    {
        // Strings of GraphQL, metrics, other refusals, tokens and the gateway's routes.
        string[] others =
        [
            .. (string[])["event", "limit", "out_of_range", "outcome", "path", "retry_after"],
            .. (string[])["jwks", "polaris", "sub"],
            .. (string[])["anonymous", "billing", "dashboard", "document", "identity", "ingestion", "notifications", "only"],
        ];
        var said = Said(Document.Root).Concat(others).ToHashSet();
        var found = SourceText
            .Files()
            .Where(file =>
                file.Path.StartsWith("Polaris.Ingestion/Domain/", StringComparison.Ordinal)
                || file.Path.StartsWith("Polaris.Ingestion/Features/Ingest/", StringComparison.Ordinal)
                || file.Path.StartsWith("Polaris.Ingestion/Features/Events/", StringComparison.Ordinal)
                || file.Path.StartsWith("Polaris.Gateway/Proxy/", StringComparison.Ordinal)
                || file.Path.StartsWith("Polaris.ServiceDefaults/Errors/", StringComparison.Ordinal)
                || file.Path == "Polaris.ServiceDefaults/Auth/PolarisAuthentication.cs"
            )
            .SelectMany(file => SourceText.Literals(file.Text).Where(text => Word().IsMatch(text)).Select(text => (file.Path, text)))
            .ToArray();
        Assert.InRange(found.Length, 100, 1_000);
        Assert.DoesNotContain(found, word => !said.Contains(word.text));
    }

    [Fact]
    public void The_described_outcomes_are_those_that_an_event_can_have()
    {
        var events = Enum.GetValues<Verdict>().Select((_, i) => Event(i)).ToArray();
        var outcomes = Enum.GetValues<Verdict>().Select(verdict => new Outcome(verdict, Guid.CreateVersion7(Now), Now)).ToArray();
        var rejected = new[] { (9, (string?)null, new Rejection("malformed_json", "", "Line 1 is not JSON.")) };
        var stored = IngestResponse.Of(new Written(events, outcomes, rejected), new HashSet<int> { 0 }, all: true);
        var refused = IngestResponse.Of(
            new Written([Event(0)], [new Outcome(Verdict.Accepted, Guid.Empty, Now)], rejected, Refused: true),
            new HashSet<int>(),
            all: true
        );
        AssertAnswerValid(stored);
        AssertAnswerValid(refused);
        Assert.Equal(
            stored.Results.Concat(refused.Results).Select(result => result.Status).Distinct().Order(),
            Words("EventResult", "status").Order()
        );
        Assert.Equal([refused.Code], Words("IngestResponse", "code"));
    }

    [Fact]
    public void The_described_ways_of_counting_are_those_that_an_event_can_have()
    {
        var found = new FoundEvent(Guid.Empty, "k", "t", "c", default, "{}", default, Guid.Empty, Published: true);
        CountedEvent?[] counted = [null, new(false, []), new(true, []), new(true, [new()])];
        FoundEvent[] events =
        [
            found,
            found with
            {
                CorrectedBy = "x",
            },
            found with
            {
                Corrects = new FoundCorrection("x", Replaces: false),
            },
            found with
            {
                Corrects = new FoundCorrection("x", Replaces: true),
            },
        ];
        Assert.Equal(
            events.SelectMany(one => counted.Select(by => EventEndpoint.CountingOf(one, by))).Distinct().Order(),
            Words("EventResponse", "counting").Order()
        );
        Assert.All(
            Words("EventResponse", "counting"),
            word =>
                Assert.Contains(
                    $"| `{word}` |",
                    File.ReadAllText(Path.Combine(SourceText.Root, "docs", "ingest.md")),
                    StringComparison.Ordinal
                )
        );
    }

    [Theory]
    [InlineData(typeof(IngestResponse))]
    [InlineData(typeof(EventResult))]
    [InlineData(typeof(Receipt))]
    [InlineData(typeof(EventResponse))]
    [InlineData(typeof(CountedResponse))]
    [InlineData(typeof(InvoiceLineResponse))]
    public void The_described_fields_of_an_answer_are_those_of_its_type(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        var (schema, fields) = (Document.Schema(type.Name), JsonSerializerOptions.Web.GetTypeInfo(type).Properties);
        Assert.Equal(fields.Select(field => field.Name).Order(), schema["properties"]!.AsObject().Select(field => field.Key).Order());
        Assert.Equal(
            fields
                .Where(field => !field.AttributeProvider!.IsDefined(typeof(JsonIgnoreAttribute), inherit: false))
                .Select(field => field.Name)
                .Order(),
            schema["required"]!.AsArray().Select(field => field!.GetValue<string>()).Order()
        );
    }

    [Fact]
    public void A_problem_has_the_fields_that_all_of_the_examples_have()
    {
        var examples = (
            from operation in Document.Operations
            from answer in Document.Answers(operation)
            where answer.Type == OpenApiDocument.ProblemJson
            from example in answer.Media["examples"]!.AsObject()
            select example.Value!["value"]!.AsObject().Select(field => field.Key)
        ).ToArray();
        var problem = Document.Schema("Problem");
        Assert.Equal(
            examples.Aggregate((one, other) => one.Intersect(other)).Order(),
            problem["required"]!.AsArray().Select(field => field!.GetValue<string>()).Order()
        );
        Assert.Equal(
            examples.SelectMany(one => one).Distinct().Order(),
            problem["properties"]!.AsObject().Select(field => field.Key).Order()
        );
    }

    private static JsonObject Content(OpenApiDocument document) => document.Operation(Post)["requestBody"]!["content"]!.AsObject();

    private static string BodyDescription(OpenApiDocument document) => DescriptionOf(document.Operation(Post)["requestBody"]!);

    private static string DescriptionOf(JsonNode node) => node["description"]!.GetValue<string>();

    private static JsonNode Field(OpenApiDocument document, string schema, string field) => document.Schema(schema)["properties"]![field]!;

    private static JsonNode[] PropertiesOf(OpenApiDocument document) =>
        [Field(document, "Event", "properties"), Field(document, "CloudEvent", "data")];

    private static void AssertTimeSays(OpenApiDocument document, string words)
    {
        foreach (var (schema, field) in new[] { ("Event", "timestamp"), ("CloudEvent", "time") })
            Assert.Contains(words, DescriptionOf(Field(document, schema, field)), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Words(string schema, string field) =>
        Field(Document, schema, field)["enum"]!.AsArray().Select(word => word!.GetValue<string>());

    private static IEnumerable<string> ProblemCodes() =>
        from operation in Document.Operations
        from answer in Document.Answers(operation)
        where answer.Type == OpenApiDocument.ProblemJson
        from example in answer.Media["examples"]!.AsObject()
        select example.Key;

    /// <summary>Every property name, and every enum value.</summary>
    private static IEnumerable<string> Said(JsonNode? node) =>
        node switch
        {
            JsonObject one => one.SelectMany(pair =>
                Said(pair.Value)
                    .Append(pair.Key)
                    .Concat(pair is { Key: "enum", Value: JsonArray words } ? words.Select(word => word!.ToString()) : [])
                    .Concat(pair is { Key: "name", Value: JsonValue name } ? [name.ToString()] : [])
            ),
            JsonArray several => several.SelectMany(Said),
            _ => [],
        };

    private static BodyForm FormOf(string type) =>
        type switch
        {
            IngestEndpoint.CloudEvent => BodyForm.CloudEvent,
            IngestEndpoint.CloudEventBatch => BodyForm.CloudEventBatch,
            IngestEndpoint.Ndjson => BodyForm.Ndjson,
            _ => BodyForm.Json,
        };

    /// <summary>A separate request whose keys are all new.</summary>
    private static Written Write(string body, string type)
    {
        var parsed = EventParser.Parse(Encoding.UTF8.GetBytes(body), Now, backfill: false, FormOf(type));
        var (events, rejected) = CorrectionResolution.Resolve(
            parsed.Events,
            new HashSet<string>(),
            new Dictionary<string, CorrectedEvent>(),
            new EventRules(Now, Backfill: false)
        );
        return new Written(
            events,
            [.. events.Select(_ => new Outcome(Verdict.Accepted, Guid.CreateVersion7(Now), Now))],
            [.. parsed.Rejected, .. rejected]
        );
    }

    private static IncomingEvent Event(int index) => new(index, $"k{index}", "t", "c", 0, OwnTimestamp: false, []);

    private static void AssertAnswerValid(IngestResponse answer) =>
        Document.AssertValid(
            Document.Schema("IngestResponse"),
            JsonSerializer.SerializeToNode(answer, IngestJson.Readable.IngestResponse),
            closed: true
        );

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex Word();
}
