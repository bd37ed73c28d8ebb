using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Polaris.ServiceDefaults.Access;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults;

/// <summary>What every Polaris service starts with. <c>Program.cs</c> calls <see cref="AddServiceDefaults"/> first and <see cref="MapDefaultEndpoints"/> last.</summary>
public static class PolarisServiceExtensions
{
    /// <summary>Ports, telemetry, health, service discovery, problem details, authentication and tenancy.</summary>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder, string serviceName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(new ServiceIdentity(serviceName));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.WebHost.ConfigureKestrel((context, kestrel) => ListenOn(kestrel, context.Configuration));
        // In-flight requests get this long to end after SIGTERM; then the process goes.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.AddPolarisTelemetry(serviceName);
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery());
        builder.Services.AddPolarisProblems();
        builder.Services.AddScoped<TenantScope>();
        builder.AddPolarisAuthentication();
        builder.Services.AddHostedService<DeclaredAccess>();
        return builder;
    }

    /// <summary><c>/alive</c> (process answers), <c>/health</c> (its dependencies answer too), <c>/metrics</c> (Prometheus text).</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapHealthChecks("/health").AllowAnonymous();
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") }).AllowAnonymous();
        app.MapPrometheusScrapingEndpoint().AllowAnonymous();
        return app;
    }

    /// <summary>
    /// HTTP/1.1 on the addresses of <c>ASPNETCORE_URLS</c> (or <c>HTTP_PORTS</c>, all interfaces, for containers), HTTP/2 without TLS on
    /// <c>GRPC_PORT</c>: plain text cannot negotiate a protocol, so gRPC has a port of its own. Loopback unless the address says otherwise.
    /// </summary>
    private static void ListenOn(KestrelServerOptions kestrel, IConfiguration configuration)
    {
        var allInterfaces = false;
        if (configuration["HTTP_PORTS"] is { Length: > 0 } ports)
        {
            allInterfaces = true;
            foreach (var port in ports.Split(';', StringSplitOptions.RemoveEmptyEntries)) kestrel.ListenAnyIP(ParsePort("HTTP_PORTS", port));
        }
        else
        {
            foreach (var url in (configuration["URLS"] ?? "http://localhost:0").Split(';', StringSplitOptions.RemoveEmptyEntries))
                Listen(kestrel, new Uri(url));
        }

        if (configuration["GRPC_PORT"] is not { Length: > 0 } grpc) return;
        var grpcPort = ParsePort("GRPC_PORT", grpc);
        if (allInterfaces) kestrel.ListenAnyIP(grpcPort, listen => listen.Protocols = HttpProtocols.Http2);
        else kestrel.ListenLocalhost(grpcPort, listen => listen.Protocols = HttpProtocols.Http2);
    }

    private static void Listen(KestrelServerOptions kestrel, Uri url)
    {
        if (IPAddress.TryParse(url.Host, out var address)) kestrel.Listen(address, url.Port);
        else if (url.Port == 0) kestrel.Listen(IPAddress.Loopback, 0);
        else kestrel.ListenLocalhost(url.Port);
    }

    private static int ParsePort(string setting, string value) =>
        int.TryParse(value, out var port) && port is > 0 and <= 65535
            ? port
            : throw new InvalidOperationException($"{setting} must be a port from 1 to 65535, not '{value}'.");
}

/// <summary>The name this process goes by in tokens, logs, traces and metrics.</summary>
public sealed record ServiceIdentity(string Name);
