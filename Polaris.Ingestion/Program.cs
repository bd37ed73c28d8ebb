using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Ingest;
using Polaris.Ingestion.Features.Relay;
using Polaris.Ingestion.Features.Replay;
using Polaris.Ingestion.GraphQL;
using Polaris.Ingestion.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

if (await MigrateVerb.RunAsync<IngestionDbContext>(args, options => new IngestionDbContext(options))) return;
if (SchemaVerb.Run<Query>(args)) return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("ingestion");
builder.AddNpgsqlDbContext<IngestionDbContext>();
builder.AddKafkaProducer<byte[], byte[]>("kafka");
builder.Services.AddPolarisGrpc();
builder.Services.AddSubgraph<Query>();

// POST /ingest → group commit → outbox → Kafka.
builder.Services.AddSingleton<RelaySignal>().AddSingleton<EventWriter>();
builder.Services.AddHostedService(services => services.GetRequiredService<EventWriter>()).AddHostedService<UsageRelay>();
builder.Services.AddScoped<FindEvents>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapPost("/ingest", IngestEndpoint.HandleAsync).RequireAuthorization(Scopes.Ingest).DisableRequestSizeLimit();
app.MapGet("/events/{idempotencyKey}", EventEndpoint.HandleAsync).RequireAuthorization(Scopes.Read);
app.MapSubgraph();
app.MapPolarisGrpc<IngestionGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();

/// <summary>Kestrel's own limit would cut the connection; the endpoint answers with a problem instead.</summary>
internal static class RequestSizeExtensions
{
    public static RouteHandlerBuilder DisableRequestSizeLimit(this RouteHandlerBuilder route) =>
        route.WithMetadata(new Microsoft.AspNetCore.Mvc.DisableRequestSizeLimitAttribute());
}
