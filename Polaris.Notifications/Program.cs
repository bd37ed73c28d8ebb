using Polaris.Notifications.Features.Deliveries;
using Polaris.Notifications.GraphQL;
using Polaris.Notifications.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
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
builder.Services.AddSubgraph<Query, Mutation>();
builder.Services.AddSingleton<RecordDelivery>().AddRecordHandler<ConsumeBillingEvents>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapSubgraph();
app.MapDefaultEndpoints();
await app.RunAsync();
