using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Late;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>What stores a request's events, and what is asked before and after.</summary>
internal sealed record IngestParts(Admission Admission, EventWriter Group, RequestWriter Alone, InvoicedPeriods Invoiced, TimeProvider Time);

/// <summary>
/// <c>POST /ingest</c>: events in any of the body's forms. A good event is never lost to a bad neighbour, unless the client asks for all or
/// nothing. 2xx means that every accepted event and its outbox record are committed.
/// </summary>
internal static class IngestEndpoint
{
    public const string Json = "application/json";
    public const string Ndjson = "application/x-ndjson";
    public const string CloudEvent = "application/cloudevents+json";
    public const string CloudEventBatch = "application/cloudevents-batch+json";

    public static async Task<IResult> HandleAsync(HttpContext context, IngestParts parts, TenantScope tenant)
    {
        try
        {
            var (query, form) = (context.Request.Query, FormOf(context.Request));
            var (all, atomic) = (Flag("receipts", query["receipts"], "all"), Flag("atomic", query["atomic"], "true", "false"));
            using var room = parts.Admission.Enter(context.Request.Headers.ContentEncoding.Count == 0 ? context.Request.ContentLength : null);
            var backfill = context.User.HasClaim(PolarisClaims.Backfill, "true");
            ParsedBody body;
            using (var bytes = await RequestBody.ReadAsync(context)) body = EventParser.Parse(bytes.Bytes, parts.Time.GetUtcNow(), backfill, form);
            var org = tenant.RequireOrg();
            room.Admit(org, body.Count);
            var written = await WriteAsync(parts, org, body, atomic, backfill, context.RequestAborted);
            var late = written.Refused ? new HashSet<int>() : await parts.Invoiced.LateAsync(org, written.Events, context.RequestAborted);
            var answer = IngestResponse.Of(written, late, all);
            return Results.Json(answer, statusCode: answer.Status(body.Count));
        }
        catch (BodyException exception)
        {
            return Problem(exception.Status, exception.Code, exception.Message);
        }
        catch (OverLimitException exception)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(exception.RetryAfter.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return Problem(429, exception.Code, exception.Message + " Nothing was stored; send the same events again.");
        }
        catch (StorageUnavailableException exception)
        {
            context.Response.Headers.RetryAfter = "1";
            return Problem(503, "storage_unavailable", exception.Message + " Nothing was acknowledged; send the same events again.");
        }
    }

    private static async Task<Written> WriteAsync(IngestParts parts, Guid org, ParsedBody body, bool atomic, bool backfill, CancellationToken ct)
    {
        if (body.Events.Count == 0) return new Written([], [], body.Rejected, Refused: atomic);
        if (atomic || body.HasCorrections) return await parts.Alone.WriteAsync(org, body, atomic, backfill, ct);
        return new Written(body.Events, await parts.Group.WriteAsync(org, body.Events, ct), body.Rejected);
    }

    private static BodyForm FormOf(HttpRequest request)
    {
        if (Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            if (type.MediaType.Equals(CloudEvent, StringComparison.OrdinalIgnoreCase)) return BodyForm.CloudEvent;
            if (type.MediaType.Equals(CloudEventBatch, StringComparison.OrdinalIgnoreCase)) return BodyForm.CloudEventBatch;
            if (type.MediaType.Equals(Ndjson, StringComparison.OrdinalIgnoreCase)) return BodyForm.Ndjson;
            if (request.HasJsonContentType()) return BodyForm.Json;
        }

        throw new BodyException(415, "unsupported_media_type", $"Send 'Content-Type: {Json}', {Ndjson}, {CloudEvent} or {CloudEventBatch}.");
    }

    /// <summary>Whether a parameter has its first value; any but those listed is refused.</summary>
    private static bool Flag(string name, StringValues value, params ReadOnlySpan<string> values)
    {
        if (value.Count == 0) return false;
        var given = value.ToString();
        foreach (var one in values)
        {
            if (given == one) return given == values[0];
        }

        throw new BodyException(400, "invalid_parameter", $"'{name}' is {string.Join(" or ", values.ToArray())}, or absent, not '{EventParser.Shorten(given)}'.");
    }

    private static ProblemHttpResult Problem(int status, string code, string detail) => TypedResults.Problem(RefusalMapping.Problem(status, code, detail));
}
