using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>
/// One way to authenticate everywhere: <c>Authorization: Bearer</c> with an API key or a JWT of Identity. The verified token names the org;
/// <see cref="UsePolarisAuthentication"/> puts it into the request's <see cref="TenantScope"/>.
/// </summary>
public static class PolarisAuthentication
{
    public const string Audience = "polaris";
    internal const string VerdictItem = "polaris.api_key_verdict";
    internal const string UnavailableItem = "polaris.identity_unavailable";

    internal static void AddPolarisAuthentication(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpClient(IdentityEndpoint.HttpClientName, http => http.Timeout = TimeSpan.FromSeconds(10));
        builder.Services.AddSingleton<IdentityEndpoint>();
        builder.Services.AddSingleton<ServiceTokens>();
        if (builder.Configuration["services:identity:grpc:0"] is not null)
        {
            builder.Services.AddPolarisGrpcClient<Identity.V1.Identity.IdentityClient>("identity");
            builder.Services.TryAddSingleton<IApiKeySource, IdentityApiKeySource>();
        }

        builder.Services.AddSingleton<ApiKeyCache>();
        builder.Services.AddAuthentication(ApiKeyAuthenticationHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyAuthenticationHandler>(ApiKeyAuthenticationHandler.SchemeName, options => options.ForwardDefaultSelector = context =>
                BearerToken(context.Request)?.StartsWith(ApiKeyAuthenticationHandler.Prefix, StringComparison.Ordinal) == true ? null : JwtBearerDefaults.AuthenticationScheme)
            .AddJwtBearer();
        builder.Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IdentityEndpoint, IConfiguration>(ConfigureJwt);
        builder.Services.AddAuthorizationBuilder()
            .AddPolicy(Scopes.Ingest, policy => RequireScope(policy, Scopes.Ingest))
            .AddPolicy(Scopes.Read, policy => RequireScope(policy, Scopes.Read))
            .AddPolicy(Scopes.Billing, policy => RequireScope(policy, Scopes.Billing))
            .AddPolicy(Scopes.Admin, policy => RequireScope(policy, Scopes.Admin))
            .AddPolicy(Scopes.Customer, policy => RequireScope(policy, Scopes.Customer))
            .AddPolicy(Scopes.Internal, policy => policy.RequireAuthenticatedUser().RequireAssertion(context => context.User.HasScope(Scopes.Internal)))
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    /// <summary>Authentication, the caller's org into the tenant scope, then authorization. Before endpoints are mapped.</summary>
    /// <param name="app">The service.</param>
    /// <param name="onlyAt">The one path whose callers are authenticated here; other paths are passed on to services that do it themselves.</param>
    public static WebApplication UsePolarisAuthentication(this WebApplication app, string? onlyAt = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseExceptionHandler();
        if (onlyAt is null) app.UseAuthentication();
        else app.UseWhen(context => context.Request.Path.StartsWithSegments(onlyAt), branch => branch.UseAuthentication());
        app.Use((context, next) =>
        {
            if (context.User.OrgId() is { } org) context.RequestServices.GetRequiredService<TenantScope>().EnterOrg(org);
            return next(context);
        });
        app.UseAuthorization();
        return app;
    }

    internal static string? BearerToken(HttpRequest request)
    {
        const string prefix = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) return null;
        var token = header[prefix.Length..].Trim();
        return token.Length is > 0 and <= 8_192 ? token : null;
    }

    internal static Task ChallengeAsync(HttpContext context)
    {
        var refusal = WhyNobody(context);
        if (refusal.Kind == RefusalKind.Unauthenticated)
            context.Response.Headers.WWWAuthenticate = refusal.Code == "missing_credentials" ? "Bearer" : "Bearer error=\"invalid_token\"";
        return context.WriteProblemAsync(refusal.ToProblem());
    }

    /// <summary>Why a request speaks for nobody. That Identity is away says nothing about the token.</summary>
    internal static Refusal WhyNobody(HttpContext context)
    {
        if (context.Items.ContainsKey(UnavailableItem)) return new Refusal(RefusalKind.Unavailable, "identity_unavailable", "The token cannot be verified at the moment. Try again.");
        var (code, message) = context.Items[VerdictItem] switch
        {
            ApiKeyVerdict.Revoked => ("revoked_credentials", "The API key was revoked."),
            ApiKeyVerdict.Expired => ("revoked_credentials", "The API key has expired."),
            _ when context.Request.Headers.Authorization.Count == 0 => ("missing_credentials", "Send an API key or an access token: 'Authorization: Bearer <token>'."),
            _ => ("invalid_credentials", "The token of the Authorization header is not valid here."),
        };
        return new Refusal(RefusalKind.Unauthenticated, code, message);
    }

    internal static Task ForbidAsync(HttpContext context) =>
        context.WriteProblemAsync(RefusalMapping.Problem(StatusCodes.Status403Forbidden, "missing_scope", "The token is valid but does not hold the scope that this call needs."));

    private static void RequireScope(AuthorizationPolicyBuilder policy, string scope) => policy
        .RequireAssertion(context => context.User.Identity?.IsAuthenticated == true && context.User.OrgId() is not null && context.User.HasScope(scope));

    private static void ConfigureJwt(JwtBearerOptions options, IdentityEndpoint identity, IConfiguration configuration)
    {
        options.MapInboundClaims = false;
        // Keys come from Identity's own address: the issuer's public one may not be up yet, or not be reachable from inside.
        options.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>(
            "jwks", new JwksRetriever(), identity)
        {
            // A token of an unknown key has the keys read again, at most this often. Identity publishes a key for longer than the second before it signs.
            RefreshInterval = TimeSpan.FromSeconds(5),
            AutomaticRefreshInterval = TimeSpan.FromMinutes(5),
            // Otherwise the keys of before would be tried for another hour, and one that was dropped after a leak with them.
            UseLastKnownGoodConfiguration = false,
        };
        options.TokenValidationParameters = new TokenValidationParameters
        {
            ValidAudience = Audience,
            ValidIssuer = Issuer(configuration),
            NameClaimType = "sub",
            RoleClaimType = PolarisClaims.Role,
            ValidTypes = ["at+jwt", "JWT"],
            ClockSkew = TimeSpan.FromSeconds(30),
        };
        options.Events = new JwtBearerEvents
        {
            OnAuthenticationFailed = context =>
            {
                // The keys could not be read: ConfigurationManager's own word for it.
                if (context.Exception is not InvalidOperationException) return Task.CompletedTask;
                context.HttpContext.Items[UnavailableItem] = true;
                context.Fail(context.Exception);
                return Task.CompletedTask;
            },
            OnChallenge = context =>
            {
                context.HandleResponse();
                return ChallengeAsync(context.HttpContext);
            },
            OnForbidden = context => ForbidAsync(context.HttpContext),
        };
    }

    /// <summary>The installation's public URL with a closing slash: what <c>iss</c> says in every token.</summary>
    public static string Issuer(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var url = configuration["Polaris:PublicUrl"] ?? throw new InvalidOperationException("Polaris:PublicUrl is missing: it names the issuer of tokens.");
        return url.TrimEnd('/') + "/";
    }

    private sealed class JwksRetriever : IConfigurationRetriever<OpenIdConnectConfiguration>
    {
        public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(string address, IDocumentRetriever retriever, CancellationToken cancel)
        {
            var configuration = new OpenIdConnectConfiguration { JsonWebKeySet = new JsonWebKeySet(await retriever.GetDocumentAsync(address, cancel)) };
            foreach (var key in configuration.JsonWebKeySet.GetSigningKeys()) configuration.SigningKeys.Add(key);
            return configuration;
        }
    }
}
