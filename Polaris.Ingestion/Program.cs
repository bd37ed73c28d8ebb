using Polaris.Billing.V1;
using Polaris.Ingestion;
using Polaris.Ingestion.Features.Clock;
using Polaris.Ingestion.Features.Events;
using Polaris.Ingestion.Features.Ingest;
using Polaris.Ingestion.Features.Late;
using Polaris.Ingestion.Features.OpenApi;
using Polaris.Ingestion.Features.Relay;
using Polaris.Ingestion.Features.Replay;
using Polaris.Ingestion.GraphQL;
using Polaris.Ingestion.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.RateLimiting;

if (await MigrateVerb.RunAsync<IngestionDbContext>(args, options => new IngestionDbContext(options)))
    return;
if (SchemaVerb.Run<Query>(args))
    return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("ingestion");
builder.AddNpgsqlDbContext<IngestionDbContext>();
builder.AddKafkaProducer<byte[], byte[]>("kafka");
builder.Services.AddPolarisGrpc();
builder.Services.AddSubgraph<Query>();

builder.AddKafkaConsumer<byte[], byte[]>("kafka", groupId: "ingestion-invoiced");
builder.Services.AddPolarisGrpcClient<Billing.BillingClient>("billing");
builder.Services.AddOptions<IngestionOptions>().BindConfiguration(IngestionOptions.Section).ValidateDataAnnotations().ValidateOnStart();

// POST /ingest → group commit → outbox → Kafka.
builder
    .Services.AddSingleton<RelaySignal>()
    .AddSingleton<EventWriter>()
    .AddSingleton<RequestWriter>()
    .AddOrgRateLimiter(RateBudgets.Events)
    .AddSingleton<IngestLimiter>()
    .AddSingleton<OrgTimes>()
    .AddSingleton<IngestParts>();
builder.Services.AddPeriodicWorker<FollowTestClocks>();
builder.Services.AddSingleton<InvoicedPeriods>().AddRecordHandler<ConsumeInvoices>();
builder.Services.AddHostedService(services => services.GetRequiredService<EventWriter>()).AddPeriodicWorker<UsageRelay>();
builder.Services.AddScoped<FindEvents>().AddSingleton<LocateEvent>().AddSingleton<ReadOutbox>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapIngest();
app.MapEvents();
app.MapOpenApiDocument();
app.MapSubgraph();
app.MapPolarisGrpc<IngestionGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();
