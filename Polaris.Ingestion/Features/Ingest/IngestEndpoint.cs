using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text.Json.Serialization;
using Polaris.Ingestion.Domain;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Ingest;

internal sealed record Receipt([property: JsonPropertyName("batch_id")] Guid BatchId, [property: JsonPropertyName("received_at")] DateTimeOffset ReceivedAt);

internal sealed record EventResult(
    int Index,
    [property: JsonPropertyName("idempotency_key")] string? IdempotencyKey,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Field = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Message = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Receipt? Receipt = null);

/// <summary>The answer to <c>POST /ingest</c>. <paramref name="Results"/> lists what was not accepted, or all with <c>?receipts=all</c>.</summary>
internal sealed record IngestResponse(int Accepted, int Duplicates, int Conflicts, int Rejected, IReadOnlyList<EventResult> Results);

/// <summary>
/// <c>POST /ingest</c>: one event, an array, or <c>{ "events": [...] }</c>. A good event is never lost to a bad neighbour. 2xx means that every
/// accepted event and its outbox record are committed.
/// </summary>
internal static class IngestEndpoint
{
    /// <summary>More than the limit is read and dropped up to here, so that the client gets to read why it was refused.</summary>
    private const int MaxDrainedBytes = 64 * 1024 * 1024;

    private static readonly Counter<long> Rejections = PolarisTelemetry.Meter.CreateCounter<long>("polaris.ingestion.rejections", "{event}", "Events refused, by code.");

    public static async Task<IResult> HandleAsync(HttpContext context, EventWriter writer, TenantScope tenant, TimeProvider time)
    {
        if (!context.Request.HasJsonContentType()) return Problem(415, "unsupported_media_type", "Send 'Content-Type: application/json'.");
        var all = context.Request.Query["receipts"] == "all";
        var (buffer, length) = await ReadBodyAsync(context);
        ParsedBody body;
        try
        {
            if (length < 0) return Problem(413, "request_too_large", $"A request has at most {Limits.MaxRequestBytes} bytes. Send the events in several.");
            body = EventParser.Parse(buffer.AsSpan(0, length), time.GetUtcNow(), context.User.HasClaim(PolarisClaims.Backfill, "true"));
        }
        catch (BodyException exception)
        {
            return Problem(exception.Status, exception.Code, exception.Message);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        try
        {
            var outcomes = body.Events.Count == 0 ? [] : await writer.WriteAsync(tenant.RequireOrg(), body.Events, context.RequestAborted);
            return Answer(body, outcomes, all);
        }
        catch (StorageUnavailableException exception)
        {
            context.Response.Headers.RetryAfter = "1";
            return Problem(503, "storage_unavailable", exception.Message + " Nothing was acknowledged; send the same events again.");
        }
    }

    private static IResult Answer(ParsedBody body, Outcome[] outcomes, bool all)
    {
        var results = new List<EventResult>();
        var counts = new int[3];
        for (var i = 0; i < outcomes.Length; i++)
        {
            var (one, outcome) = (body.Events[i], outcomes[i]);
            counts[(int)outcome.Verdict]++;
            if (outcome.Verdict == Verdict.Conflict)
                results.Add(new EventResult(one.Index, one.IdempotencyKey, "conflict", "conflict", "idempotency_key", "The key was used for an event with other content; that one stands.", new Receipt(outcome.BatchId, outcome.ReceivedAt)));
            else if (all || outcome.Verdict == Verdict.Duplicate)
                results.Add(new EventResult(one.Index, one.IdempotencyKey, outcome.Verdict == Verdict.Accepted ? "accepted" : "duplicate", Receipt: new Receipt(outcome.BatchId, outcome.ReceivedAt)));
        }

        foreach (var (index, key, why) in body.Rejected)
        {
            results.Add(new EventResult(index, key, "rejected", why.Code, why.Field, why.Message));
            Rejections.Add(1, new KeyValuePair<string, object?>("code", why.Code));
        }

        results.Sort((one, other) => one.Index.CompareTo(other.Index));
        var answer = new IngestResponse(counts[(int)Verdict.Accepted], counts[(int)Verdict.Duplicate], counts[(int)Verdict.Conflict], body.Rejected.Count, results);
        // A batch is answered as a whole; of a single event the status says it already.
        var status = body.Count > 1 ? 202 : answer.Rejected == 1 ? 422 : answer.Conflicts == 1 ? 409 : 202;
        return Results.Json(answer, statusCode: status);
    }

    /// <summary>The body in a pooled buffer, to be returned by the caller; a negative length when it is too large.</summary>
    private static async Task<(byte[] Buffer, int Length)> ReadBodyAsync(HttpContext context)
    {
        var announced = context.Request.ContentLength;
        var buffer = ArrayPool<byte>.Shared.Rent(announced is > 0 and <= Limits.MaxRequestBytes ? (int)announced.Value + 1 : 16 * 1024);
        var length = 0;
        try
        {
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer.AsMemory(length), context.RequestAborted)) > 0)
            {
                length += read;
                if (length > Limits.MaxRequestBytes)
                {
                    await DrainAsync(context, buffer, length);
                    return (buffer, -1);
                }

                if (length < buffer.Length) continue;
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.AsSpan(0, length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }

            return (buffer, length);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static async Task DrainAsync(HttpContext context, byte[] buffer, long drained)
    {
        int read;
        while (drained < MaxDrainedBytes && (read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0) drained += read;
    }

    private static IResult Problem(int status, string code, string detail) => Results.Problem(RefusalMapping.Problem(status, code, detail));
}
