using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using NodaTime;
using Npgsql;
using Polaris.Billing;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Documents;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Rebuilding;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Settings;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Thresholds;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Features.Verification;
using Polaris.Billing.Features.WhatIf;
using Polaris.Billing.Persistence;
using Polaris.Ingestion.V1;
using Polaris.Plans.V1;
using Polaris.ServiceDefaults.Audit;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;
using PlanVersion = Polaris.Plans.V1.PlanVersion;

namespace Polaris.Tests.Billing;

/// <summary>One database for the tests of a class; each test has orgs of its own.</summary>
public sealed class BillingAloneFixture(PolarisApp polaris) : IAsyncLifetime
{
    internal BillingAlone Billing { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await polaris.StartedAsync();
        Billing = await BillingAlone.CreateAsync(polaris);
    }

    public async ValueTask DisposeAsync()
    {
        if (Billing is not null)
            await Billing.DisposeAsync();
    }
}

/// <summary>
/// Billing without the other services: its own classes on a database of its own (real PostgreSQL, the runtime role, all policies), with a
/// fake Ingestion (<see cref="Store"/>). The test controls what is stored, what is applied and in which order.
/// </summary>
internal sealed class BillingAlone : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Func<ValueTask> drop;

    private BillingAlone(WebApplication app, FakeIngestion store, FakePlans plans, Func<ValueTask> drop) =>
        (this.app, Store, Plans, this.drop) = (app, store, plans, drop);

    public FakeIngestion Store { get; }

    public FakePlans Plans { get; }

    public NpgsqlDataSource Database => Of<NpgsqlDataSource>();

    public static async Task<BillingAlone> CreateAsync(PolarisApp polaris)
    {
        var name = $"billing_{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        await polaris.ScalarAsync<object>("billingdb", $"CREATE DATABASE {name}");
        await using (var owner = await polaris.OpenDatabaseAsync("billingdb", $";Database={name};Persist Security Info=true"))
        {
            await MigrateVerb.RunAsync<BillingDbContext>(
                [
                    "migrate",
                    $"--ConnectionStrings:database={owner.ConnectionString}",
                    $"--Database:RuntimeRole={name}",
                    $"--Database:RuntimePassword={name}",
                ],
                options => new BillingDbContext(options)
            );
            return new BillingAlone(
                Compose(
                    new NpgsqlConnectionStringBuilder(owner.ConnectionString)
                    {
                        Username = name,
                        Password = name,
                        Pooling = true,
                    }.ConnectionString,
                    out var store,
                    out var plans
                ),
                store,
                plans,
                DropAsync
            );
        }

        // PostgreSQL would go on looking after each database that was left.
        async ValueTask DropAsync()
        {
            await polaris.ScalarAsync<object>("billingdb", $"DROP DATABASE {name} WITH (FORCE)");
            await polaris.ScalarAsync<object>("billingdb", $"DROP ROLE {name}");
        }
    }

    public T Of<T>()
        where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>Runs a use case in a scope of the org.</summary>
    public async Task<TResult> InOrgAsync<T, TResult>(Guid org, Func<T, Task<TResult>> act)
        where T : notnull
    {
        await using var scope = app.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantScope>().EnterOrg(org);
        return await act(scope.ServiceProvider.GetRequiredService<T>());
    }

    /// <summary>Creates an org with these meters registered.</summary>
    public async Task<Guid> NewOrgAsync(params MeterDefinition[] meters)
    {
        var org = Guid.CreateVersion7();
        await using var tx = await Database.BeginOrgAsync(org, default);
        await using (var command = tx.Command("INSERT INTO orgs (org_id, next_invoice_number) VALUES ($1, 1)"))
        {
            command.Parameters.AddWithValue(org);
            await command.ExecuteNonQueryAsync();
        }

        foreach (var meter in meters)
        {
            await using var command = tx.Command("INSERT INTO meters (org_id, id, key, message, filled) VALUES ($1, $2, $3, $4, true)");
            command.Parameters.AddWithValue(org);
            command.Parameters.AddWithValue(meter.Id);
            command.Parameters.AddWithValue(meter.Key);
            command.Parameters.AddWithValue(
                new Meter
                {
                    Id = meter.Id.ToString(),
                    Key = meter.Key,
                    EventType = meter.EventType,
                    Aggregation = (Polaris.Plans.V1.Aggregation)(int)meter.Aggregation,
                    Property = meter.Property,
                    Dimensions = { meter.Dimensions ?? [] },
                }.ToByteArray()
            );
            await command.ExecuteNonQueryAsync();
        }

        await tx.CommitAsync(default);
        return org;
    }

    public Task ApplyAsync(params UsageBatch[] batches) => Of<ApplyUsage>().ApplyAsync(batches, default);

    public Task RebuildAsync() => Of<RebuildBuckets>().RebuildAllAsync(default);

    public Task<int> DraftAsync(Guid org) => InOrgAsync<DraftInvoices, int>(org, draft => draft.DraftSomeAsync(default));

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        await drop();
    }

    private static WebApplication Compose(string connectionString, out FakeIngestion store, out FakePlans plans)
    {
        plans = new FakePlans();
        var ingestion = store = new FakeIngestion();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:database", connectionString)]);
        builder.AddNpgsqlDbContext<BillingDbContext>();
        builder.Services.AddLogging().AddOptions<BillingOptions>();
        builder
            .Services.AddSingleton(TimeProvider.System)
            .AddScoped<TenantScope>()
            .AddSingleton<Polaris.Ingestion.V1.Ingestion.IngestionClient>(ingestion)
            .AddSingleton<Polaris.Plans.V1.Plans.PlansClient>(plans)
            .AddSingleton<ApplyUsage>()
            .AddSingleton<Throughput>()
            .AddSingleton<FreshBuckets>()
            .AddSingleton<MeterCatalog>()
            .AddSingleton<PlanCatalog>()
            .AddSingleton<RebuildSignal>()
            .AddSingleton<OutboxSignal>()
            .AddSingleton<ThresholdSignal>()
            .AddSingleton<InvoiceSignal>()
            .AddSingleton<RebuildBuckets>()
            .AddSingleton<LocateEvents>()
            .AddScoped<MutationAudit>()
            .AddScoped<ReadAuditLog>()
            .AddScoped<EditThresholds>()
            .AddScoped<ReadThresholds>()
            .AddScoped<MeasureBalances>()
            .AddScoped<RateThresholds>()
            .AddSingleton<CheckThresholds>()
            .AddSingleton<ReadUsage>()
            .AddSingleton<ReportUsage>()
            .AddSingleton<CompareAggregates>()
            .AddSingleton(services => new BillingEventRelay(services.GetRequiredService<NpgsqlDataSource>(), null!, TimeProvider.System))
            .AddScoped<ChangePlan>()
            .AddScoped<EndSubscription>()
            .AddScoped<PauseSubscription>()
            .AddScoped<Coupons>()
            .AddScoped<CreateOneOffCharge>()
            .AddScoped<SharedMeters>()
            .AddScoped<PreviewInvoice>()
            .AddScoped<WhatIf>()
            .AddScoped<ReadCurrentUsage>()
            .AddScoped<OrgClocks>()
            .AddSingleton<OrgKinds>()
            .AddSingleton<Polaris.Identity.V1.Identity.IdentityClient, FakeIdentity>()
            .AddScoped<DraftInvoices>()
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
            .AddSingleton<ExpireCredits>()
            .AddScoped<ReadInvoices>()
            .AddScoped<ReadLineEvents>()
            .AddScoped<ReadUncounted>()
            .AddScoped<HeldInvoices>()
            .AddScoped<CreateCustomers>()
            .AddScoped<ReadCustomers>()
            .AddScoped<UpdateCustomer>()
            .AddScoped<ArchiveCustomer>()
            .AddScoped<InvoiceSettings>()
            .AddScoped<ReadDocument>()
            .AddScoped<CreateSubscriptions>()
            .AddSingleton<GenerateInvoices>()
            .AddScoped<RecomputeInvoice>()
            .AddSingleton<VerificationSignal>()
            .AddScoped<StartVerification>()
            .AddTransient<VerifyInvoices>()
            .AddScoped<UsageFromEvents>();
        return builder.Build();
    }
}

