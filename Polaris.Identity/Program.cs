using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using Polaris.Identity.Features.Access;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Forms;
using Polaris.Identity.Features.Grpc;
using Polaris.Identity.Features.Mail;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Orgs;
using Polaris.Identity.Features.Platform;
using Polaris.Identity.Features.RateLimits;
using Polaris.Identity.Features.Tokens;
using Polaris.Identity.GraphQL;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Persistence;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Polaris.ServiceDefaults.Auth.Scopes;

// Two contexts in one database: both are migrated, so the first result must not short-circuit the second call.
if (
    await MigrateVerb.RunAsync<AccountsDbContext>(args, options => new AccountsDbContext(options), OrgsDbContext.WithoutPolicy)
    & await MigrateVerb.RunAsync<OrgsDbContext>(args, options => new OrgsDbContext(options), OrgsDbContext.WithoutPolicy)
)
    return;
if (SchemaVerb.Run<Query, Mutation>(args))
    return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("identity");
builder.AddNpgsqlDbContext<OrgsDbContext>();
builder.Services.AddDbContextPool<AccountsDbContext>(
    (services, options) =>
        options
            .UseNpgsql(services.GetRequiredService<NpgsqlDataSource>(), npgsql => npgsql.UseNodaTime().EnableRetryOnFailure())
            .UseSnakeCaseNamingConvention()
            .AddStatementChecks()
);

builder
    .Services.AddIdentityCore<User>(identity =>
    {
        // Length makes a password strong; rules about kinds of characters only make it hard to remember.
        identity.Password = new PasswordOptions
        {
            RequiredLength = SignUp.MinPasswordLength,
            RequireDigit = false,
            RequireLowercase = false,
            RequireUppercase = false,
            RequireNonAlphanumeric = false,
        };
        // An address belongs to the account that proved it, see ProveEmail.
        identity.User.RequireUniqueEmail = false;
        identity.User.AllowedUserNameCharacters = "";
    })
    .AddEntityFrameworkStores<AccountsDbContext>()
    .AddPasswordValidator<PasswordRules>();
var issuer = PolarisAuthentication.Issuer(builder.Configuration);

// Behind TLS a cookie never goes out without it.
var secure = issuer.StartsWith("https://", StringComparison.Ordinal) ? CookieSecurePolicy.Always : CookieSecurePolicy.SameAsRequest;
builder
    .Services.AddAuthentication()
    .AddCookie(
        IdentityConstants.ApplicationScheme,
        cookie =>
        {
            cookie.Cookie.Name = "polaris.session";
            cookie.Cookie.SameSite = SameSiteMode.Lax;
            cookie.Cookie.SecurePolicy = secure;
            cookie.ExpireTimeSpan = TimeSpan.FromHours(12);
        }
    )
    .AddCookie(
        IdentityConstants.TwoFactorUserIdScheme,
        cookie =>
        {
            cookie.Cookie.Name = "polaris.code";
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = secure;
            cookie.ExpireTimeSpan = SignInPage.CodeTimeout;
            cookie.SlidingExpiration = false;
        }
    );
builder.Services.AddAntiforgery(options => options.Cookie.SecurePolicy = secure);
builder.Services.AddSharedDataProtection(builder.Configuration);
builder.Services.AddOptions<TokenAnswers>().BindConfiguration(TokenAnswers.Section);
builder
    .Services.AddOptions<ThrottleOptions>()
    .Configure(limits =>
    {
        // On a developer's machine everybody comes from the same address.
        if (builder.Environment.IsDevelopment())
            limits.SignInsPerAddress = limits.SignUpsPerAddress = limits.RequestsPerAddress = ThrottleOptions.Unlimited;
    })
    .BindConfiguration(ThrottleOptions.Section)
    .ValidateDataAnnotations()
    .ValidateOnStart();
