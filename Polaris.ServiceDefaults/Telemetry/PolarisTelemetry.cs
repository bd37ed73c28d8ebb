using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Polaris.ServiceDefaults.Telemetry;

/// <summary>Sources and meters of Polaris's own code. Names are stable: dashboards and alerts use them.</summary>
public static class PolarisTelemetry
{
    public const string Name = "Polaris";
    public const string KafkaName = "OpenTelemetry.Instrumentation.ConfluentKafka";

    public static readonly ActivitySource Source = new(Name);
    public static readonly ActivitySource KafkaSource = new(KafkaName);
    public static readonly Meter Meter = new(Name);

    /// <summary>What the gateway and Ingestion would count up and down at every request, and nobody looks at: durations tell as much.</summary>
    private static readonly HashSet<string> CountedAtEveryRequest =
        ["http.server.active_requests", "http.client.active_requests", "http.client.open_connections", "http.client.request.time_in_queue"];

    internal static void AddPolarisTelemetry(this WebApplicationBuilder builder, string serviceName)
    {
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.IncludeScopes = false;
        });
        // A request or query per log line would drown what a developer looks for; traces hold them.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        builder.Logging.AddFilter("OpenIddict", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        // We choose the addresses ourselves (see ListenOn), and an unhealthy answer says so to whoever asked.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? serviceName))
            .WithMetrics(metrics => metrics
                .AddHttpClientInstrumentation().AddRuntimeInstrumentation()
                // Of ASP.NET Core only these: what else it counts at every request (routing, authentication, authorization) cost more than reading an event.
                .AddMeter(Name, KafkaName, "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                .AddView(instrument => CountedAtEveryRequest.Contains(instrument.Name) ? MetricStreamConfiguration.Drop : null)
                .AddPrometheusExporter());

        // Without it nobody would see the spans. Trace ids travel all the same, by ASP.NET Core and HttpClient themselves, and a request costs a twentieth less.
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is not { Length: > 0 }) return;
        telemetry.WithMetrics(metrics => metrics.AddOtlpExporter()).WithTracing(traces => traces
            .AddAspNetCoreInstrumentation(options => options.Filter = context =>
                !context.Request.Path.StartsWithSegments("/health") && !context.Request.Path.StartsWithSegments("/alive") && !context.Request.Path.StartsWithSegments("/metrics"))
            .AddHttpClientInstrumentation()
            .AddSource(Name, KafkaName, "Npgsql")
            .AddOtlpExporter());
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
        });
        telemetry.WithLogging(logs => logs.AddOtlpExporter());
    }
}
