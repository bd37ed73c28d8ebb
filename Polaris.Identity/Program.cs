using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Npgsql;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using Polaris.Identity.Features;
using Polaris.Identity.Features.Accounts;
using Polaris.Identity.Features.ApiKeys;
using Polaris.Identity.Features.Audit;
using Polaris.Identity.Features.Members;
using Polaris.Identity.Features.Platform;
using Polaris.Identity.Features.Tokens;
using Polaris.Identity.GraphQL;
using Polaris.Identity.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Persistence;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Polaris.ServiceDefaults.Auth.Scopes;

// Two contexts in one database, so two histories to bring up to date: both run before either answer counts.
if (await MigrateVerb.RunAsync<AccountsDbContext>(args, options => new AccountsDbContext(options), OrgsDbContext.WithoutPolicy)
    & await MigrateVerb.RunAsync<OrgsDbContext>(args, options => new OrgsDbContext(options), OrgsDbContext.WithoutPolicy)) return;
if (SchemaVerb.Run<Query, Mutation>(args)) return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("identity");
builder.AddNpgsqlDbContext<OrgsDbContext>();
builder.Services.AddDbContextPool<AccountsDbContext>((services, options) => options
    .UseNpgsql(services.GetRequiredService<NpgsqlDataSource>(), npgsql => npgsql.UseNodaTime().EnableRetryOnFailure())
    .UseSnakeCaseNamingConvention());

builder.Services.AddIdentityCore<User>(identity =>
{
    // Length is what makes a password strong; rules about characters only make it hard to remember.
    identity.Password = new PasswordOptions { RequiredLength = SignUp.MinPasswordLength, RequireDigit = false, RequireLowercase = false, RequireUppercase = false, RequireNonAlphanumeric = false };
    identity.User.RequireUniqueEmail = true;
    identity.User.AllowedUserNameCharacters = "";
    identity.Lockout = new LockoutOptions { MaxFailedAccessAttempts = 5, DefaultLockoutTimeSpan = TimeSpan.FromMinutes(5) };
}).AddEntityFrameworkStores<AccountsDbContext>().AddSignInManager().AddPasswordValidator<PasswordRules>();
builder.Services.AddAuthentication().AddCookie(IdentityConstants.ApplicationScheme, cookie =>
{
    cookie.Cookie.Name = "polaris.session";
    cookie.Cookie.SameSite = SameSiteMode.Lax;
    cookie.ExpireTimeSpan = TimeSpan.FromHours(12);
});
builder.Services.AddAntiforgery();

var issuer = PolarisAuthentication.Issuer(builder.Configuration);
var serviceSecret = builder.Configuration[ServiceSecrets.Setting] ?? throw new InvalidOperationException($"{ServiceSecrets.Setting} is missing.");
builder.Services.AddOpenIddict()
    .AddCore(core => core.UseEntityFrameworkCore().UseDbContext<AccountsDbContext>().ReplaceDefaultEntities<Guid>())
    .AddServer(server =>
    {
        server.SetIssuer(new Uri(issuer))
            .SetAuthorizationEndpointUris("connect/authorize").SetTokenEndpointUris("connect/token").SetEndSessionEndpointUris("connect/logout")
            .SetJsonWebKeySetEndpointUris(".well-known/jwks")
            .AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange().AllowRefreshTokenFlow().AllowClientCredentialsFlow().AllowTokenExchangeFlow()
            .RegisterScopes(OpenIddictConstants.Scopes.Email, OpenIddictConstants.Scopes.Profile, OpenIddictConstants.Scopes.OfflineAccess,
                Scopes.Ingest, Scopes.Read, Scopes.Billing, Scopes.Admin, Scopes.Platform, Scopes.Internal)
            .RegisterClaims(Claims.Subject, Claims.Email)
            .SetAccessTokenLifetime(TimeSpan.FromMinutes(15))
            // Services check tokens themselves against the JWKS; what is inside is no secret to them.
            .DisableAccessTokenEncryption()
            .AddEncryptionKey(new SymmetricSecurityKey(ServiceSecrets.Derive(serviceSecret, "token-encryption")))
            .AddEventHandler(ExchangeApiKey.Descriptor)
            // Nothing but API keys is exchanged.
            .Configure(options =>
            {
                options.SubjectTokenTypes.Clear();
                options.SubjectTokenTypes.Add(ExchangeApiKey.TokenType);
            });
        var host = server.UseAspNetCore().EnableAuthorizationEndpointPassthrough().EnableTokenEndpointPassthrough().EnableEndSessionEndpointPassthrough();
        // TLS ends before the services: at the ingress, or nowhere on a developer's machine.
        host.DisableTransportSecurityRequirement();
    });

// OpenIddict's signing keys come from the ring, whenever they change.
builder.Services.AddOptions<SigningKeyOptions>().BindConfiguration(SigningKeyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<SigningKeyStore>().AddSingleton<SigningKeyRing>().AddHostedService<TendSigningKeys>()
    .AddSingleton<IConfigureOptions<OpenIddictServerOptions>>(services => services.GetRequiredService<SigningKeyRing>())
    .AddSingleton<IOptionsChangeTokenSource<OpenIddictServerOptions>>(services => services.GetRequiredService<SigningKeyRing>());
builder.Services.AddSingleton<ApiKeyUse>().AddHostedService<WriteApiKeyUse>().AddSingleton<ValidateApiKey>().AddSingleton<IApiKeySource>(services => services.GetRequiredService<ValidateApiKey>());
builder.Services.AddSingleton<FindMembership>().AddSingleton<AcceptInvitation>().AddSingleton<ReadInstallation>();
builder.Services.AddScoped<SignUp>().AddScoped<CheckPassword>().AddScoped<EditApiKeys>().AddScoped<EditMembers>().AddScoped<Invite>().AddScoped<CreateCustomerToken>().AddScoped<AuditLog>();
builder.Services.AddHttpContextAccessor();
builder.Services.AddPolarisGrpc();
builder.Services.AddSubgraph<Query, Mutation>();

var app = builder.Build();
await app.Services.GetRequiredService<SigningKeyRing>().LookAsync(CancellationToken.None);
await PlatformAdmin.EnsureAsync(app.Services, builder.Configuration);
await OAuthClients.RegisterAsync(app.Services, issuer, serviceSecret);
app.UsePolarisAuthentication();
app.MapMethods("/connect/authorize", ["GET", "POST"], TokenEndpoints.AuthorizeAsync).AllowAnonymous();
app.MapPost("/connect/token", TokenEndpoints.TokenAsync).AllowAnonymous();
app.MapMethods("/connect/logout", ["GET", "POST"], (Delegate)TokenEndpoints.EndSessionAsync).AllowAnonymous();
app.MapGet("/account/login", SignInPage.Show).AllowAnonymous();
app.MapPost("/account/login", SignInPage.SubmitAsync).AllowAnonymous().DisableAntiforgery();
app.MapSubgraph();
app.MapPolarisGrpc<IdentityGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();
