using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using Polaris.Identity.V1;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults.Auth;

/// <summary>
/// The authentication of all services: <c>Authorization: Bearer</c> with an API key or a JWT issued by Identity. The verified token
/// determines the org; <see cref="UsePolarisAuthentication"/> enters it in the request's <see cref="TenantScope"/>.
/// </summary>
public static class PolarisAuthentication
{
    public const string Audience = "polaris";

    /// <summary>The secret of this service's own OAuth client, which only Identity knows besides.</summary>
    public const string ClientSecretSetting = "Polaris:ClientSecret";

    internal const string VerdictItem = "polaris.api_key_verdict";
    internal const string UnavailableItem = "polaris.identity_unavailable";
    internal const string ThrottledItem = "polaris.too_many_guesses";
    internal const string EndedItem = "polaris.access_ended";

    internal static void AddPolarisAuthentication(this WebApplicationBuilder builder)
    {
        builder.Services.AddHttpClient(IdentityEndpoint.HttpClientName, http => http.Timeout = TimeSpan.FromSeconds(10));
        builder.Services.AddSingleton<IdentityEndpoint>();
        builder.Services.AddSingleton<ServiceTokens>();
        if (builder.Configuration["services:identity:grpc:0"] is not null)
        {
            builder.Services.AddPolarisGrpcClient<Identity.V1.Identity.IdentityClient>("identity");
            builder.Services.TryAddSingleton<IApiKeySource, IdentityApiKeySource>();
            builder.Services.TryAddSingleton<IAccessSource, IdentityAccessSource>();
        }

        builder
            .Services.AddOptions<KeyGuessOptions>()
            .Configure(limits =>
            {
                // On a developer's machine everybody comes from the same address.
                if (builder.Environment.IsDevelopment())
                    limits.PerAddress = KeyGuessOptions.Unlimited;
            })
            .BindConfiguration(KeyGuessOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<ApiKeyCache>().AddSingleton<AccessCache>().AddSingleton<LastingAccess>().AddSingleton<KeyGuesses>();
        builder
            .Services.AddAuthentication(ApiKeyAuthenticationHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, ApiKeyAuthenticationHandler>(
                ApiKeyAuthenticationHandler.SchemeName,
                options =>
                    options.ForwardDefaultSelector = context =>
                        BearerToken(context.Request)?.StartsWith(ApiKeyAuthenticationHandler.Prefix, StringComparison.Ordinal) == true
                            ? null
                            : JwtBearerDefaults.AuthenticationScheme
            )
            .AddJwtBearer();
        builder
            .Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<IdentityEndpoint, IConfiguration>(ConfigureJwt);
        builder
            .Services.AddAuthorizationBuilder()
            .AddPolicy(Scopes.Ingest, policy => RequireScope(policy, Scopes.Ingest))
            .AddPolicy(Scopes.Read, policy => RequireScope(policy, Scopes.Read))
            .AddPolicy(Scopes.Billing, policy => RequireScope(policy, Scopes.Billing))
            .AddPolicy(Scopes.Admin, policy => RequireScope(policy, Scopes.Admin))
            .AddPolicy(Scopes.Customer, policy => RequireScope(policy, Scopes.Customer))
            .AddPolicy(
                Scopes.PlatformRead,
                policy => policy.RequireAuthenticatedUser().RequireAssertion(context => context.User.HasScope(Scopes.PlatformRead))
            )
            .AddPolicy(
                Scopes.Internal,
                policy => policy.RequireAuthenticatedUser().RequireAssertion(context => context.User.HasScope(Scopes.Internal))
            )
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    /// <summary>Adds authentication, the tenant scope, then authorization. Call it before mapping endpoints.</summary>
    /// <param name="app">The service.</param>
    /// <param name="onlyAt">
    /// The only paths whose callers are authenticated here; other paths are proxied to services that authenticate themselves. Null for all
    /// paths.
    /// </param>
    /// <param name="beforeIt">What looks at requests before authentication reads them, and already knows whom they come from.</param>
    public static WebApplication UsePolarisAuthentication(
        this WebApplication app,
        IReadOnlyList<string>? onlyAt = null,
        Action<IApplicationBuilder>? beforeIt = null
    )
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseForwardedHeaders();
        app.UseExceptionHandler();
        app.UseInternalEndpoints();
        beforeIt?.Invoke(app);
        if (onlyAt is null)
            app.UseAuthentication();
        else
            app.UseWhen(context => onlyAt.Any(path => context.Request.Path.StartsWithSegments(path)), branch => branch.UseAuthentication());
        app.Use(
            (context, next) =>
            {
                if (context.User.OrgId() is { } org)
                    context.RequestServices.GetRequiredService<TenantScope>().EnterOrg(org);
                return next(context);
            }
        );
        app.UseAuthorization();
        return app;
    }

    internal static string? BearerToken(HttpRequest request)
    {
        const string prefix = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        if (!header.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
            return null;
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

    /// <summary>Whether a request is not authenticated only because Identity could not be asked.</summary>
    public static bool IsUndecided(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Items.ContainsKey(UnavailableItem);
    }

    /// <summary>Why a request is not authenticated. An unavailable Identity is reported as such, not as an invalid token.</summary>
    internal static Refusal WhyNobody(HttpContext context)
    {
        if (context.Items.ContainsKey(UnavailableItem))
            return new Refusal(RefusalKind.Unavailable, "identity_unavailable", "The token cannot be verified at the moment. Try again.");
        if (context.Items[ThrottledItem] is TimeSpan wait)
            return Refusal.TooMany("too_many_requests", "Too many unknown API keys came from this network address.", wait);
        var (code, message) = context.Items[VerdictItem] switch
        {
            ApiKeyVerdict.Revoked => ("revoked_credentials", "The API key was revoked."),
            ApiKeyVerdict.Expired => ("revoked_credentials", "The API key has expired."),
            _ when context.Items.ContainsKey(EndedItem) => (
                "revoked_credentials",
                "The session, membership or API key that this token was made from has ended."
            ),
            _ when context.Request.Headers.Authorization.Count == 0 => (
                "missing_credentials",
                "Send an API key or an access token: 'Authorization: Bearer <token>'."
            ),
            _ => ("invalid_credentials", "The token of the Authorization header is not valid here."),
        };
        return new Refusal(RefusalKind.Unauthenticated, code, message);
    }

    internal static Task ForbidAsync(HttpContext context) =>
        context.WriteProblemAsync(
            RefusalMapping.Problem(
                StatusCodes.Status403Forbidden,
                "missing_scope",
                "The token is valid but does not hold the scope that this call needs."
            )
        );

    private static void RequireScope(AuthorizationPolicyBuilder policy, string scope) =>
        policy.RequireAssertion(context =>
            context.User.Identity?.IsAuthenticated == true && context.User.OrgId() is not null && context.User.HasScope(scope)
        );

    private static void ConfigureJwt(JwtBearerOptions options, IdentityEndpoint identity, IConfiguration configuration)
    {
        options.MapInboundClaims = false;
        // Keys are fetched from Identity's internal address: the public issuer may not be up yet, or not be reachable from inside.
        options.ConfigurationManager = new ConfigurationManager<OpenIdConnectConfiguration>("jwks", new JwksRetriever(), identity)
        {
            // Minimum interval between refreshes that a token with an unknown key id triggers. Identity publishes a key for longer than
            // that before signing with it.
            RefreshInterval = TimeSpan.FromSeconds(5),
            AutomaticRefreshInterval = TimeSpan.FromMinutes(5),
            // The last known good keys would be accepted for another hour, including a key removed after a leak.
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
            OnTokenValidated = AdmitAsync,
            OnAuthenticationFailed = context =>
            {
                // ConfigurationManager throws this when the keys could not be read.
                if (context.Exception is not InvalidOperationException)
                    return Task.CompletedTask;
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

    /// <summary>A signature says who made a token; whether its access has ended meanwhile, Identity says.</summary>
    private static async Task AdmitAsync(TokenValidatedContext context)
    {
        var access = context.HttpContext.RequestServices.GetRequiredService<AccessCache>();
        try
        {
            if (await access.AdmitAsync(context.Principal!, context.HttpContext.RequestAborted) is { } admitted)
            {
                context.Principal = admitted;
                return;
            }

            context.HttpContext.Items[EndedItem] = true;
            context.Fail("The access has ended.");
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException)
        {
            context.HttpContext.Items[UnavailableItem] = true;
            context.Fail(exception);
        }
    }

    /// <summary>The installation's public URL with a trailing slash: the <c>iss</c> of every token.</summary>
    public static string Issuer(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var url =
            configuration["Polaris:PublicUrl"]
            ?? throw new InvalidOperationException("Polaris:PublicUrl is missing: it is the issuer of tokens.");
        return url.TrimEnd('/') + "/";
    }

    /// <exception cref="InvalidOperationException">The setting is missing.</exception>
    public static string ClientSecret(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return configuration[ClientSecretSetting] is { Length: > 0 } secret
            ? secret
            : throw new InvalidOperationException($"{ClientSecretSetting} is missing.");
    }

    private sealed class JwksRetriever : IConfigurationRetriever<OpenIdConnectConfiguration>
    {
        public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(
            string address,
            IDocumentRetriever retriever,
            CancellationToken cancel
        )
        {
            var configuration = new OpenIdConnectConfiguration
            {
                JsonWebKeySet = new JsonWebKeySet(await retriever.GetDocumentAsync(address, cancel)),
            };
            foreach (var key in configuration.JsonWebKeySet.GetSigningKeys())
                configuration.SigningKeys.Add(key);
            return configuration;
        }
    }
}
