using System.Text.Json;
using System.Text.Json.Serialization;

namespace Polaris.Client;

/// <summary>One usage fact. What is left out is filled in when it is taken, so that sending it again sends the same.</summary>
public sealed record UsageEvent
{
    /// <summary>Unique in the organization for ever. A random UUID by default; give your own to count once over restarts too.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Meters select events by it; 1 to 255 characters. Needed unless the event corrects another.</summary>
    public string? Type { get; init; }

    /// <summary>Your own key of the customer; <c>_self</c>, your organization itself, by default.</summary>
    public string? Customer { get; init; }

    /// <summary>Now by default.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>What meters measure, at most 64: strings, numbers and booleans. A decimal stays exact.</summary>
    public IReadOnlyDictionary<string, object>? Properties { get; init; }

    /// <summary>The key of an earlier event that is no longer to be counted.</summary>
    public string? Voids { get; init; }

    /// <summary>The key of an earlier event in whose place this one is counted.</summary>
    public string? Replaces { get; init; }
}

/// <summary>What Polaris holds of an event: it is stored, and will be counted.</summary>
/// <param name="IdempotencyKey">The event's key.</param>
/// <param name="Duplicate">It was stored before, and counts once.</param>
public sealed record Receipt(string IdempotencyKey, bool Duplicate);

internal sealed record WireEvent(
    string IdempotencyKey,
    string? Type,
    string? Customer,
    DateTimeOffset? Timestamp,
    IReadOnlyDictionary<string, object>? Properties,
    string? Voids,
    string? Replaces
);

internal sealed record WireResponse(IReadOnlyList<WireResult>? Results, string? Code, string? Title, string? Detail);

internal sealed record WireResult(int Index, string? IdempotencyKey, string Status, string? Code, string? Field, string? Message);

internal static class Wire
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };
}
