// The map of Polaris: every process, what it needs, and what waits for what. Written in Aspire's public API
// (docs/adr/0001-stand-in-for-aspire.md), so the same file compiles against the real packages with -p:UseAspire=true.

var builder = DistributedApplication.CreateBuilder(args);

// Services log in to their database as a role that owns nothing and cannot bypass row-level security; only migrations use the owner.
var databasePassword = builder.AddParameter("database-runtime-password", secret: true);
// Shared by the services to obtain their own access tokens (OAuth client credentials) from Identity.
var serviceSecret = builder.AddParameter("service-secret", secret: true);

var postgres = builder.AddPostgres("postgres").WithDataVolume();
var kafka = builder.AddKafka("kafka");

var identityDb = postgres.AddDatabase("identitydb");
var plansDb = postgres.AddDatabase("plansdb");
var ingestionDb = postgres.AddDatabase("ingestiondb");
var billingDb = postgres.AddDatabase("billingdb");
var notificationsDb = postgres.AddDatabase("notificationsdb");

var gateway = builder.AddProject<Projects.Polaris_Gateway>("gateway");
var publicUrl = gateway.WithHttpEndpoint(port: 8080, name: "http").GetEndpoint("http");

var identityMigrations = Migrations(builder.AddProject<Projects.Polaris_Identity>("identity-migrations"), identityDb, "polaris_identity");
var plansMigrations = Migrations(builder.AddProject<Projects.Polaris_Plans>("plans-migrations"), plansDb, "polaris_plans");
var ingestionMigrations = Migrations(builder.AddProject<Projects.Polaris_Ingestion>("ingestion-migrations"), ingestionDb, "polaris_ingestion");
var billingMigrations = Migrations(builder.AddProject<Projects.Polaris_Billing>("billing-migrations"), billingDb, "polaris_billing");
var notificationsMigrations = Migrations(builder.AddProject<Projects.Polaris_Notifications>("notifications-migrations"), notificationsDb, "polaris_notifications");

var identity = Service(builder.AddProject<Projects.Polaris_Identity>("identity"), identityDb, "polaris_identity", identityMigrations);

var plans = Service(builder.AddProject<Projects.Polaris_Plans>("plans"), plansDb, "polaris_plans", plansMigrations)
    .WithReference(identity).WaitFor(identity);

// A port that stays: who sends many single events sends them here, without the hop through the gateway (docs/adr/0009).
var ingestion = Service(builder.AddProject<Projects.Polaris_Ingestion>("ingestion"), ingestionDb, "polaris_ingestion", ingestionMigrations, port: 8082)
    .WithReference(kafka).WaitFor(kafka)
    .WithReference(identity).WaitFor(identity);

var billing = Service(builder.AddProject<Projects.Polaris_Billing>("billing"), billingDb, "polaris_billing", billingMigrations)
    .WithReference(kafka).WaitFor(kafka)
    .WithReference(identity).WaitFor(identity)
    .WithReference(plans).WaitFor(plans)
    .WithReference(ingestion).WaitFor(ingestion);

// Only to say where an event counts. Billing waits for Ingestion, so Ingestion must not wait for Billing.
ingestion.WithReference(billing);

var notifications = Service(builder.AddProject<Projects.Polaris_Notifications>("notifications"), notificationsDb, "polaris_notifications", notificationsMigrations)
    .WithReference(kafka).WaitFor(kafka)
    .WithReference(identity).WaitFor(identity);

var dashboard = builder.AddViteApp("dashboard", "../dashboard")
    .WithHttpEndpoint(port: 8081, name: "http", env: "PORT");

gateway.WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health", endpointName: "http")
    .WithEnvironment("Polaris__PublicUrl", publicUrl)
    .WithEnvironment("Polaris__ServiceSecret", serviceSecret)
    .WithReference(identity).WaitFor(identity)
    .WithReference(plans).WaitFor(plans)
    .WithReference(ingestion).WaitFor(ingestion)
    .WithReference(billing).WaitFor(billing)
    .WithReference(notifications).WaitFor(notifications)
    .WithReference(dashboard.GetEndpoint("http"));

if (!args.Contains("--no-demo"))
{
    // A one-shot client of the public APIs: creates the demo tenant once and tops up its recent usage at every start.
    builder.AddProject<Projects.Polaris_Bench>("demo")
        .WithArgs("demo")
        .WithEnvironment("POLARIS_URL", publicUrl)
        .WaitFor(gateway);
}

builder.Build().Run();

IResourceBuilder<ProjectResource> Migrations(IResourceBuilder<ProjectResource> project, IResourceBuilder<PostgresDatabaseResource> database, string role) => project
    .WithArgs("migrate")
    .WithReference(database, connectionName: "database")
    .WithEnvironment("Database__RuntimeRole", role)
    .WithEnvironment("Database__RuntimePassword", databasePassword)
    .WaitFor(database);

IResourceBuilder<ProjectResource> Service(
    IResourceBuilder<ProjectResource> project, IResourceBuilder<PostgresDatabaseResource> database, string role, IResourceBuilder<ProjectResource> migrations,
    int? port = null) => project
    .WithHttpEndpoint(port: port, name: "http")
    // gRPC needs HTTP/2, which plain text cannot negotiate: it gets a port of its own.
    .WithHttpEndpoint(name: "grpc", env: "GRPC_PORT")
    .WithHttpHealthCheck("/health", endpointName: "http")
    // The last value of a repeated keyword wins in a connection string: same server and database, lesser role.
    .WithEnvironment("ConnectionStrings__database", ReferenceExpression.Create($"{database};Username={role};Password={databasePassword}"))
    .WithEnvironment("Polaris__PublicUrl", publicUrl)
    .WithEnvironment("Polaris__ServiceSecret", serviceSecret)
    .WaitForCompletion(migrations);
