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
using Polaris.ServiceDefaults.Hosting;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.ServiceDefaults;

/// <summary>
/// The common set-up of every Polaris service. <c>Program.cs</c> calls <see cref="AddServiceDefaults"/> first and
/// <see cref="MapDefaultEndpoints"/> last.
/// </summary>
public static class PolarisServiceExtensions
{
    /// <summary>Ports, telemetry, health, service discovery, problem details, authentication and tenancy.</summary>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder, string serviceName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(new ServiceIdentity(serviceName));
        builder.Services.AddSingleton(TimeProvider.System);
        builder.WebHost.ConfigureKestrel((context, kestrel) => ListenOn(kestrel, context.Configuration));
        // Time for in-flight requests after SIGTERM.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.AddForwardedAddresses();
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

    /// <summary>
    /// <c>/alive</c> (the process), <c>/health</c> (including its dependencies), <c>/metrics</c> (Prometheus text format), which only
    /// Polaris itself reaches (<see cref="InternalEndpoints"/>).
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.MapHealthChecks("/health").AllowAnonymous().InternalOnly();
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") })
            .AllowAnonymous()
            .InternalOnly();
        app.MapPrometheusScrapingEndpoint().AllowAnonymous().InternalOnly();
        return app;
    }

    /// <summary>
    /// HTTP/1.1 on the addresses of <c>ASPNETCORE_URLS</c> (or <c>HTTP_PORTS</c>, all interfaces, for containers), HTTP/2 without TLS on
    /// <c>GRPC_PORT</c>: protocols cannot be negotiated without TLS, so gRPC has its own port. <c>PUBLIC_PORT</c> is HTTP/1.1 without what
    /// is internal. Loopback unless the address says otherwise.
    /// </summary>
    private static void ListenOn(KestrelServerOptions kestrel, IConfiguration configuration)
    {
        kestrel.AddServerHeader = false;
        var allInterfaces = false;
        if (configuration["HTTP_PORTS"] is { Length: > 0 } ports)
        {
            allInterfaces = true;
            foreach (var port in ports.Split(';', StringSplitOptions.RemoveEmptyEntries))
                kestrel.ListenAnyIP(ParsePort("HTTP_PORTS", port));
        }
        else
        {
            foreach (var url in (configuration["URLS"] ?? "http://localhost:0").Split(';', StringSplitOptions.RemoveEmptyEntries))
                Listen(kestrel, new Uri(url));
        }

        ListenAlso("GRPC_PORT", HttpProtocols.Http2);
        ListenAlso(InternalEndpoints.PublicPort, HttpProtocols.Http1);

        void ListenAlso(string setting, HttpProtocols protocols)
        {
            if (configuration[setting] is not { Length: > 0 } value)
                return;
            var port = ParsePort(setting, value);
            if (allInterfaces)
                kestrel.ListenAnyIP(port, listen => listen.Protocols = protocols);
            else
                kestrel.ListenLocalhost(port, listen => listen.Protocols = protocols);
        }
    }

    private static void Listen(KestrelServerOptions kestrel, Uri url)
    {
        if (IPAddress.TryParse(url.Host, out var address))
            kestrel.Listen(address, url.Port);
        else if (url.Port == 0)
            kestrel.Listen(IPAddress.Loopback, 0);
        else
            kestrel.ListenLocalhost(url.Port);
    }

    private static int ParsePort(string setting, string value) =>
        int.TryParse(value, out var port) && port is > 0 and <= 65535
            ? port
            : throw new InvalidOperationException($"{setting} must be a port from 1 to 65535, not '{value}'.");
}

/// <summary>The process's name in tokens, logs, traces and metrics.</summary>
public sealed record ServiceIdentity(string Name);
