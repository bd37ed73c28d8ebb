using Polaris.Tests.Telemetry;
using Xunit;

namespace Polaris.Tests.PublicGraph;

/// <summary>One more process of every service, each asking the others of these, whose spans are collected.</summary>
public sealed class TracedReplicas(PolarisApp polaris) : IAsyncLifetime
{
    private readonly Dictionary<string, Replica> replicas = [];

    internal OtlpCollector Collector { get; } = new();

    public Uri UrlOf(string service) => replicas[service].Url;

    public async ValueTask InitializeAsync()
    {
        await polaris.StartedAsync();
        (string, string)[] exporting =
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", Collector.Url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        // Each asks those before it, so that what they do for one another is seen too.
        var addresses = new List<(string, string)>();
        foreach (var service in (string[])["identity", "plans", "ingestion", "notifications", "billing", "gateway"])
        {
            var replica = await polaris.StartReplicaAsync(service, [.. exporting, .. addresses]);
            replicas.Add(service, replica);
            addresses.Add(($"services__{service}__http__0", replica.Url.ToString().TrimEnd('/')));
            addresses.Add(($"services__{service}__grpc__0", replica.GrpcUrl.ToString().TrimEnd('/')));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in replicas.Values.Reverse())
            await replica.DisposeAsync();
        await Collector.DisposeAsync();
    }
}
