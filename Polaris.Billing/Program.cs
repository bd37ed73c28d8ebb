using Polaris.Billing;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Consuming;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Grpc;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Features.Operations;
using Polaris.Billing.Features.Orgs;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Rebuilding;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Settings;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Thresholds;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Features.Verification;
using Polaris.Billing.Features.WhatIf;
using Polaris.Billing.GraphQL;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.V1;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

if (await MigrateVerb.RunAsync<BillingDbContext>(args, options => new BillingDbContext(options)))
    return;
if (SchemaVerb.Run<Query, Mutation, Live>(args))
    return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("billing");
builder.AddNpgsqlDbContext<BillingDbContext>();
builder.AddKafkaConsumer<byte[], byte[]>("kafka", groupId: "billing");
builder.AddKafkaProducer<byte[], byte[]>("kafka");
builder.Services.AddOptions<BillingOptions>().BindConfiguration(BillingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddPolarisGrpc();
builder.Services.AddPolarisGrpcClient<Plans.PlansClient>("plans");
builder.Services.AddPolarisGrpcClient<Ingestion.IngestionClient>("ingestion");
builder.Services.AddSubgraph<Query, Mutation, Live>();

// Usage: Kafka to buckets, exactly once; meters from Plans; lost batches from Ingestion.
builder
    .Services.AddSingleton<ApplyUsage>()
    .AddSingleton<Throughput>()
    .AddSingleton<DeadLetters>()
    .AddSingleton<MeterCatalog>()
    .AddSingleton<ReadUsage>()
    .AddSingleton<ReportUsage>()
    .AddSingleton<LiveUsage>()
    .AddSingleton<RebuildSignal>()
    .AddSingleton<OutboxSignal>()
    .AddSingleton<UnconfirmedEvents>()
    .AddSingleton<ThresholdSignal>()
    .AddSingleton<ConsumerPositions>()
    .AddSingleton<FreshBuckets>()
    .AddSingleton<ApplyFromStore>()
    .AddSingleton<ReplayDeadLetters>()
    .AddSingleton<LocateEvents>();
builder
    .Services.AddKafkaConsumerWorker<ConsumeUsage>()
    .AddPeriodicWorker<RecoverLostBatches>()
    .AddPeriodicWorker<SyncMeters>()
    .AddPeriodicWorker<FillMeters>()
    .AddPeriodicWorker<RebuildBuckets>()
    .AddPeriodicWorker<CompactAppliedBatches>()
    .AddPeriodicWorker<RecordThroughput>()
    .AddPeriodicWorker<MonitorDeadLetters>();

// Reconciliation: Billing's buckets against Ingestion's batches, continuously.
builder
    .Services.AddSingleton<CompareBuckets>()
    .AddSingleton<CompareAggregates>()
    .AddSingleton<RepairBuckets>()
    .AddSingleton<ReconcileBuckets>()
    .AddSingleton<ReconciliationRecords>()
    .AddSingleton<SlowCycle>()
    .AddSingleton<ReconcileUsage>()
    .AddPeriodicWorker<Reconciler>();

// Invoices: period ends, drafts, billing events.
builder.Services.AddSingleton<InvoiceSignal>().AddSingleton<PlanCatalog>();
builder.Services.AddPeriodicWorker<GenerateInvoices>().AddPeriodicWorker<BillingEventRelay>().AddPeriodicWorker<ExpireCredits>();
builder.Services.AddPeriodicWorker<VerifyInvoices>();

// Thresholds: those that need rating, right after their usage was counted.
builder
    .Services.AddScoped<EditThresholds>()
    .AddScoped<ReadThresholds>()
    .AddScoped<MeasureBalances>()
    .AddScoped<RateThresholds>()
    .AddPeriodicWorker<CheckThresholds>();

builder
    .Services.AddSingleton<ReadOperations>()
    .AddScoped<ReadAuditLog>()
    .AddScoped<CreateCustomers>()
    .AddScoped<ReadCustomers>()
    .AddScoped<UpdateCustomer>()
    .AddScoped<ArchiveCustomer>()
    .AddScoped<InvoiceSettings>()
    .AddScoped<CreateSubscriptions>()
    .AddScoped<ChangePlan>()
    .AddScoped<EndSubscription>()
    .AddScoped<PauseSubscription>()
    .AddScoped<Coupons>()
    .AddScoped<CreateOneOffCharge>()
    .AddScoped<SharedMeters>()
    .AddScoped<OrgClocks>()
    .AddSingleton<OrgKinds>()
    .AddSingleton<TestClocks>()
    .AddScoped<DraftInvoices>()
    .AddScoped<ReadInvoices>()
    .AddScoped<ReadOfOrgs>()
    .AddScoped<ReadUsageOfOrgs>()
    .AddScoped<ReadLineEvents>()
    .AddScoped<ReadUncounted>()
    .AddScoped<HeldInvoices>()
    .AddScoped<FinalizeInvoice>()
    .AddScoped<FinalizeInvoices>()
    .AddScoped<PayInvoice>()
    .AddScoped<VoidInvoice>()
    .AddScoped<CreateCreditNote>()
    .AddScoped<CreditGrants>()
    .AddScoped<ReadLedger>()
    .AddScoped<ReadEntitlement>()
    .AddScoped<InvoiceTiming>()
    .AddScoped<SetHardStop>()
    .AddScoped<RecomputeInvoice>()
    .AddSingleton<VerificationSignal>()
    .AddScoped<StartVerification>()
    .AddScoped<ReadDocument>()
    .AddSingleton<PrintQueue>()
    .AddScoped<UsageFromEvents>()
    .AddScoped<PreviewInvoice>()
    .AddScoped<WhatIf>()
    .AddScoped<ReadCurrentUsage>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapSubgraph();
app.MapDocuments();
app.MapPolarisGrpc<BillingGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();
