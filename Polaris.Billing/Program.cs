using Polaris.Billing;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Features.WhatIf;
using Polaris.Billing.GraphQL;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.V1;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

if (await MigrateVerb.RunAsync<BillingDbContext>(args, options => new BillingDbContext(options))) return;
if (SchemaVerb.Run<Query, Mutation>(args)) return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("billing");
builder.AddNpgsqlDbContext<BillingDbContext>();
builder.AddKafkaConsumer<byte[], byte[]>("kafka", groupId: "billing");
builder.AddKafkaProducer<byte[], byte[]>("kafka");
builder.Services.AddOptions<BillingOptions>().BindConfiguration(BillingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddPolarisGrpc();
builder.Services.AddPolarisGrpcClient<Plans.PlansClient>("plans");
builder.Services.AddPolarisGrpcClient<Ingestion.IngestionClient>("ingestion");
builder.Services.AddSubgraph<Query, Mutation>();

// Usage: Kafka → buckets, exactly once; meters from Plans; what Kafka lost from Ingestion.
builder.Services.AddSingleton<ApplyUsage>().AddSingleton<DeadLetters>().AddSingleton<MeterCatalog>().AddSingleton<ReadUsage>().AddSingleton<RebuildSignal>()
    .AddSingleton<ConsumerPositions>().AddSingleton<FreshBuckets>().AddSingleton<ApplyFromStore>().AddSingleton<ReplayDeadLetters>().AddSingleton<LocateEvents>();
builder.Services.AddHostedService<ConsumeUsage>().AddHostedService<HealLostBatches>().AddHostedService<SyncMeters>().AddHostedService<FillMeters>()
    .AddHostedService<RebuildBuckets>().AddHostedService<FoldAppliedBatches>().AddHostedService<WatchDeadLetters>();

// The auditor: Billing's buckets against Ingestion's batches, for ever.
builder.Services.AddSingleton<CompareBuckets>().AddSingleton<CompareAggregates>().AddSingleton<RepairBuckets>().AddSingleton<AuditBuckets>()
    .AddSingleton<AuditRecords>().AddSingleton<SlowCycle>().AddSingleton<AuditUsage>().AddHostedService<Auditor>();

// Invoices: period ends → drafts → billing events.
builder.Services.AddSingleton<InvoiceSignal>().AddSingleton<PlanCatalog>().AddSingleton<BillingEventRelay>();
builder.Services.AddHostedService<GenerateInvoices>().AddHostedService(services => services.GetRequiredService<BillingEventRelay>());

builder.Services.AddScoped<CreateCustomers>().AddScoped<ReadCustomers>().AddScoped<CreateSubscriptions>().AddScoped<ChangePlan>().AddScoped<EndSubscription>().AddScoped<OrgClocks>()
    .AddScoped<DraftInvoices>().AddScoped<ReadInvoices>().AddScoped<FinalizeInvoice>().AddScoped<RecomputeInvoice>().AddScoped<UsageFromEvents>()
    .AddScoped<PreviewInvoice>().AddScoped<WhatIf>().AddScoped<ReadCurrentUsage>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapSubgraph();
app.MapPolarisGrpc<BillingGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();
