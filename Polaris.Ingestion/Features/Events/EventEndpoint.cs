using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;
using NodaTime;
using NodaTime.Text;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Events;

/// <summary>Where an event has got to. <paramref name="Counting"/> sums it up, see docs/ingest.md.</summary>
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
    IReadOnlyList<CountedResponse> Counted);

internal sealed record CountedResponse(
    string Meter,
    [property: JsonPropertyName("bucket_start")] string BucketStart,
    [property: JsonPropertyName("invoice_lines")] IReadOnlyList<InvoiceLineResponse> InvoiceLines);

internal sealed record InvoiceLineResponse([property: JsonPropertyName("invoice_id")] string InvoiceId, string Number, string Status, string Charge);

/// <summary><c>GET /events/{idempotency_key}</c>: where is my event.</summary>
internal static class EventEndpoint
{
    public const string Prefix = "/events/";

    public static async Task<IResult> HandleAsync(HttpContext context, FindEvents events, LocateEvent billing, TenantScope tenant, CancellationToken ct)
    {
        if (await events.ByKeyAsync(KeyOf(context), ct) is not { } found) return Results.Problem(Refusal.NotFound("event").ToProblem());
        var counted = await billing.FindAsync(tenant.RequireOrg(), found, ct);
        using var properties = JsonDocument.Parse(found.Properties);
        return Results.Json(new EventResponse(
            found.IdempotencyKey, found.Type, found.Customer, Iso(found.Timestamp), properties.RootElement.Clone(), Iso(found.ReceivedAt), found.BatchId, found.Published,
            found.Corrects is { Replaces: false } voided ? voided.IdempotencyKey : null,
            found.Corrects is { Replaces: true } replaced ? replaced.IdempotencyKey : null,
            found.CorrectedBy, CountingOf(found, counted), Counted(counted)));
    }

    /// <summary>From the address as it was sent: routing leaves an escaped slash escaped, and keys may hold anything.</summary>
    private static string KeyOf(HttpContext context)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        var query = raw.IndexOf('?');
        if (query >= 0) raw = raw[..query];
        // A proxy may send the whole address instead of the path.
        return raw.StartsWith(Prefix, StringComparison.Ordinal) ? Uri.UnescapeDataString(raw[Prefix.Length..].ToString()) : context.Request.Path.Value![Prefix.Length..];
    }

    private static string CountingOf(FoundEvent found, CountedEvent? counted) =>
        found.Corrects is { Replaces: false } ? "void"
        : found.CorrectedBy is not null ? "corrected"
        : counted is null ? "unknown"
        : !counted.Applied ? "pending"
        : counted.In.Count > 0 ? "counted" : "unmetered";

    private static CountedResponse[] Counted(CountedEvent? counted) =>
    [
        .. (counted?.In ?? []).Select(one => new CountedResponse(
            one.Meter, Iso(Instant.FromDateTimeOffset(one.BucketStart.ToDateTimeOffset())),
            [.. one.Lines.Select(line => new InvoiceLineResponse(line.InvoiceId, line.Number, line.Status, line.Charge))])),
    ];

    private static string Iso(Instant at) => InstantPattern.ExtendedIso.Format(at);
}
