using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Polaris.Identity.V1;
using Polaris.Ingestion;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Ingest;
using Polaris.Ingestion.Features.Late;
using Polaris.Ingestion.Features.OpenApi;
using Polaris.Ingestion.Features.Relay;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Access;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.RateLimiting;
using Polaris.Tests.RateLimiting;

namespace Polaris.Tests.Ingestion;

/// <summary>
/// Ingestion's HTTP endpoints in this process, with its real authentication, limits and error responses but no dependencies: the database
/// is unavailable, and Identity is a fake that knows the keys below. Responses that need no other service take milliseconds here.
/// </summary>
internal sealed class IngestionAlone : IAsyncDisposable
{
    public const string ValidKey = "pk_valid";
    public const string ReadOnlyKey = "pk_read_only";
    public const string IngestOnlyKey = "pk_ingest_only";
    public const string RevokedKey = "pk_revoked";
    public const string UnknownKey = "pk_unknown";
    public const string KeyWhileIdentityIsAway = "pk_away";

    private readonly WebApplication app;
    private readonly NpgsqlDataSource database;
    private readonly GrpcChannel billing;

    private IngestionAlone(WebApplication app, NpgsqlDataSource database, GrpcChannel billing) =>
        (this.app, this.database, this.billing) = (app, database, billing);

    public Uri Url => new(app.Urls.Single());

    public IReadOnlyList<Microsoft.AspNetCore.Routing.RouteEndpoint> Routes =>
        [
            .. ((Microsoft.AspNetCore.Routing.IEndpointRouteBuilder)app).DataSources.SelectMany(source =>
                source.Endpoints.OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>()
            ),
        ];

    /// <param name="options">The limits of an org.</param>
    /// <param name="eventsPerSecond">The rate of an org.</param>
    /// <param name="closed">Whether the data source is disposed, which no service expects: an internal error instead of an outage.</param>
    public static async Task<IngestionAlone> StartAsync(
        IngestionOptions? options = null,
        bool closed = false,
        long eventsPerSecond = 200_000
    )
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["Polaris:PublicUrl"] = "http://localhost",
                ["URLS"] = "http://127.0.0.1:0",
                [DeclaredAccess.FolderSetting] = "",
            }
        );
        builder.AddServiceDefaults("ingestion");
        builder.Logging.ClearProviders();
        // The timeout for a stalled body is about a second here instead of five.
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromMilliseconds(1_100))
        );
        var database = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=nobody;Timeout=5");
        if (closed)
            await database.DisposeAsync();
        var billing = GrpcChannel.ForAddress("http://127.0.0.1:1");
        builder
            .Services.AddSingleton<IApiKeySource, Keys>()
            .AddSingleton<IAccessSource, NoAccess>()
            .AddSingleton(database)
            .AddSingleton(new Polaris.Billing.V1.Billing.BillingClient(billing))
            .AddSingleton(Microsoft.Extensions.Options.Options.Create(options ?? new IngestionOptions()))
            .AddSingleton<RelaySignal>()
            .AddSingleton<EventWriter>()
            .AddHostedService(services => services.GetRequiredService<EventWriter>())
            .AddSingleton<RequestWriter>()
            .AddSingleton<IRateLeases>(new SharedBudget(TimeProvider.System, eventsPerSecond))
            .AddOrgRateLimiter(RateBudgets.Events)
            .AddSingleton<IngestLimiter>()
            .AddSingleton<InvoicedPeriods>()
            .AddSingleton<Polaris.Ingestion.Features.Clock.OrgTimes>()
            .AddSingleton<IngestParts>()
            .AddScoped<FindEvents>()
            .AddSingleton<LocateEvent>();
        var app = builder.Build();
        app.UsePolarisAuthentication();
        app.MapIngest();
        app.MapEvents();
        app.MapOpenApiDocument();
        await app.StartAsync();
        return new IngestionAlone(app, database, billing);
    }

    /// <param name="key">The API key; null for none.</param>
    /// <param name="request">Sent as it is.</param>
    public async Task<HttpResponseMessage> SendAsync(string? key, HttpRequestMessage request)
    {
        using var http = new HttpClient { BaseAddress = Url };
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await http.SendAsync(request);
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await database.DisposeAsync();
        billing.Dispose();
    }

    private sealed class NoAccess : IAccessSource
    {
        public Task<CheckAccessResponse> CheckAsync(CheckAccessRequest request, CancellationToken ct) =>
            Task.FromResult(new CheckAccessResponse());

        public Task<CheckMembershipsResponse> CheckAsync(CheckMembershipsRequest request, CancellationToken ct) =>
            Task.FromResult(new CheckMembershipsResponse());
    }

    private sealed class Keys : IApiKeySource
    {
        public Task<ValidateApiKeyResponse> ValidateAsync(string apiKey, CancellationToken ct)
        {
            if (apiKey == KeyWhileIdentityIsAway)
                throw new RpcException(new Status(StatusCode.Unavailable, "away"));
            var verdict = new ValidateApiKeyResponse
            {
                Verdict =
                    apiKey == UnknownKey ? ApiKeyVerdict.Unknown
                    : apiKey == RevokedKey ? ApiKeyVerdict.Revoked
                    : ApiKeyVerdict.Valid,
                OrgId = "0192e4a0-0000-7000-8000-000000000001",
                KeyId = "0192e4a0-0000-7000-8000-000000000002",
            };
            if (apiKey is ValidKey or IngestOnlyKey)
                verdict.Scopes.Add(Scopes.Ingest);
            if (apiKey is ValidKey or ReadOnlyKey)
                verdict.Scopes.Add(Scopes.Read);
            return Task.FromResult(verdict);
        }
    }
}
