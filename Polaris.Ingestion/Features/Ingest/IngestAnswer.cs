using System.Diagnostics.Metrics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Ingestion.Features.Ingest;

internal sealed record Receipt(
    [property: JsonPropertyName("batch_id")] Guid BatchId,
    [property: JsonPropertyName("received_at")] DateTimeOffset ReceivedAt
);

internal sealed record EventResult(
    int Index,
    [property: JsonPropertyName("idempotency_key")] string? IdempotencyKey,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Field = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Message = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Receipt? Receipt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Late = false
);

[JsonSerializable(typeof(IngestResponse))]
internal sealed partial class IngestJson : JsonSerializerContext
{
    /// <summary>
    /// ASP.NET Core's own JSON escaping: the response is never embedded in HTML, so quotation marks are not escaped as \u0022.
    /// </summary>
    public static readonly IngestJson Readable = new(
        new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }
    );
}

/// <summary>
/// The response to <c>POST /ingest</c>. <paramref name="Results"/> lists the events that were not accepted or are late, or all of them with
/// <c>?receipts=all</c>. <paramref name="Code"/> is set when an atomic request was refused.
/// </summary>
internal sealed record IngestResponse(
    int Accepted,
    int Duplicates,
    int Conflicts,
    int Rejected,
    int Late,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code,
    IReadOnlyList<EventResult> Results
)
{
    public const string AtomicRefused = "atomic_refused";

    private static readonly Counter<long> Rejections = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.ingestion.rejections",
        "{event}",
        "Events refused, by code."
    );

    public static IngestResponse Of(Written written, IReadOnlySet<int> late, bool all)
    {
        var results = new List<EventResult>();
        var counts = new int[3];
        var lateOnes = 0;
        for (var i = 0; i < written.Outcomes.Count; i++)
        {
            var (incoming, outcome) = (written.Events[i], written.Outcomes[i]);
            // In a refused request, only duplicates have a receipt.
            if (written.Refused && outcome.Verdict != Verdict.Conflict && outcome.BatchId == Guid.Empty)
            {
                results.Add(new EventResult(incoming.Index, incoming.IdempotencyKey, "not_stored"));
                continue;
            }

            counts[(int)outcome.Verdict]++;
            var isLate = outcome.Verdict == Verdict.Accepted && late.Contains(i);
            if (isLate)
                lateOnes++;
            if (all || isLate || outcome.Verdict != Verdict.Accepted)
                results.Add(ResultOf(incoming, outcome, written.Refused, isLate));
        }

        foreach (var (index, key, why) in written.Rejected)
        {
            results.Add(new EventResult(index, key, "rejected", why.Code, why.Field, why.Message));
            Rejections.Add(1, new KeyValuePair<string, object?>("code", why.Code));
        }

        results.Sort((left, right) => left.Index.CompareTo(right.Index));
        return new IngestResponse(
            counts[(int)Verdict.Accepted],
            counts[(int)Verdict.Duplicate],
            counts[(int)Verdict.Conflict],
            written.Rejected.Count,
            lateOnes,
            written.Refused ? AtomicRefused : null,
            results
        );
    }

    /// <summary>A batch is always 202; for a single event the status tells its outcome.</summary>
    public int Status(int events) =>
        Code is not null ? 422
        : events > 1 ? 202
        : Rejected == 1 ? 422
        : Conflicts == 1 ? 409
        : 202;

    private static EventResult ResultOf(IncomingEvent incoming, Outcome outcome, bool refused, bool late)
    {
        var receipt = refused && outcome.BatchId == Guid.Empty ? null : new Receipt(outcome.BatchId, outcome.ReceivedAt);
        return outcome.Verdict switch
        {
            Verdict.Conflict => new EventResult(
                incoming.Index,
                incoming.IdempotencyKey,
                "conflict",
                "conflict",
                "idempotency_key",
                "The key was already used for an event with different content, which is kept.",
                receipt
            ),
            Verdict.Accepted => new EventResult(incoming.Index, incoming.IdempotencyKey, "accepted", Receipt: receipt, Late: late),
            _ => new EventResult(incoming.Index, incoming.IdempotencyKey, "duplicate", Receipt: receipt),
        };
    }
}
