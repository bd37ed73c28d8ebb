using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// The run on a developer's machine: state, ports and processes, on Aspire's orchestrator and without a container runtime. In publish mode
/// everything here leaves the model as it is.
/// </summary>
internal sealed class LocalRun
{
    private const string Development = "Development";

    private readonly IDistributedApplicationBuilder builder;
    private readonly Switches switches;
    private readonly StateDirectory? state;

    private LocalRun(IDistributedApplicationBuilder builder, Switches switches)
    {
        this.builder = builder;
        this.switches = switches;
        if (!builder.ExecutionContext.IsRunMode)
            return;
        var opened = state = StateDirectory.Open(switches.StateDirectory, switches.Reset);
        // As a factory: the container then disposes of it when the application ends.
        builder.Services.AddSingleton(_ => opened);
        Startup.Use(builder);
        // A crash comes back by itself: whoever waits for it goes on waiting.
        builder.Services.Configure<ResourceNotificationServiceOptions>(options =>
            options.DefaultWaitBehavior = WaitBehavior.WaitOnResourceUnavailable
        );
        builder.Services.AddLogging(logging => logging.AddFilter("Aspire", LogLevel.Warning).AddFilter("Microsoft", LogLevel.Warning));
        CrashRestarts.Use(builder);
        builder.UseBuiltExecutables();
    }