builder
    .Services.AddOpenIddict()
    .AddCore(core => core.UseEntityFrameworkCore().UseDbContext<AccountsDbContext>().ReplaceDefaultEntities<Guid>())
    .AddServer(server =>
    {
        server
            .SetIssuer(new Uri(issuer))
            .SetAuthorizationEndpointUris("connect/authorize")
            .SetTokenEndpointUris("connect/token")
            .SetEndSessionEndpointUris("connect/logout")
            .SetJsonWebKeySetEndpointUris(".well-known/jwks")
            .AllowAuthorizationCodeFlow()
            .RequireProofKeyForCodeExchange()
            .AllowRefreshTokenFlow()
            .AllowClientCredentialsFlow()
            .AllowTokenExchangeFlow()
            .RegisterScopes(
                OpenIddictConstants.Scopes.Email,
                OpenIddictConstants.Scopes.Profile,
                OpenIddictConstants.Scopes.OfflineAccess,
                Scopes.Ingest,
                Scopes.Read,
                Scopes.Billing,
                Scopes.Admin,
                Scopes.Platform,
                Scopes.PlatformRead,
                Scopes.Internal
            )
            .RegisterClaims(Claims.Subject, Claims.Email)
            .SetAccessTokenLifetime(TimeSpan.FromMinutes(15))
            // Services verify tokens themselves against the JWKS, and the content is not secret from them.
            .DisableAccessTokenEncryption()
            .AddEncryptionKey(new SymmetricSecurityKey(InstallationSecret.Derive(builder.Configuration, "token-encryption")))
            .AddEventHandler(ExchangeApiKey.Descriptor)
            // Only API keys can be exchanged.
            .Configure(options =>
            {
                options.SubjectTokenTypes.Clear();
                options.SubjectTokenTypes.Add(ExchangeApiKey.TokenType);
                // A plain challenge is the verifier itself, for whoever reads the first request.
                options.CodeChallengeMethods.Clear();
                options.CodeChallengeMethods.Add(CodeChallengeMethods.Sha256);
            });
        var host = server
            .UseAspNetCore()
            .EnableAuthorizationEndpointPassthrough()
            .EnableTokenEndpointPassthrough()
            .EnableEndSessionEndpointPassthrough();
        // TLS is terminated in front of the services, at the ingress; locally there is none.
        host.DisableTransportSecurityRequirement();
    });

// OpenIddict's signing keys come from the ring, whenever they change.
builder.Services.AddOptions<SigningKeyOptions>().BindConfiguration(SigningKeyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder
    .Services.AddSingleton<SigningKeyStore>()
    .AddSingleton<SigningKeyRing>()
    .AddPeriodicWorker<TendSigningKeys>()
    .AddSingleton<IConfigureOptions<OpenIddictServerOptions>>(services => services.GetRequiredService<SigningKeyRing>())
    .AddSingleton<IOptionsChangeTokenSource<OpenIddictServerOptions>>(services => services.GetRequiredService<SigningKeyRing>());
builder
    .Services.AddSingleton<ApiKeyUse>()
    .AddPeriodicWorker<WriteApiKeyUse>()
    .AddSingleton<ValidateApiKey>()
    .AddSingleton<IApiKeySource>(services => services.GetRequiredService<ValidateApiKey>());
builder
    .Services.AddSingleton<CheckAccess>()
    .AddSingleton<IAccessSource>(services => services.GetRequiredService<CheckAccess>())
    .AddPeriodicWorker<DeleteEndedSessions>()
    .AddPeriodicWorker<DeleteOldFailures>()
    .AddSingleton<AddressLimits>();
builder.Services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<OrgBudgets>().AddSingleton<OutgoingMail>();
builder.Services.AddSingleton<FindMembership>().AddSingleton<AcceptInvitation>().AddSingleton<ReadInstallation>();
builder
    .Services.AddScoped<SignUp>()
    .AddScoped<ReadOrgs>()
    .AddScoped<FindOrgs>()
    .AddScoped<ProveEmail>()
    .AddScoped<EditPassword>()
    .AddScoped<TwoFactor>()
    .AddScoped<EditTwoFactor>()
    .AddScoped<SignInGuard>()
    .AddScoped<Sessions>()
    .AddScoped<CallerAccess>()
    .AddScoped<CheckPassword>()
    .AddScoped<EditApiKeys>()
    .AddScoped<EditMembers>()
    .AddScoped<Invite>()
    .AddScoped<CreateCustomerToken>()
    .AddScoped<SetEmbedOrigins>()
    .AddScoped<AuditLog>();
builder.Services.AddHttpContextAccessor();
builder.Services.AddPolarisGrpc();
builder.Services.AddSubgraph<Query, Mutation>();

var app = builder.Build();
await app.Services.GetRequiredService<SigningKeyRing>().RefreshAsync(CancellationToken.None);
await PlatformAdmin.EnsureAsync(app.Services, builder.Configuration);
await OAuthClients.RegisterAsync(app.Services, issuer, builder.Configuration);
app.UsePolarisAuthentication(beforeIt: requests => requests.UseBoundedForms());
app.MapMethods("/connect/authorize", ["GET", "POST"], TokenEndpoints.AuthorizeAsync).AllowAnonymous();
app.MapPost("/connect/token", TokenEndpoints.TokenAsync).AllowAnonymous();
app.MapMethods("/connect/logout", ["GET", "POST"], (Delegate)TokenEndpoints.EndSessionAsync).AllowAnonymous();
app.MapGet("/account/login", SignInPage.Show).AllowAnonymous();
app.MapPost("/account/login", SignInPage.SubmitAsync).AllowAnonymous().DisableAntiforgery();
app.MapPost("/account/login/code", SignInPage.SubmitCodeAsync).AllowAnonymous().DisableAntiforgery();
app.MapSubgraph();
app.MapPolarisGrpc<IdentityGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();
