using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Mvc;
using Polaris.Identity.Features.Accounts;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.Identity.Features.Forms;

/// <summary>
/// Bounds what the OAuth endpoints and the sign-in page read, before anything of theirs reads it: size and number of fields, the encoding,
/// characters that no database text can hold, and requests of one network address. A form that breaks a rule is answered 4xx with the rule.
/// </summary>
internal static class BoundedForms
{
    public const int MaxFields = 64;
    public const int MaxFieldNameLength = 128;

    /// <summary>Characters of a value: enough for an ID token that a client sends along at sign-out.</summary>
    public const int MaxFieldLength = 16 * 1024;

    public const int MaxFormBytes = 64 * 1024;
    public const int MaxQueryLength = 16 * 1024;

    /// <summary>
    /// What is read, and thrown away, of a form that is refused. Without that the connection ends while the proxy still writes, and the
    /// client learns no reason. A longer one does end that way.
    /// </summary>
    public const int MaxDiscardedBytes = 1024 * 1024;

    private const string UrlEncoded = "application/x-www-form-urlencoded";

    private static readonly FormOptions Options = new()
    {
        ValueCountLimit = MaxFields,
        KeyLengthLimit = MaxFieldNameLength,
        ValueLengthLimit = MaxFieldLength,
    };

    private static readonly PathString[] Paths = ["/connect", "/account", "/.well-known"];

    public static void UseBoundedForms(this IApplicationBuilder app) =>
        app.Use(
            async (context, next) =>
            {
                if (!Paths.Any(path => context.Request.Path.StartsWithSegments(path)) || await RefusalOfAsync(context) is not { } refusal)
                {
                    await next(context);
                    return;
                }

                await DiscardAsync(context);
                await context.WriteProblemAsync(refusal);
            }
        );

    private static async Task<ProblemDetails?> RefusalOfAsync(HttpContext context)
    {
        var request = context.Request;
        if (context.RequestServices.GetRequiredService<AddressLimits>().Try(AddressLimit.Request, ClientAddress.Of(context)) is { } wait)
            return Refusal.TooMany("too_many_requests", "There were too many requests from this network address.", wait).ToProblem();
        if ((request.QueryString.Value?.Length ?? 0) > MaxQueryLength)
            return RefusalMapping.Problem(414, "query_too_long", $"The query string must have at most {MaxQueryLength} characters.");
        if (HasNul(request.Path.Value) || request.Query.Any(field => HasNul(field.Key) || field.Value.Any(HasNul)))
            return RefusalMapping.Problem(400, "invalid_text", "The path and the query string must not contain the character U+0000.");
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
            return null;
        if (request.ContentLength > MaxFormBytes)
            return RefusalMapping.Problem(413, "request_too_large", $"A form must have at most {MaxFormBytes} bytes.");
        if (request.ContentType?.Split(';')[0].Trim().Equals(UrlEncoded, StringComparison.OrdinalIgnoreCase) != true)
            return RefusalMapping.Problem(415, "unsupported_media_type", $"A form must be sent as {UrlEncoded}.");
        context.Features.Set<IFormFeature>(new FormFeature(request, Options));
        try
        {
            await request.ReadFormAsync(context.RequestAborted);
            return null;
        }
        catch (BadHttpRequestException bad)
        {
            return RefusalMapping.Problem(bad.StatusCode, "bad_request", bad.Message);
        }
        catch (InvalidDataException)
        {
            return RefusalMapping.Problem(
                400,
                "invalid_form",
                $"A form must have at most {MaxFields} fields, names of {MaxFieldNameLength} and values of {MaxFieldLength} characters, "
                    + "and not the character U+0000."
            );
        }
        catch (IOException)
        {
            return RefusalMapping.Problem(400, "bad_request", "The form was cut off.");
        }
    }

    private static async Task DiscardAsync(HttpContext context)
    {
        try
        {
            var buffer = new byte[16 * 1024];
            for (var discarded = 0; discarded < MaxDiscardedBytes; )
            {
                var read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted);
                if (read == 0)
                    return;
                discarded += read;
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or OperationCanceledException)
        {
            // Cut off, or its reader gave up in the middle: there is nothing more to throw away.
        }
    }

    private static bool HasNul(string? text) => text?.Contains('\0', StringComparison.Ordinal) == true;
}