    /// <summary>Aspire's builder, on loopback without a developer certificate, and what a local run needs.</summary>
    public static (IDistributedApplicationBuilder Builder, LocalRun Local) Create(Switches switches)
    {
        // Aspire reads these before anything else; without a certificate there is no HTTPS to offer.
        Prefer("ASPNETCORE_URLS", switches.RandomPorts ? Ports.AnyFree() : Ports.Prefer(18888));
        Prefer("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", Ports.AnyFree());
        Prefer("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", Ports.AnyFree());
        // The AppHost ends when everything it started has ended.
        string[] arguments = ["--DcpPublisher:WaitForResourceCleanup=true"];
        if (switches.Publisher is not null)
            arguments = ["--publisher", "manifest", "--output-path", switches.ManifestPath];
        var builder = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions
            {
                Args = arguments,
                AllowUnsecuredTransport = true,
                DisableDashboard = switches.NoTelemetry,
            }
        );
        return (builder, new LocalRun(builder, switches));
    }

    /// <summary>A secret that is generated once: locally kept with the data, in a deployment a parameter.</summary>
    public IResourceBuilder<ParameterResource> Secret(string name) =>
        builder.AddParameter(name, new PersistedSecret(state, name), secret: true);

    /// <summary>A port that stays, or any when it is taken or free ones were asked for.</summary>
    public int? PreferredPort(int port)
    {
        if (builder.ExecutionContext.IsPublishMode)
            return null;
        if (switches.RandomPorts || builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts"))
            return Ports.AnyFree();
        var chosen = Ports.Prefer(port);
        if (chosen != port)
            Console.WriteLine($"Port {port} is taken; {chosen} is used in its place.");
        return chosen;
    }

    /// <summary>The port inside a container. Locally each process has one of its own.</summary>
    public int? ContainerPort(int port) => builder.ExecutionContext.IsPublishMode ? port : null;

    /// <summary>Where people and their programs reach Polaris: locally the gateway itself, in a deployment a parameter.</summary>
    public ReferenceExpression PublicUrl(EndpointReference gateway) =>
        builder.ExecutionContext.IsPublishMode
            ? ReferenceExpression.Create($"{builder.AddParameter("public-url")}")
            : ReferenceExpression.Create($"{gateway}");

    /// <summary>What every local process gets.</summary>
    public IResourceBuilder<T> Process<T>(IResourceBuilder<T> resource)
        where T : IResourceWithEnvironment
    {
        // In a cluster, the gateway and the Ingress are in its private networks.
        if (state is null)
            return resource.WithEnvironment("Polaris__TrustedProxies", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7");
        var environment = Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") is { Length: > 0 } own ? own : Development;
        resource
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", environment)
            .WithEnvironment("DOTNET_ENVIRONMENT", environment)
            .WithEnvironment("POLARIS_STATE_DIR", state.Root);
        // A collector of the user's own takes the place of the Aspire dashboard's.
        var collector = Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT");
        if (collector is { Length: > 0 })
        {
            resource
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
                .WithEnvironment(
                    "OTEL_EXPORTER_OTLP_PROTOCOL",
                    Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_PROTOCOL") ?? "grpc"
                );
        }
        else if (switches.NoTelemetry)
        {
            resource.WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", "");
        }

        // Quick starts matter more to a developer than the last fifth of speed.
        return environment == Development ? resource.WithEnvironment("DOTNET_TieredPGO", "0") : resource;
    }

    /// <summary>
    /// The resource that migrates a service's database, and the prefix of its settings' names: in a deployment the service's own image in a
    /// Job, locally one process for all of them.
    /// </summary>
    public (IResourceBuilder<ProjectResource> Project, string Prefix) Migrations<TProject>(string service)
        where TProject : IProjectMetadata, new()
    {
        const string Shared = "migrations";
        if (state is null)
            return (builder.AddProject<TProject>(service + "-migrations").WithArgs("migrate"), "");
        var project = builder.Resources.OfType<ProjectResource>().FirstOrDefault(resource => resource.Name == Shared) is { } known
            ? builder.CreateResourceBuilder(known)
            : Process(builder.AddProject<Projects.Polaris_DatabaseMigrator>(Shared)).RunOnce();
        return (project.WithArgs(service), service + "__");
    }

    /// <summary>A role's own connection string: the owner's password is no part of it.</summary>
    public ReferenceExpression ConnectionString(
        IResourceBuilder<PostgresDatabaseResource> database,
        string role,
        IResourceBuilder<ParameterResource> password
    )
    {
        var server = database.Resource.Parent;
        var name = database.Resource.DatabaseName;
        if (state is not null && builder.Configuration.GetConnectionString(server.Name) is { Length: > 0 } own)
        {
            var address = new NpgsqlConnectionStringBuilder(own) { Username = null, Password = null }.ConnectionString;
            return ReferenceExpression.Create($"{address};Database={name};Username={role};Password={password}");
        }

        var host = server.PrimaryEndpoint.Property(EndpointProperty.Host);
        var port = server.PrimaryEndpoint.Property(EndpointProperty.Port);
        return ReferenceExpression.Create($"Host={host};Port={port};Database={name};Username={role};Password={password}");
    }

    /// <summary>PostgreSQL as a process, or the user's own server (<c>ConnectionStrings__postgres</c>).</summary>
    public IResourceBuilder<PostgresServerResource> Run(IResourceBuilder<PostgresServerResource> postgres)
    {
        if (state is null)
            return postgres;
        IEnumerable<IResource> Databases() =>
            builder.Resources.OfType<PostgresDatabaseResource>().Where(database => database.Parent == postgres.Resource);
        if (builder.Configuration.GetConnectionString(postgres.Resource.Name) is { Length: > 0 } own)
        {
            postgres.RunElsewhere(own, Databases);
            return postgres;
        }

        var port = Ports.AnyFree();
        var process = new EmbeddedPostgres(state).AddProcess(postgres, port);
        postgres.RunAsProcess(process, port, Databases, ct => EmbeddedPostgres.IsReadyAsync(postgres.Resource, ct));
        return postgres;
    }

    /// <summary>Kafka as a process, or the user's own brokers (<c>ConnectionStrings__kafka</c>).</summary>
    public IResourceBuilder<KafkaServerResource> Run(IResourceBuilder<KafkaServerResource> kafka)
    {
        if (state is null)
            return kafka;
        if (builder.Configuration.GetConnectionString(kafka.Resource.Name) is { Length: > 0 } own)
        {
            kafka.RunElsewhere(own, () => []);
            return kafka;
        }

        var port = Ports.AnyFree();
        var process = new KafkaProcess(state, switches.KafkaHome).AddProcess(kafka, port);
        kafka.RunAsProcess(process, port, () => [], ct => KafkaBuilderExtensions.IsReadyAsync(kafka.Resource, ct));
        return kafka;
    }

    /// <summary>
    /// A mailbox that keeps what the platform mails, instead of a mail server: a process that takes mails by SMTP and shows them on a page.
    /// A server of the user's own (<c>Smtp__Host</c>) takes its place; in a deployment there is none.
    /// </summary>
    public void Mailbox(IResourceBuilder<ProjectResource> sender, IResourceBuilder<ProjectResource> identity)
    {
        if (state is null || Environment.GetEnvironmentVariable("Smtp__Host") is { Length: > 0 })
            return;
        var (smtp, page) = (Ports.AnyFree(), PreferredPort(8083) ?? Ports.AnyFree());
        string[] arguments = ["mailbox", Text(smtp), Text(page)];
        builder
            .AddExecutable(
                "mailbox",
                BuiltProject.ExecutableOf(new Projects.Polaris_LocalParts().ProjectPath),
                Path.GetTempPath(),
                arguments
            )
            .WithHttpEndpoint(port: page, targetPort: page, name: "http", isProxied: false)
            .WithEnvironment("DOTNET_ENVIRONMENT", Development)
            .ExcludeFromManifest();
        sender
            .WithEnvironment("Smtp__Host", "127.0.0.1")
            .WithEnvironment("Smtp__Port", Text(smtp))
            .WithEnvironment("Smtp__RequireTls", "false");
        // Whoever runs this machine can read the mailbox as well.
        identity.WithEnvironment("TokenAnswers__Enabled", "true");

        static string Text(int port) => port.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void Prefer(string variable, int port)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 })
            Environment.SetEnvironmentVariable(variable, $"http://127.0.0.1:{port}");
    }
}
