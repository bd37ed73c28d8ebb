using Polaris.Plans.Features.Archiving;
using Polaris.Plans.Features.Audit;
using Polaris.Plans.Features.Grpc;
using Polaris.Plans.Features.Meters;
using Polaris.Plans.Features.Plans;
using Polaris.Plans.GraphQL;
using Polaris.Plans.Persistence;
using Polaris.ServiceDefaults;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Grpc;
using Polaris.ServiceDefaults.Persistence;

if (await MigrateVerb.RunAsync<PlansDbContext>(args, options => new PlansDbContext(options)))
    return;
if (SchemaVerb.Run<Query, Mutation>(args))
    return;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("plans");
builder.AddNpgsqlDbContext<PlansDbContext>();
builder.Services.AddPolarisGrpc();
builder.Services.AddSubgraph<Query, Mutation>();
builder
    .Services.AddScoped<CreateMeter>()
    .AddScoped<EditPlans>()
    .AddScoped<Archive>()
    .AddScoped<ReadPlans>()
    .AddScoped<ReadPlansOfOrgs>()
    .AddScoped<ReadAuditLog>();

var app = builder.Build();
app.UsePolarisAuthentication();
app.MapSubgraph();
app.MapPolarisGrpc<PlansGrpcService>();
app.MapDefaultEndpoints();
await app.RunAsync();
