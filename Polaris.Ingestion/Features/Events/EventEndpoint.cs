using System.Text.Json;
using System.Text.Json.Serialization;
using NodaTime.Text;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Ingestion.Features.Events;

internal sealed record EventResponse(
    [property: JsonPropertyName("idempotency_key")] string IdempotencyKey,
    string Type,
    string Customer,
    string Timestamp,
    JsonElement Properties,
    [property: JsonPropertyName("received_at")] string ReceivedAt,
    [property: JsonPropertyName("batch_id")] Guid BatchId,
    bool Published);

/// <summary><c>GET /events/{idempotency_key}</c>: where is my event.</summary>
internal static class EventEndpoint
{
    public static async Task<IResult> HandleAsync(string idempotencyKey, FindEvents events, CancellationToken ct)
    {
        if (await events.ByKeyAsync(idempotencyKey, ct) is not { } found) return Results.Problem(Refusal.NotFound("event").ToProblem());
        using var properties = JsonDocument.Parse(found.Properties);
        return Results.Json(new EventResponse(
            found.IdempotencyKey, found.Type, found.Customer, InstantPattern.ExtendedIso.Format(found.Timestamp), properties.RootElement.Clone(),
            InstantPattern.ExtendedIso.Format(found.ReceivedAt), found.BatchId, found.Published));
    }
}
