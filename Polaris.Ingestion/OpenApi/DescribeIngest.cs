using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Ingest;

namespace Polaris.Ingestion.OpenApi;

/// <summary><c>POST /ingest</c> in the document. Keys of the examples differ, so that all of them can be sent to one org in the document's order.</summary>
internal static class DescribeIngest
{
    private const string AsKept = "send the same events again.";

    private const string Lines = """
        {"idempotency_key":"line-1","type":"api.call","customer":"acme","properties":{"tokens":7}}
        {"idempotency_key":"line-2","type":"api.call","customer":"globex","properties":{"tokens":12}}

        """;

    public static Task Fill(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken ct)
    {
        var document = context.Document!;
        operation.OperationId = "ingest";
        operation.Summary = "Send usage events";
        operation.Description = "Scope `ingest`. A good event is never lost to a bad neighbour, unless `atomic` asks for all or nothing. Accepted means committed: the event and its outbox record are on disk. "
            + "Sending the same events again is always safe.";
        operation.Parameters =
        [
            Parameter("receipts", ParameterLocation.Query, "`all` lists every event in `results`, not only those that were not accepted or are late.", "all"),
            Parameter("atomic", ParameterLocation.Query, "All or nothing: when an event is rejected or conflicts, nothing of the request is stored.", "true", "false"),
            Parameter("Content-Encoding", ParameterLocation.Header, "The body may be compressed.", "gzip", "identity"),
        ];
        operation.RequestBody = Body(document);
        Answers(operation);
        Refusals(operation, document);
        return Task.CompletedTask;
    }

