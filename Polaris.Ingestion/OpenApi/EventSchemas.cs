using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Ingest;

namespace Polaris.Ingestion.OpenApi;

/// <summary>What an event looks like on its way in. The parser reads it by hand, so there is no type to take it from; limits are the parser's own.</summary>
internal static class EventSchemas
{
    public const string Event = "Event";
    public const string CloudEvent = "CloudEvent";
    public const string Problem = "Problem";

    public static void AddTo(OpenApiDocument document)
    {
        // What Refine took the place of, and what it comes too early for: the framework lets a record be null after it.
        document.Components!.Schemas!.Remove("JsonElement");
        document.Components.Schemas[nameof(EventResult)].Properties!["receipt"] = new OpenApiSchemaReference(nameof(Receipt), document);
        document.AddComponent<IOpenApiSchema>(Event, Object(
            "One usage fact, of at most 16 KiB of JSON. `type` is required unless it corrects another event.", ["idempotency_key"],
            ("idempotency_key", Text("Unique in the org for ever: the same key with the same content is a duplicate, with other content a conflict.")),
            ("type", Text("Meters choose events by it.")),
            ("customer", Text($"Your own key of the customer; `{Limits.SelfCustomer}` without one.")),
            ("timestamp", Time($"When it happened: at most {Limits.MaxAge.Days} days back (any age after 1970 for a key that may backfill) and {Limits.MaxAhead.Minutes} minutes ahead; now without one.")),
            ("properties", Properties()),
            ("voids", Text("The key of an earlier event that shall count no more; such an event has no properties.")),
            ("replaces", Text("The key of an earlier event in whose place this one counts; `type`, `customer` and `timestamp` are that one's unless given."))));
        document.AddComponent<IOpenApiSchema>(CloudEvent, Object(
            "A CloudEvent 1.0, structured mode. Its idempotency key is source, a space, id. Attributes not named here are ignored.", ["specversion", "id", "source", "type"],
            ("specversion", new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["1.0"] }),
            ("id", Text("Unique within its source.")),
            ("source", Text("With `id` at most 255 characters.")),
            ("type", Text("Meters choose events by it.")),
            ("subject", Text($"The customer; `{Limits.SelfCustomer}` without one.")),
            ("time", Time("When it happened; now without one.")),
            ("datacontenttype", Text("JSON, or absent.")),
            ("data", Properties()),
            ("voids", Text("An extension: the whole key, source and id, of an earlier event that shall count no more.")),
            ("replaces", Text("An extension: the whole key, source and id, of an earlier event in whose place this one counts."))));
        document.AddComponent<IOpenApiSchema>(Problem, Object(
            "RFC 9457.", ["type", "title", "status", "detail", "code"],
            ("type", new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri" }),
            ("title", new OpenApiSchema { Type = JsonSchemaType.String }),
            ("status", new OpenApiSchema { Type = JsonSchemaType.Integer }),
            ("detail", new OpenApiSchema { Type = JsonSchemaType.String, Description = "For a person." }),
            ("code", new OpenApiSchema { Type = JsonSchemaType.String, Description = "For a program; it does not change." })));
    }

    /// <summary>What the types of the answers do not say of themselves: which fields may be absent (none is ever null in their place), and which words they hold.</summary>
    public static Task Refine(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken ct)
    {
        // Numbers are read from strings too, by a default of the framework's; they are never written so.
        if (schema.Type is { } type && type.HasFlag(JsonSchemaType.Integer)) (schema.Type, schema.Pattern) = (JsonSchemaType.Integer, null);
        if (context.JsonPropertyInfo is not null || schema.Properties is null) return Task.CompletedTask;
        foreach (var property in context.JsonTypeInfo.Properties)
        {
            if (property.AttributeProvider!.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: false).Length == 0) continue;
            schema.Required?.Remove(property.Name);
            if (schema.Properties[property.Name] is OpenApiSchema own) own.Type &= ~JsonSchemaType.Null;
        }

        if (context.JsonTypeInfo.Type == typeof(EventResult)) Words(schema, "status", "accepted", "duplicate", "conflict", "rejected", "not_stored");
        if (context.JsonTypeInfo.Type == typeof(IngestResponse)) Words(schema, "code", IngestResponse.AtomicRefused);
        if (context.JsonTypeInfo.Type == typeof(CountedResponse)) schema.Properties["bucket_start"] = Time("A quarter of an hour begins then.");
        if (context.JsonTypeInfo.Type != typeof(EventResponse)) return Task.CompletedTask;
        Words(schema, "counting", "counted", "unmetered", "pending", "corrected", "void", "unknown");
        schema.Properties["timestamp"] = Time("When it happened.");
        schema.Properties["received_at"] = Time("When it was stored.");
        schema.Properties["properties"] = Properties();
        return Task.CompletedTask;
    }

    private static void Words(OpenApiSchema schema, string property, params string[] words) =>
        ((OpenApiSchema)schema.Properties![property]).Enum = [.. words.Select(word => (JsonNode)word)];

    private static OpenApiSchema Object(string description, string[] required, params (string Name, OpenApiSchema Schema)[] properties) => new()
    {
        Type = JsonSchemaType.Object,
        Description = description,
        Required = required.ToHashSet(),
        Properties = properties.ToDictionary(one => one.Name, IOpenApiSchema (one) => one.Schema),
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, MinLength = 1, MaxLength = Limits.MaxTextLength, Description = description };

    private static OpenApiSchema Time(string description) => new() { Type = JsonSchemaType.String, Format = "date-time", Description = description };

    private static OpenApiSchema Properties() => new()
    {
        Type = JsonSchemaType.Object,
        MaxProperties = Limits.MaxProperties,
        AdditionalProperties = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Number | JsonSchemaType.Boolean },
        Description = string.Create(CultureInfo.InvariantCulture,
            $"What meters measure. Numbers are below 10^15 in magnitude and have at most {Limits.MaxDecimalPlaces} decimal places; they may be sent as strings and stay exact."),
    };
}
