using System.Net;
using Polaris.Billing.V1;
using Polaris.Notifications;
using Polaris.Notifications.Features.Addresses;
using Polaris.Notifications.Features.Audit;
using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.Features.Endpoints;
using Polaris.Notifications.Features.Events;
using Polaris.Notifications.Features.Mail;
using Polaris.Notifications.Features.Orgs;
using Polaris.Notifications.Features.Secrets;
using Polaris.Notifications.Features.Serving;
using Polaris.Notifications.Features.Webhooks;
using Polaris.Notifications.GraphQL;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;

if (await MigrateVerb.RunAsync<NotificationsDbContext>(args, options => new NotificationsDbContext(options)))
    return;
if (SchemaVerb.Run<Query, Mutation>(args))
    return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("notifications");
builder.AddNpgsqlDbContext<NotificationsDbContext>();
builder.AddKafkaConsumer<byte[], byte[]>("kafka", groupId: "notifications");
builder
    .Services.AddOptions<NotificationsOptions>()
    .Configure(options =>
    {
        // A developer's receiver is on the same machine.
        if (builder.Environment.IsDevelopment())
            (options.AllowHttp, options.AllowedNetworks) = (true, "127.0.0.0/8,::1/128");
    })
    .BindConfiguration(NotificationsOptions.Section)
    .ValidateDataAnnotations()
    .Validate(options => options.Networks() is not null)
    .ValidateOnStart();
builder.Services.AddOptions<SmtpOptions>().BindConfiguration(SmtpOptions.Section).ValidateDataAnnotations().ValidateOnStart();
DerivedKeys.AddDataProtection(
    builder.Services,
    "polaris.notifications",
    "polaris/notifications-at-rest",
    configuration =>
        configuration[SecretBox.Setting] is { Length: > 0 } secret
            ? secret
            : throw new InvalidOperationException($"{SecretBox.Setting} is missing.")
);
builder.Services.AddPolarisGrpcClient<Billing.BillingClient>("billing");
builder.Services.AddSubgraph<Query, Mutation>();

// Events: from Kafka and, where the broker lost them, from Billing's outbox, to deliveries.
builder
    .Services.AddSingleton<SecretBox>()
    .AddSingleton<QueueSignal>()
    .AddSingleton<StoreEvent>()
    .AddRecordHandler<ConsumeBillingEvents>()
    .AddPeriodicWorker<RecoverEvents>()
    .AddPeriodicWorker<TakeMail>();

// Deliveries: turns of endpoints and mail.
builder.Services.AddSingleton<ResolveHost>((host, ct) => Dns.GetHostAddressesAsync(host, ct));
builder
    .Services.AddSingleton<GuardedConnections>()
    .AddSingleton<EndpointUrl>()
    .AddSingleton<SendWebhook>()
    .AddSingleton<OrgNames>()
    .AddSingleton<Unsubscribe>()
    .AddSingleton<WriteMail>()
    .AddSingleton<SendMail>()
    .AddSingleton<QueueStore>()
    .AddSingleton<ServeQueue>()
    .AddPeriodicWorker<ServeQueues>()
    .AddPeriodicWorker<PurgeDeliveries>();

builder
    .Services.AddScoped<EditEndpoints>()
    .AddScoped<EditAddresses>()
    .AddScoped<ReadDeliveries>()
    .AddScoped<ReadOfOrgs>()
    .AddScoped<Resend>()
    .AddScoped<ReadAuditLog>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapSubgraph();
Unsubscribe.Map(app);
app.MapDefaultEndpoints();
await app.RunAsync();
