using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using NodaTime;
using NodaTime.Text;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Events;

/// <summary>A stored event and its processing state. <paramref name="Counting"/> summarizes the state, see docs/ingest.md.</summary>
internal sealed record EventResponse(
    [property: JsonPropertyName("idempotency_key")] string IdempotencyKey,
    string Type,
    string Customer,
    string Timestamp,
    JsonElement Properties,
    [property: JsonPropertyName("received_at")] string ReceivedAt,
    [property: JsonPropertyName("batch_id")] Guid BatchId,
    bool Published,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Voids,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Replaces,
    [property: JsonPropertyName("corrected_by"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? CorrectedBy,
    string Counting,
    IReadOnlyList<CountedResponse> Counted
);

internal sealed record CountedResponse(
    string Meter,
    [property: JsonPropertyName("bucket_start")] string BucketStart,
    [property: JsonPropertyName("invoice_lines")] IReadOnlyList<InvoiceLineResponse> InvoiceLines
);

internal sealed record InvoiceLineResponse(
    [property: JsonPropertyName("invoice_id")] string InvoiceId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Number,
    string Status,
    string Charge
);

/// <summary><c>GET /events/{idempotency_key}</c>: looks an event up.</summary>
internal static class EventEndpoint
{
    private const string Prefix = "/events/";

    public static void MapEvents(this IEndpointRouteBuilder app) =>
        app.MapGet(Prefix + "{**idempotencyKey}", HandleAsync).RequireAuthorization(Scopes.Read);

    private static async Task<IResult> HandleAsync(
        HttpContext context,
        [FromServices] FindEvents events,
        [FromServices] LocateEvent billing,
        [FromServices] TenantScope tenant,
        CancellationToken ct
    )
    {
        if (await events.ByKeyAsync(KeyOf(context), ct) is not { } found)
            return Results.Json(Refusal.NotFound("event").ToProblem(), contentType: "application/problem+json", statusCode: 404);
        var counted = await billing.FindAsync(tenant.RequireOrg(), found, ct);
        using var properties = JsonDocument.Parse(found.Properties);
        return Results.Json(
            new EventResponse(
                found.IdempotencyKey,
                found.Type,
                found.Customer,
                Iso(found.Timestamp),
                properties.RootElement.Clone(),
                Iso(found.ReceivedAt),
                found.BatchId,
                found.Published,
                found.Corrects is { Replaces: false } voided ? voided.IdempotencyKey : null,
                found.Corrects is { Replaces: true } replaced ? replaced.IdempotencyKey : null,
                found.CorrectedBy,
                CountingOf(found, counted),
                Counted(counted)
            )
        );
    }

    /// <summary>The key from the raw request target: routing does not unescape a slash, and a key may contain any character.</summary>
    private static string KeyOf(HttpContext context)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var query = raw.IndexOf('?');
        if (query >= 0)
            raw = raw[..query];
        // A proxy may send the absolute URL instead of the path.
        return raw.StartsWith(Prefix, StringComparison.Ordinal)
            ? Uri.UnescapeDataString(raw[Prefix.Length..].ToString())
            : context.Request.Path.Value![Prefix.Length..];
    }

    internal static string CountingOf(FoundEvent found, CountedEvent? counted) =>
        found.Corrects is { Replaces: false } ? "void"
        : found.CorrectedBy is not null ? "corrected"
        : counted is null ? "unknown"
        : !counted.Applied ? "pending"
        : counted.In.Count > 0 ? "counted"
        : "unmetered";

    private static CountedResponse[] Counted(CountedEvent? counted) =>
        [
            .. (counted?.In ?? []).Select(usage => new CountedResponse(
                usage.Meter,
                Iso(Instant.FromDateTimeOffset(usage.BucketStart.ToDateTimeOffset())),
                [
                    .. usage.Lines.Select(line => new InvoiceLineResponse(
                        line.InvoiceId,
                        line.Number.Length > 0 ? line.Number : null,
                        line.Status,
                        line.Charge
                    )),
                ]
            )),
        ];

    private static string Iso(Instant at) => InstantPattern.ExtendedIso.Format(at);
}