    private static OpenApiParameter Parameter(string name, ParameterLocation where, string description, params string[] values) => new()
    {
        Name = name,
        In = where,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Enum = [.. values.Select(value => (JsonNode)value)] },
    };

    private static OpenApiRequestBody Body(OpenApiDocument document)
    {
        var (one, cloud) = (new OpenApiSchemaReference(EventSchemas.Event, document), new OpenApiSchemaReference(EventSchemas.CloudEvent, document));
        var envelope = new OpenApiSchema { Type = JsonSchemaType.Object, Required = new HashSet<string> { "events" }, Properties = new Dictionary<string, IOpenApiSchema> { ["events"] = Several(one) } };
        return new OpenApiRequestBody
        {
            Required = true,
            Description = $"At most {Limits.MaxEvents} events and 5 MiB (of a compressed body: uncompressed).",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [IngestEndpoint.Json] = Media(new OpenApiSchema { OneOf = [one, Several(one), envelope] }, Describing.Examples(
                    ("one", "One event", """{"idempotency_key":"call-1","type":"api.call","customer":"acme","properties":{"tokens":42,"region":"eu"}}"""),
                    ("array", "Several events", """[{"idempotency_key":"call-2","type":"api.call","customer":"acme","properties":{"tokens":7}},{"idempotency_key":"call-3","type":"api.call","customer":"globex","properties":{"amount":"12.50"}}]"""),
                    ("envelope", "Several events in an object", """{"events":[{"idempotency_key":"call-4","type":"api.call","customer":"acme"}]}"""),
                    ("void", "An event counts no more", """{"idempotency_key":"fix-1","voids":"call-2"}"""),
                    ("replacement", "Another one counts in its place", """{"idempotency_key":"fix-2","replaces":"call-3","properties":{"amount":"11"}}"""))),
                [IngestEndpoint.Ndjson] = Media(
                    new OpenApiSchema { Type = JsonSchemaType.String, Description = "An event a line. A line that is not JSON is rejected alone." },
                    new Dictionary<string, IOpenApiExample> { ["lines"] = Describing.Example("Two lines", Lines.ReplaceLineEndings("\n")) }),
                [IngestEndpoint.CloudEvent] = Media(cloud, Describing.Examples(
                    ("one", "One CloudEvent", """{"specversion":"1.0","id":"1","source":"/checkout","type":"api.call","subject":"acme","data":{"tokens":42}}"""))),
                [IngestEndpoint.CloudEventBatch] = Media(Several(cloud), Describing.Examples(
                    ("several", "Several CloudEvents", """[{"specversion":"1.0","id":"2","source":"/checkout","type":"api.call","subject":"acme","data":{"tokens":1}},{"specversion":"1.0","id":"3","source":"/checkout","type":"api.call","voids":"/checkout 1"}]"""))),
            },
        };
    }

    private static OpenApiSchema Several(IOpenApiSchema one) => new() { Type = JsonSchemaType.Array, Items = one, MinItems = 1, MaxItems = Limits.MaxEvents };

    private static OpenApiMediaType Media(IOpenApiSchema schema, Dictionary<string, IOpenApiExample> examples) => new() { Schema = schema, Examples = examples };

    private static void Answers(OpenApiOperation operation)
    {
        operation.Answer(202, "The request held several events, or its one was accepted or is a duplicate. `results` lists what was not accepted or is late.",
            ("accepted", "All accepted", """{"accepted":2,"duplicates":0,"conflicts":0,"rejected":0,"late":0,"results":[]}"""),
            ("partial", "One was sent before, one is wrong, one is late", """
                {"accepted":1,"duplicates":1,"conflicts":0,"rejected":1,"late":1,"results":[
                  {"index":0,"idempotency_key":"call-1","status":"duplicate","receipt":{"batch_id":"01a20df4-786c-74dc-a1a0-6cc72df3115b","received_at":"2026-11-24T14:27:35.148691+00:00"}},
                  {"index":1,"idempotency_key":"call-5","status":"rejected","code":"wrong_type","field":"type","message":"'type' is a string."},
                  {"index":2,"idempotency_key":"call-6","status":"accepted","receipt":{"batch_id":"01a20e01-2b13-7c55-9d1e-0d4f2c7ab901","received_at":"2026-11-24T14:41:27.571204+00:00"},"late":true}]}
                """));
        operation.Answer(409, "The one event's key was used with other content; the first one stands.", ("conflict", "Conflict", """
            {"accepted":0,"duplicates":0,"conflicts":1,"rejected":0,"late":0,"results":[
              {"index":0,"idempotency_key":"call-1","status":"conflict","code":"conflict","field":"idempotency_key","message":"The key was used for an event with other content; that one stands.",
               "receipt":{"batch_id":"01a20df4-786c-74dc-a1a0-6cc72df3115b","received_at":"2026-11-24T14:27:35.148691+00:00"}}]}
            """));
        operation.Answer(422, "The one event was rejected, or an atomic request was refused. Also a problem: `no_events`, `too_many_events`.",
            ("rejected", "The one event is wrong", """
                {"accepted":0,"duplicates":0,"conflicts":0,"rejected":1,"late":0,"results":[
                  {"index":0,"idempotency_key":"call-5","status":"rejected","code":"wrong_type","field":"type","message":"'type' is a string."}]}
                """),
            ("atomic_refused", "Nothing of an atomic request was stored", """
                {"accepted":0,"duplicates":0,"conflicts":0,"rejected":1,"late":0,"code":"atomic_refused","results":[
                  {"index":0,"idempotency_key":"call-7","status":"not_stored"},
                  {"index":1,"idempotency_key":"fix-3","status":"rejected","code":"unknown_event","field":"voids","message":"There is no event with the key 'call-0'."}]}
                """));
    }

    private static void Refusals(OpenApiOperation operation, OpenApiDocument document)
    {
        var wrong = (OpenApiResponse)operation.Responses!["422"];
        operation.Refusal(document, 422, wrong.Description!, retryAfter: false,
            ("no_events", "The request holds no events."), ("too_many_events", $"A request holds at most {Limits.MaxEvents} events. Send the rest in another."));
        foreach (var (type, media) in wrong.Content!) ((OpenApiResponse)operation.Responses["422"]).Content![type] = media;
        operation.Refusal(document, 400, "The body cannot be read, or a parameter has a value that it cannot have.", retryAfter: false,
            ("malformed_json", "The body is not JSON: line 1, byte 17."), ("malformed_gzip", "The body is not gzip, or ends too early."),
            ("invalid_parameter", "'atomic' is true or false, or absent, not 'yes'."));
        operation.Refusal(document, 401, "Nobody known sends this.", retryAfter: false, Describing.Unauthenticated);
        operation.Refusal(document, 403, "The token lacks the scope `ingest`.", retryAfter: false, Describing.MissingScope);
        operation.Refusal(document, 413, "The body is too large.", retryAfter: false,
            ("request_too_large", $"A request has at most {Limits.MaxRequestBytes} bytes (of a compressed one: uncompressed). Send the events in several."));
        operation.Refusal(document, 415, "The body is in another form.", retryAfter: false,
            ("unsupported_media_type", $"Send 'Content-Type: {IngestEndpoint.Json}', {IngestEndpoint.Ndjson}, {IngestEndpoint.CloudEvent} or {IngestEndpoint.CloudEventBatch}."),
            ("unsupported_encoding", "'Content-Encoding' is gzip or absent."));
        operation.Refusal(document, 429, "The org sends more than it may. Nothing was stored; " + AsKept, retryAfter: true,
            ("rate_limited", "An organization sends at most 200000 events a second. Nothing was stored; " + AsKept),
            ("too_many_queued", "At most 100000 events of an organization wait to be stored at once. Nothing was stored; " + AsKept));
        operation.Refusal(document, 503, "Something behind it is away for a while. Nothing was acknowledged; " + AsKept, retryAfter: true,
            ("storage_unavailable", "Events cannot be stored at the moment. Nothing was acknowledged; " + AsKept), Describing.IdentityUnavailable, Describing.ServiceUnavailable);
    }
}
