using System.Diagnostics.Metrics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Ingestion.Features.Ingest;

internal sealed record Receipt([property: JsonPropertyName("batch_id")] Guid BatchId, [property: JsonPropertyName("received_at")] DateTimeOffset ReceivedAt);

internal sealed record EventResult(
    int Index,
    [property: JsonPropertyName("idempotency_key")] string? IdempotencyKey,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Field = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Message = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Receipt? Receipt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Late = false);

[JsonSerializable(typeof(IngestResponse))]
internal sealed partial class IngestJson : JsonSerializerContext
{
    /// <summary>As ASP.NET Core writes JSON itself: the answer is not part of a page, so a quotation mark may stay one.</summary>
    public static readonly IngestJson Readable = new(new JsonSerializerOptions(JsonSerializerDefaults.Web) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>
/// The answer to <c>POST /ingest</c>. <paramref name="Results"/> lists what was not accepted or is late, or all with <c>?receipts=all</c>.
/// <paramref name="Code"/> is there when an atomic request was refused.
/// </summary>
internal sealed record IngestResponse(
    int Accepted, int Duplicates, int Conflicts, int Rejected, int Late,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code,
    IReadOnlyList<EventResult> Results)
{
    public const string AtomicRefused = "atomic_refused";

    private static readonly Counter<long> Rejections = PolarisTelemetry.Meter.CreateCounter<long>("polaris.ingestion.rejections", "{event}", "Events refused, by code.");

    public static IngestResponse Of(Written written, IReadOnlySet<int> late, bool all)
    {
        var results = new List<EventResult>();
        var counts = new int[3];
        var lateOnes = 0;
        for (var i = 0; i < written.Outcomes.Count; i++)
        {
            var (one, outcome) = (written.Events[i], written.Outcomes[i]);
            // Of a refused request, a receipt exists only where the store held the key before.
            if (written.Refused && outcome.Verdict != Verdict.Conflict && outcome.BatchId == Guid.Empty)
            {
                results.Add(new EventResult(one.Index, one.IdempotencyKey, "not_stored"));
                continue;
            }

            counts[(int)outcome.Verdict]++;
            var isLate = outcome.Verdict == Verdict.Accepted && late.Contains(i);
            if (isLate) lateOnes++;
            if (all || isLate || outcome.Verdict != Verdict.Accepted) results.Add(ResultOf(one, outcome, written.Refused, isLate));
        }

        foreach (var (index, key, why) in written.Rejected)
        {
            results.Add(new EventResult(index, key, "rejected", why.Code, why.Field, why.Message));
            Rejections.Add(1, new KeyValuePair<string, object?>("code", why.Code));
        }

        results.Sort((one, other) => one.Index.CompareTo(other.Index));
        return new IngestResponse(
            counts[(int)Verdict.Accepted], counts[(int)Verdict.Duplicate], counts[(int)Verdict.Conflict], written.Rejected.Count, lateOnes,
            written.Refused ? AtomicRefused : null, results);
    }

    /// <summary>A batch is answered as a whole; of a single event the status says what became of it.</summary>
    public int Status(int events) => Code is not null ? 422 : events > 1 ? 202 : Rejected == 1 ? 422 : Conflicts == 1 ? 409 : 202;

    private static EventResult ResultOf(IncomingEvent one, Outcome outcome, bool refused, bool late)
    {
        var receipt = refused && outcome.BatchId == Guid.Empty ? null : new Receipt(outcome.BatchId, outcome.ReceivedAt);
        return outcome.Verdict switch
        {
            Verdict.Conflict => new EventResult(one.Index, one.IdempotencyKey, "conflict", "conflict", "idempotency_key", "The key was used for an event with other content; that one stands.", receipt),
            Verdict.Accepted => new EventResult(one.Index, one.IdempotencyKey, "accepted", Receipt: receipt, Late: late),
            _ => new EventResult(one.Index, one.IdempotencyKey, "duplicate", Receipt: receipt),
        };
    }
}
