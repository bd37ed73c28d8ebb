using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Polaris.ServiceDefaults.Telemetry;

/// <summary>Polaris's own activity source and meter. Names are stable: dashboards and alerts depend on them.</summary>
public static class PolarisTelemetry
{
    public const string Name = "Polaris";

    /// <summary>The org of a span; child spans in the same process inherit it.</summary>
    public const string OrgTag = "polaris.org_id";

    /// <summary>The orgs of a span that concerns several, up to <see cref="MaxOrgs"/>.</summary>
    public const string OrgsTag = "polaris.org_ids";

    public const int MaxOrgs = 16;

    private const string GrpcClient = "Grpc.Net.Client";

    public static readonly ActivitySource Source = new(Name);
    public static readonly Meter Meter = new(Name);

    /// <summary>Instruments that would be updated on every request without telling more than the request durations.</summary>
    private static readonly HashSet<string> CountedAtEveryRequest =
    [
        "http.server.active_requests",
        "http.client.active_requests",
        "http.client.open_connections",
        "http.client.request.time_in_queue",
    ];

    /// <summary>Sets the org or orgs of a span. The sequence is enumerated only when the span is recorded.</summary>
    public static void SetOrgs(this Activity? span, params IEnumerable<Guid> orgs)
    {
        if (span is not { IsAllDataRequested: true })
            return;
        var some = orgs.Distinct().Take(MaxOrgs).Select(org => org.ToString()).ToArray();
        if (some.Length == 1)
            span.SetTag(OrgTag, some[0]);
        else if (some.Length > 1)
            span.SetTag(OrgsTag, some);
    }

    /// <summary>Marks the span as failed.</summary>
    public static void Fail(this Activity? span, Exception exception) => span?.AddException(exception).SetStatus(ActivityStatusCode.Error);

    internal static void AddPolarisTelemetry(this WebApplicationBuilder builder, string serviceName)
    {
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.IncludeScopes = false;
        });
        // A log line per request or query would hide the relevant ones; traces have them.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Warning);
        builder.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        builder.Logging.AddFilter("OpenIddict", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        // Kestrel warns that addresses are overridden, which is intended (see ListenOn); failed health checks are reported to their caller.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        var telemetry = builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? serviceName))
            .WithMetrics(metrics =>
                metrics
                    .AddHttpClientInstrumentation()
                    .AddRuntimeInstrumentation()
                    // Only these of ASP.NET Core's meters: the others (routing, authentication, authorization) cost more per request than
                    // parsing an event.
                    .AddMeter(Name, "Npgsql", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                    // Whom Notifications calls is an org's own affair: these meters name the hosts.
                    .AddView(instrument =>
                        CountedAtEveryRequest.Contains(instrument.Name)
                        || (serviceName == "notifications" && instrument.Meter.Name.StartsWith("System.Net.", StringComparison.Ordinal))
                            ? MetricStreamConfiguration.Drop
                            : null
                    )
                    .AddPrometheusExporter()
            );

        // Without an exporter spans are not created, which saves a twentieth of a request's cost. ASP.NET Core and HttpClient still
        // propagate trace ids.
        if (Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT") is not { Length: > 0 })
            return;
        telemetry
            .WithMetrics(metrics => metrics.AddOtlpExporter())
            .WithTracing(traces =>
                traces
                    .AddAspNetCoreInstrumentation(options =>
                        options.Filter = context =>
                            !context.Request.Path.StartsWithSegments("/health")
                            && !context.Request.Path.StartsWithSegments("/alive")
                            && !context.Request.Path.StartsWithSegments("/metrics")
                    )
                    .AddHttpClientInstrumentation()
                    .AddSource(Name, "Npgsql", GrpcClient)
                    .SetSampler(
                        RootSampler.Create(
                            Environment.GetEnvironmentVariable("OTEL_TRACES_SAMPLER"),
                            Environment.GetEnvironmentVariable("OTEL_TRACES_SAMPLER_ARG")
                        )
                    )
                    .AddProcessor(new NameSpans())
                    .AddOtlpExporter()
            );
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
        });
        telemetry.WithLogging(logs => logs.AddOtlpExporter());
    }

    /// <summary>Adds to library spans the org they inherit and the gRPC method in their name.</summary>
    private sealed class NameSpans : BaseProcessor<Activity>
    {
        public override void OnStart(Activity data)
        {
            if (data.Parent?.GetTagItem(OrgTag) is { } org)
                data.SetTag(OrgTag, org);
        }

        public override void OnEnd(Activity data)
        {
            if (data.Source.Name == GrpcClient && data.GetTagItem("grpc.method") is string method)
                data.DisplayName = method.TrimStart('/');
        }
    }
}
