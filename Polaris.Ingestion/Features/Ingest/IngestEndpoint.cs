using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
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

    public static async Task HandleAsync(HttpContext context, [FromServices] IngestParts parts, [FromServices] TenantScope tenant)
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
            Answer(context.Response, answer.Status(body.Count), answer);
        }
        catch (BodyException exception)
        {
            await context.WriteProblemAsync(RefusalMapping.Problem(exception.Status, exception.Code, exception.Message));
        }
        catch (OverLimitException exception)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(exception.RetryAfter.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
            await context.WriteProblemAsync(RefusalMapping.Problem(429, exception.Code, exception.Message + " Nothing was stored; send the same events again."));
        }
        catch (StorageUnavailableException exception)
        {
            await context.WriteProblemAsync(RefusalMapping.Problem(503, "storage_unavailable", exception.Message + " Nothing was acknowledged; send the same events again."));
        }
    }

    private static async Task<Written> WriteAsync(IngestParts parts, Guid org, ParsedBody body, bool atomic, bool backfill, CancellationToken ct)
    {
        if (body.Events.Count == 0) return new Written([], [], body.Rejected, Refused: atomic);
        if (atomic || body.HasCorrections) return await parts.Alone.WriteAsync(org, body, atomic, backfill, ct);
        return new Written(body.Events, await parts.Group.WriteAsync(org, body.Events), body.Rejected);
    }

    /// <summary>All of it at once, with its length: a single write to the socket.</summary>
    private static void Answer(HttpResponse response, int status, IngestResponse answer)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(answer, IngestJson.Readable.IngestResponse);
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = bytes.Length;
        response.BodyWriter.Write(bytes);
    }

    private static BodyForm FormOf(HttpRequest request)
    {
        if (request.ContentType == Json) return BodyForm.Json;
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
}
