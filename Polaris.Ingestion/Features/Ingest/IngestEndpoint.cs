using System.Buffers;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Polaris.Ingestion.Domain;
using Polaris.Ingestion.Features.Clock;
using Polaris.Ingestion.Features.Late;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.RateLimiting;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Ingestion.Features.Ingest;

/// <summary>Stores a request's events, with the checks before and after.</summary>
internal sealed record IngestParts(
    IngestLimiter Limiter,
    EventWriter Group,
    RequestWriter Alone,
    InvoicedPeriods Invoiced,
    OrgTimes Times,
    IOptions<IngestionOptions> Options
);

/// <summary>
/// <c>POST /ingest</c>: events in any of the body formats. A bad event does not affect the others, unless the request is atomic. 2xx means
/// that every accepted event and its outbox record are committed.
/// </summary>
internal static class IngestEndpoint
{
    public const string Json = "application/json";
    public const string Ndjson = "application/x-ndjson";
    public const string CloudEvent = "application/cloudevents+json";
    public const string CloudEventBatch = "application/cloudevents-batch+json";

    public static void MapIngest(this IEndpointRouteBuilder app) =>
        // Kestrel's own limit would close the connection; the endpoint answers with problem details instead.
        app.MapPost("/ingest", HandleAsync).RequireAuthorization(Scopes.Ingest).WithMetadata(new DisableRequestSizeLimitAttribute());

    private static async Task HandleAsync(HttpContext context, [FromServices] IngestParts parts, [FromServices] TenantScope tenant)
    {
        IngestLimiter.Reservation? reservation = null;
        try
        {
            var (query, form) = (context.Request.Query, FormOf(context.Request));
            var (all, atomic) = (Flag("receipts", query["receipts"], "all"), Flag("atomic", query["atomic"], "true", "false"));
            var org = tenant.RequireOrg();
            reservation = parts.Limiter.Enter(org, CallerOf(context.User));
            var rules = parts.Times.RulesOf(org, backfill: context.User.HasClaim(PolarisClaims.Backfill, "true"));
            ParsedBody body;
            using (var bytes = await RequestBody.ReadAsync(context, reservation, parts.Options.Value.BodyTimeout))
                body = EventParser.Parse(bytes.Bytes, rules, form);
            reservation.AddEvents(body.Count);
            var written = await WriteAsync(parts, org, body, atomic, rules, context.RequestAborted);
            var late = written.Refused ? new HashSet<int>() : await parts.Invoiced.LateAsync(org, written.Events, context.RequestAborted);
            var answer = IngestResponse.Of(written, late, all);
            reservation.Rate?.WriteTo(context.Response, RateBudgets.Events);
            Answer(context.Response, answer.Status(body.Count), answer);
        }
        catch (BodyException exception)
        {
            await context.WriteProblemAsync(RefusalMapping.Problem(exception.Status, exception.Code, exception.Message));
        }
        catch (OverLimitException exception)
        {
            reservation?.Rate?.WriteTo(context.Response, RateBudgets.Events);
            context.Response.Headers.RetryAfter = RateLimitingExtensions.RetryAfterSeconds(exception.RetryAfter);
            await context.WriteProblemAsync(
                RefusalMapping.Problem(429, exception.Code, exception.Message + " Nothing was stored; send the same events again.")
            );
        }
        catch (StorageUnavailableException exception)
        {
            await context.WriteProblemAsync(
                RefusalMapping.Problem(
                    503,
                    "storage_unavailable",
                    exception.Message + " Nothing was acknowledged; send the same events again."
                )
            );
        }
        finally
        {
            reservation?.Dispose();
        }
    }

    private static async Task<Written> WriteAsync(
        IngestParts parts,
        Guid org,
        ParsedBody body,
        bool atomic,
        EventRules rules,
        CancellationToken ct
    )
    {
        if (body.Events.Count == 0)
            return new Written([], [], body.Rejected, Refused: atomic);
        if (atomic || body.HasCorrections)
            return await parts.Alone.WriteAsync(org, body, atomic, rules, ct);
        return new Written(body.Events, await parts.Group.WriteAsync(org, body.Events), body.Rejected);
    }

    /// <summary>The whole response with its length, in a single write to the socket.</summary>
    private static void Answer(HttpResponse response, int status, IngestResponse answer)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(answer, IngestJson.Readable.IngestResponse);
        response.StatusCode = status;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = bytes.Length;
        response.BodyWriter.Write(bytes);
    }

    /// <summary>The API key, also behind a token that was exchanged for one; else whoever the token names.</summary>
    private static string CallerOf(ClaimsPrincipal caller) =>
        caller.FindFirstValue(PolarisClaims.ApiKeyId)
        ?? caller.FindFirstValue("sub")
        ?? throw new InvalidOperationException("The caller has no subject.");

    private static BodyForm FormOf(HttpRequest request)
    {
        if (request.ContentType == Json)
            return BodyForm.Json;
        if (Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
        {
            if (type.MediaType.Equals(CloudEvent, StringComparison.OrdinalIgnoreCase))
                return BodyForm.CloudEvent;
            if (type.MediaType.Equals(CloudEventBatch, StringComparison.OrdinalIgnoreCase))
                return BodyForm.CloudEventBatch;
            if (type.MediaType.Equals(Ndjson, StringComparison.OrdinalIgnoreCase))
                return BodyForm.Ndjson;
            if (request.HasJsonContentType())
                return BodyForm.Json;
        }

        throw new BodyException(
            415,
            "unsupported_media_type",
            $"Send 'Content-Type: {Json}', {Ndjson}, {CloudEvent} or {CloudEventBatch}."
        );
    }

    /// <summary>Whether a parameter has the first of its allowed values; any value that is not allowed is refused.</summary>
    private static bool Flag(string name, StringValues value, params ReadOnlySpan<string> values)
    {
        if (value.Count == 0)
            return false;
        var given = value.ToString();
        foreach (var allowed in values)
        {
            if (given == allowed)
                return given == values[0];
        }

        throw new BodyException(
            400,
            "invalid_parameter",
            $"'{name}' must be {string.Join(" or ", values.ToArray())}, or absent, not '{EventParser.Shorten(given)}'."
        );
    }
}