/// <summary>A fake of Identity: every org is a sandbox.</summary>
internal sealed class FakeIdentity : Polaris.Identity.V1.Identity.IdentityClient
{
    public override AsyncUnaryCall<Polaris.Identity.V1.Org> GetOrgAsync(
        Polaris.Identity.V1.GetOrgRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    ) =>
        new(
            Task.FromResult(new Polaris.Identity.V1.Org { Id = request.OrgId, Sandbox = true }),
            Task.FromResult(new Metadata()),
            () => Status.DefaultSuccess,
            () => [],
            () => { }
        );
}

/// <summary>A fake of Plans: versions by id and a plan's current one. Tests register meters themselves.</summary>
internal sealed class FakePlans : Polaris.Plans.V1.Plans.PlansClient
{
    private readonly ConcurrentDictionary<string, PlanVersion> versions = new();

    public PlanVersion Add(PlanVersion version) => versions[version.Id] = version;

    public override AsyncUnaryCall<ListMetersResponse> ListMetersAsync(
        ListMetersRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    ) => Answer(Task.FromResult(new ListMetersResponse()));

    public override AsyncUnaryCall<PlanVersion> GetPublishedPlanVersionAsync(
        GetPublishedPlanVersionRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    ) =>
        Answer(
            versions
                .Values.Where(version => version.PlanKey == request.PlanKey && version.Status == VersionStatus.Published)
                .MaxBy(version => version.Number)
                is { } current
                ? Task.FromResult(current)
                : Task.FromException<PlanVersion>(new RpcException(new Status(StatusCode.NotFound, "")))
        );

