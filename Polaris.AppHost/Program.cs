// The map of Polaris: every process, what it needs, and what waits for what. Aspire runs it; Hosting/ starts PostgreSQL, Kafka and the
// dashboard as processes in their containers' place (docs/adr/0013), and leaves the model alone when it is published.
using Polaris.AppHost.Hosting;
using Polaris.AppHost.Publishing;

var switches = Switches.ParseOrExit(args);
var (builder, local) = LocalRun.Create(switches);

var postgres = local.Run(builder.AddPostgres("postgres", password: local.Secret("postgres-password")).WithDataVolume());
var kafka = local.Run(builder.AddKafka("kafka"));

var gateway = local.Process(builder.AddProject<Projects.Polaris_Gateway>("gateway"));
Public(gateway, 8080)
    .WithEndpoint("public", endpoint => endpoint.IsExternal = true)
    .WithHttpEndpoint(targetPort: local.ContainerPort(8080), name: "http", isProxied: false);
var publicUrl = local.PublicUrl(gateway.GetEndpoint("public"));

var identityDb = Database<Projects.Polaris_Identity>("identity");
var plansDb = Database<Projects.Polaris_Plans>("plans");
var ingestionDb = Database<Projects.Polaris_Ingestion>("ingestion");
var billingDb = Database<Projects.Polaris_Billing>("billing");
var notificationsDb = Database<Projects.Polaris_Notifications>("notifications");

var identity = Public(Service<Projects.Polaris_Identity>("identity", identityDb))
    .WithEnvironment("Polaris__InstallationSecret", local.Secret("installation-secret"));

var plans = CallsIdentity(Service<Projects.Polaris_Plans>("plans", plansDb));

// A port that stays: who sends many single events sends them here, without the hop through the gateway (docs/adr/0009).
var ingestion = CallsIdentity(Public(Service<Projects.Polaris_Ingestion>("ingestion", ingestionDb), 8082))
    .WithReference(kafka)
    .WaitFor(kafka);

var billing = CallsIdentity(Service<Projects.Polaris_Billing>("billing", billingDb))
    .WithReference(kafka)
    .WaitFor(kafka)
    .WithReference(plans)
    .WithReference(ingestion);

// Only to say where an event counts.
ingestion.WithReference(billing);

var notifications = CallsIdentity(Service<Projects.Polaris_Notifications>("notifications", notificationsDb))
    .WithReference(kafka)
    .WaitFor(kafka)
    // For the events that a broker lost, and the PDFs of invoices.
    .WithReference(billing)
    .WithEnvironment("Polaris__EncryptionSecret", local.Secret("notifications-encryption-secret"));
local.Mailbox(notifications, identity);

var dashboard = builder
    .AddViteApp("dashboard", "../dashboard", switches.DevServer)
    .WithHttpEndpoint(port: local.PreferredPort(8081), targetPort: local.ContainerPort(8080), name: "http", env: "PORT", isProxied: false)
    .WithReadinessCheck("/");

CallsIdentity(gateway)
    .WithReadinessCheck("/health")
    .WithGraphiQL("../Polaris.Gateway/Pages")
    .WithEnvironment("Polaris__PublicUrl", publicUrl)
    .WithReference(plans)
    .WithReference(ingestion)
    .WithReference(billing)
    .WithReference(notifications)
    .WithReference(dashboard.GetEndpoint("http"));

if (!switches.NoDemo && builder.ExecutionContext.IsRunMode)
{
    // A one-shot client of the public APIs: creates the demo tenant once and tops up its recent usage at every start.
    local
        .Process(builder.AddProject<Projects.Polaris_Demo>("demo"))
        .RunOnce()
        .WithEnvironment("POLARIS_URL", publicUrl)
        .WaitFor(gateway)
        .WaitFor(identity)
        .WaitFor(plans)
        .WaitFor(ingestion)
        .WaitFor(billing);
}

builder.Build().Run();
Kustomization.WriteIfAsked(switches);

// A service's database: migrated by its owner, used by a role that owns nothing and cannot bypass row-level security, with a password that
// only that service and its migration know. Locally one process migrates all of them.
ServiceDatabase Database<TProject>(string service)
    where TProject : IProjectMetadata, new()
{
    var database = postgres.AddDatabase(service + "db");
    var role = "polaris_" + service;
    var password = local.Secret(service + "-database-password");
    var migrations = local.Migrations<TProject>(service);
    migrations
        .Project.WithEnvironment(migrations.Prefix + "ConnectionStrings__database", database)
        .WithEnvironment(migrations.Prefix + "Database__RuntimeRole", role)
        .WithEnvironment(migrations.Prefix + "Database__RuntimePassword", password)
        .WaitFor(database);
    return new ServiceDatabase(local.ConnectionString(database, role, password), migrations.Project);
}

// The port for outsiders, whom the gateway's proxy or the Ingress brings: it serves nothing that is internal.
IResourceBuilder<ProjectResource> Public(IResourceBuilder<ProjectResource> service, int? port = null) =>
    service.WithHttpEndpoint(
        port: port is { } wanted ? local.PreferredPort(wanted) : null,
        targetPort: local.ContainerPort(8082),
        name: "public",
        env: "PUBLIC_PORT",
        isProxied: false
    );

IResourceBuilder<ProjectResource> Service<TProject>(string name, ServiceDatabase database)
    where TProject : IProjectMetadata, new() =>
    local
        .Process(builder.AddProject<TProject>(name))
        .WithHttpEndpoint(targetPort: local.ContainerPort(8080), name: "http", isProxied: false)
        // gRPC needs HTTP/2, which plain text cannot negotiate: it gets a port of its own.
        .WithHttpEndpoint(targetPort: local.ContainerPort(8081), name: "grpc", env: "GRPC_PORT", isProxied: false)
        .WithEndpoint("grpc", endpoint => endpoint.Transport = "http2")
        .WithReadinessCheck("/health")
        .WithEnvironment("ConnectionStrings__database", database.Runtime)
        .WithEnvironment("Polaris__PublicUrl", publicUrl)
        .WaitForCompletion(database.Migrations);

// Whoever calls other services does it with a token of its own, for an OAuth client secret that only it and Identity have.
IResourceBuilder<ProjectResource> CallsIdentity(IResourceBuilder<ProjectResource> service)
{
    var secret = local.Secret(service.Resource.Name + "-client-secret");
    identity.WithEnvironment("Polaris__ServiceClients__" + service.Resource.Name, secret);
    return service.WithReference(identity).WithEnvironment("Polaris__ClientSecret", secret);
}

internal sealed record ServiceDatabase(ReferenceExpression Runtime, IResourceBuilder<ProjectResource> Migrations);
