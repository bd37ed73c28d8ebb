using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Polaris.ServiceDefaults.Auth;

namespace Polaris.Gateway.Session;

/// <summary>
/// The dashboard's session: the gateway signs a person in at Identity (code + PKCE) and keeps the tokens in an encrypted cookie that no
/// script can read (docs/adr/0023).
/// </summary>
internal static class DashboardSession
{
    public const string ClientId = "polaris-dashboard";
    public const string CookieScheme = "session";
    public const string SignInScheme = "session-sign-in";
    public const string CallbackPath = "/session/callback";

    /// <summary>Between two requests; the cookie itself ends with the browser.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromHours(12);

    private static readonly string[] Scopes =
    [
        "openid",
        "email",
        "profile",
        "offline_access",
        ServiceDefaults.Auth.Scopes.Read,
        ServiceDefaults.Auth.Scopes.Billing,
        ServiceDefaults.Auth.Scopes.Admin,
        // Granted to platform admins only. The scope that changes the installation stays with programs of their own.
        ServiceDefaults.Auth.Scopes.PlatformRead,
    ];

    public static void AddDashboardSession(this WebApplicationBuilder builder)
    {
        SessionKeys.Add(builder.Services);
        builder.Services.AddHttpContextAccessor();
        builder.Services.AddTransient<BrowserAddress>();
        builder
            .Services.AddHttpClient(
                SessionTokens.HttpClientName,
                http => (http.BaseAddress, http.Timeout) = (new Uri("http://identity"), TimeSpan.FromSeconds(10))
            )
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler
                {
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    // Signing in keeps its client as long as the process lives; Identity's addresses change meanwhile.
                    PooledConnectionLifetime = TimeSpan.FromMinutes(2),
                }
            )
            .AddHttpMessageHandler<BrowserAddress>();
        builder.Services.AddSingleton<SessionTokens>().AddSingleton<RenewSession>();
        builder
            .Services.AddAuthentication()
            .AddCookie(
                CookieScheme,
                options =>
                {
                    options.Cookie.Name = CookieName(builder.Configuration);
                    // Sign-in happens at this very site, so not even its redirects need the cookie to come from elsewhere.
                    options.Cookie.SameSite = SameSiteMode.Strict;
                    options.Cookie.SecurePolicy = Secure(builder.Configuration);
                    options.ExpireTimeSpan = Idle;
                    options.EventsType = typeof(RenewSession);
                }
            )
            .AddOpenIdConnect(SignInScheme, _ => { });
        builder
            .Services.AddOptions<OpenIdConnectOptions>(SignInScheme)
            .Configure<IConfiguration, IHttpClientFactory, IOptionsMonitor<JwtBearerOptions>>(
                (options, configuration, clients, bearer) =>
                {
                    Configure(options, configuration);
                    options.Backchannel = clients.CreateClient(SessionTokens.HttpClientName);
                    options.ConfigurationManager = new Provider(
                        PolarisAuthentication.Issuer(configuration),
                        bearer.Get(JwtBearerDefaults.AuthenticationScheme)
                    );
                }
            );
    }

    /// <summary>Behind TLS, the prefix makes browsers accept it from this host alone, for all paths and by HTTPS only.</summary>
    public static string CookieName(IConfiguration configuration) =>
        (Secure(configuration) == CookieSecurePolicy.Always ? "__Host-" : "") + "polaris.dashboard";

    private static CookieSecurePolicy Secure(IConfiguration configuration) =>
        PolarisAuthentication.Issuer(configuration).StartsWith("https://", StringComparison.Ordinal)
            ? CookieSecurePolicy.Always
            : CookieSecurePolicy.SameAsRequest;

    private static void Configure(OpenIdConnectOptions options, IConfiguration configuration)
    {
        var publicUrl = PolarisAuthentication.Issuer(configuration);
        options.SignInScheme = CookieScheme;
        options.ClientId = ClientId;
        options.ClientSecret = PolarisAuthentication.ClientSecret(configuration);
        options.ResponseType = OpenIdConnectResponseType.Code;
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.UsePkce = true;
        options.CallbackPath = CallbackPath;
        options.SaveTokens = true;
        options.MapInboundClaims = false;
        options.Scope.Clear();
        foreach (var scope in Scopes)
            options.Scope.Add(scope);
        foreach (var cookie in new[] { options.CorrelationCookie, options.NonceCookie })
            (cookie.SameSite, cookie.SecurePolicy) = (SameSiteMode.Lax, Secure(configuration));
        options.Events.OnRedirectToIdentityProvider = context =>
        {
            // Not as the request names this host: Identity redirects to the public URL only.
            context.ProtocolMessage.RedirectUri = publicUrl.TrimEnd('/') + CallbackPath;
            return Task.CompletedTask;
        };
        options.Events.OnTokenValidated = context =>
        {
            // Who somebody is and what they may do is read from the access token at each request; the cookie has the tokens.
            context.Principal = new ClaimsPrincipal(new ClaimsIdentity([], SignInScheme));
            return Task.CompletedTask;
        };
        options.Events.OnRemoteFailure = context =>
        {
            var reason = context.Failure?.Data["error"] as string == "access_denied" ? "access_denied" : "failed";
            context.Response.Redirect("/sign-in?failure=" + reason);
            context.HandleResponse();
            return Task.CompletedTask;
        };
    }

    /// <summary>Identity as an OpenID provider: browsers go to its public address, the gateway to the internal one.</summary>
    private sealed class Provider(string issuer, JwtBearerOptions bearer) : IConfigurationManager<OpenIdConnectConfiguration>
    {
        public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel)
        {
            var keys = await bearer.ConfigurationManager!.GetConfigurationAsync(cancel);
            var configuration = new OpenIdConnectConfiguration
            {
                Issuer = issuer,
                AuthorizationEndpoint = issuer + "connect/authorize",
                TokenEndpoint = "http://identity/connect/token",
            };
            foreach (var key in keys.SigningKeys)
                configuration.SigningKeys.Add(key);
            return configuration;
        }

        public void RequestRefresh() => bearer.ConfigurationManager!.RequestRefresh();
    }

    /// <summary>Identity limits what comes of one network address; that is the browser's, not the gateway's.</summary>
    private sealed class BrowserAddress(IHttpContextAccessor http) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (http.HttpContext?.Connection.RemoteIpAddress is { } address)
                request.Headers.TryAddWithoutValidation("X-Forwarded-For", address.ToString());
            return base.SendAsync(request, cancellationToken);
        }
    }
}

/// <summary>Renews the tokens in the cookie when they run out, and drops a session that has ended.</summary>
internal sealed class RenewSession(SessionTokens tokens) : CookieAuthenticationEvents
{
    private static readonly object Item = new();

    /// <summary>Whether the request's session could not be renewed because Identity is away.</summary>
    public static bool IsUndecided(HttpContext context) => context.Items.ContainsKey(Item);

    public override async Task ValidatePrincipal(CookieValidatePrincipalContext context)
    {
        switch (await tokens.RenewAsync(context.Properties, context.HttpContext.RequestAborted))
        {
            case Renewal.Renewed:
                context.ShouldRenew = true;
                break;
            case Renewal.Ended:
                context.RejectPrincipal();
                await context.HttpContext.SignOutAsync(DashboardSession.CookieScheme);
                break;
            case Renewal.Unavailable:
                context.HttpContext.Items[Item] = true;
                context.RejectPrincipal();
                break;
        }
    }
}
