using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.Net.Http.Headers;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Gateway.Embedding;

/// <summary>
/// What pages of other origins may read: the elements' scripts, and answers to a token of a customer whose org lists the origin. The token
/// is verified later; with one that is not valid, an origin reads the refusal.
/// </summary>
internal sealed class EmbedCors(EmbedOrigins origins) : ICorsPolicyProvider
{
    /// <summary>Far more than a customer's token has.</summary>
    private const int LongestToken = 8_192;

    private static readonly string[] Methods = ["GET", "POST"];
    private static readonly string[] Headers = [HeaderNames.Authorization, HeaderNames.ContentType];

    private static readonly CorsPolicy Scripts = new CorsPolicyBuilder().AllowAnyOrigin().WithMethods("GET").Build();

    /// <summary>
    /// A browser's question has no token. It only decides whether the request is sent, which anyone can do by other means; there are no
    /// cookies with it, nor the header that a session needs.
    /// </summary>
    private static readonly CorsPolicy Preflight = new CorsPolicyBuilder()
        .SetIsOriginAllowed(_ => true)
        .WithMethods(Methods)
        .WithHeaders(Headers)
        .SetPreflightMaxAge(TimeSpan.FromMinutes(10))
        .Build();

    public static bool Concerns(HttpContext context) =>
        context.Request.Headers.ContainsKey(HeaderNames.Origin) && (IsScript(context.Request.Path) || IsData(context.Request.Path));

    public async Task<CorsPolicy?> GetPolicyAsync(HttpContext context, string? policyName)
    {
        if (IsScript(context.Request.Path))
            return Scripts;
        if (HttpMethods.IsOptions(context.Request.Method))
            return AsksForMore(context.Request) ? null : Preflight;
        if (OrgOfCustomerToken(context.Request.Headers.Authorization.ToString()) is not { } org)
            return null;
        var allowed = await origins.OfAsync(org);
        return allowed.Count == 0
            ? null
            // A predicate, so that the answer is marked as one that depends on the origin.
            : new CorsPolicyBuilder()
                .SetIsOriginAllowed(origin => allowed.Contains(origin, StringComparer.Ordinal))
                .WithMethods(Methods)
                .WithHeaders(Headers)
                .WithExposedHeaders(HeaderNames.RetryAfter)
                .Build();
    }

    /// <summary>Another site that would like to send the header of a session, for instance: it gets no answer at all.</summary>
    private static bool AsksForMore(HttpRequest request) =>
        request
            .Headers.GetCommaSeparatedValues(HeaderNames.AccessControlRequestHeaders)
            .Except(Headers, StringComparer.OrdinalIgnoreCase)
            .Any();

    private static bool IsScript(PathString path) => path.StartsWithSegments("/embed") || path.StartsWithSegments("/assets");

    private static bool IsData(PathString path) => path.StartsWithSegments("/graphql") || path.StartsWithSegments("/portal");

    internal static Guid? OrgOfCustomerToken(string authorization)
    {
        const string bearer = "Bearer ";
        if (authorization.Length > LongestToken || !authorization.StartsWith(bearer, StringComparison.OrdinalIgnoreCase))
            return null;
        try
        {
            var token = new JsonWebToken(authorization[bearer.Length..]);
            return
                token.TryGetPayloadValue<string>(PolarisClaims.Scope, out var scope)
                && scope == Scopes.Customer
                && token.TryGetPayloadValue<string>(PolarisClaims.Org, out var text)
                && Guid.TryParse(text, out var org)
                ? org
                : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return null;
        }
    }
}