    public override AsyncUnaryCall<GetPlanVersionsResponse> GetPlanVersionsAsync(
        GetPlanVersionsRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    )
    {
        var response = new GetPlanVersionsResponse();
        response.Versions.AddRange(request.Ids.Where(versions.ContainsKey).Select(id => versions[id]));
        return Answer(Task.FromResult(response));
    }

    private static AsyncUnaryCall<T> Answer<T>(Task<T> answer) =>
        new(answer, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
}

/// <summary>A fake of Ingestion's store with its contract: every event once, in order of batch id, with its correction.</summary>
internal sealed class FakeIngestion : Polaris.Ingestion.V1.Ingestion.IngestionClient
{
    private readonly Lock sync = new();
    private readonly List<UsageBatch> batches = [];

    /// <summary>Called with the org before a stream ends, to hold it there.</summary>
    public Func<Guid, Task>? Streaming { get; set; }

    /// <summary>Stores another batch with these events.</summary>
    public UsageBatch Add(Guid org, params UsageEvent[] events)
    {
        var batch = new UsageBatch { OrgId = Bytes(org), BatchId = Bytes(Guid.CreateVersion7()) };
        batch.Events.AddRange(events);
        lock (sync)
            batches.Add(batch);
        return batch;
    }

    public override AsyncServerStreamingCall<UsageBatch> StreamEvents(
        StreamEventsRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    )
    {
        var (from, to) = (
            Instant.FromDateTimeOffset(request.From.ToDateTimeOffset()).ToUnixTimeTicks() / 10,
            Instant.FromDateTimeOffset(request.To.ToDateTimeOffset()).ToUnixTimeTicks() / 10
        );
        UsageBatch[] all;
        lock (sync)
            all = [.. batches.Where(batch => batch.OrgId.Equals(Bytes(Guid.Parse(request.OrgId))))];
        var correctedBy = all.SelectMany(batch =>
                batch
                    .Events.Where(usageEvent => usageEvent.Corrects is not null)
                    .Select(usageEvent => (usageEvent.Corrects.IdempotencyKey, batch.BatchId))
            )
            .ToDictionary();
        var found = all.OrderBy(batch => FoldUsage.IdOf(batch))
            .Select(batch =>
            {
                var some = batch.Clone();
                some.Events.Clear();
                some.Events.AddRange(
                    batch
                        .Events.Where(usageEvent =>
                            usageEvent.TimestampUs >= from
                            && usageEvent.TimestampUs < to
                            && (request.Customer.Length == 0 || usageEvent.Customer == request.Customer)
                            && (request.Types_.Count == 0 || request.Types_.Contains(usageEvent.Type))
                        )
                        .Select(usageEvent => usageEvent.Clone())
                );
                foreach (var usageEvent in some.Events.Where(usageEvent => correctedBy.ContainsKey(usageEvent.IdempotencyKey)))
                    usageEvent.CorrectedBy = correctedBy[usageEvent.IdempotencyKey];
                return some;
            })
            .Where(batch => batch.Events.Count > 0)
            .ToArray();
        return Stream(new Reader(found, Streaming is { } streaming ? () => streaming(Guid.Parse(request.OrgId)) : null));
    }

    public override AsyncServerStreamingCall<UsageBatch> GetBatches(
        GetBatchesRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    )
    {
        var ids = request.Batches.Select(named => Bytes(Guid.Parse(named.BatchId))).ToHashSet();
        lock (sync)
            return Stream(new Reader([.. batches.Where(batch => ids.Contains(batch.BatchId)).Select(batch => batch.Clone())], null));
    }

    private static AsyncServerStreamingCall<UsageBatch> Stream(Reader reader) =>
        new(reader, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });

    public static UsageEvent Event(string key, Instant at, string customer = "acme", string properties = "", Correction? corrects = null) =>
        new()
        {
            IdempotencyKey = key,
            Type = "call",
            Customer = customer,
            TimestampUs = at.ToUnixTimeTicks() / 10,
            Properties = ByteString.CopyFromUtf8(properties),
            ContentHash = ByteString.CopyFrom(SHA256.HashData(Encoding.UTF8.GetBytes(key + customer + properties)).AsSpan(0, 16)),
            Corrects = corrects,
        };

    /// <summary>The reference of a later event to this one.</summary>
    public static Correction Of(UsageBatch batch, UsageEvent earlier, bool replaces) =>
        new()
        {
            IdempotencyKey = earlier.IdempotencyKey,
            BatchId = batch.BatchId,
            Customer = earlier.Customer,
            TimestampUs = earlier.TimestampUs,
            Replaces = replaces,
        };

    private static ByteString Bytes(Guid id) => ByteString.CopyFrom(id.ToByteArray(bigEndian: true));

    private sealed class Reader(UsageBatch[] found, Func<Task>? streaming) : IAsyncStreamReader<UsageBatch>
    {
        private int at = -1;

        public UsageBatch Current => found[at];

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (++at == found.Length && streaming is not null)
                await streaming();
            return at < found.Length;
        }
    }
}
