using System.Security.Cryptography;
using Aspire.Hosting;

namespace Polaris.Tests.Telemetry;

/// <summary>A platform of its own whose services export all spans to the test's collector.</summary>
internal sealed class TracedPlatform : IAsyncDisposable
{
    private readonly string state = Path.Combine(
        Path.GetTempPath(),
        $"polaris-traced-{RandomNumberGenerator.GetHexString(8, lowercase: true)}"
    );

    private TracedPlatform() { }

    public OtlpCollector Collector { get; } = new();

    public DistributedApplication App { get; private set; } = null!;

    public static async Task<TracedPlatform> StartAsync()
    {
        var platform = new TracedPlatform();
        platform.App = await PolarisApp.StartAsync(
            platform.state,
            ["--no-demo"],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", platform.Collector.Url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        );
        return platform;
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        await Collector.DisposeAsync();
        Directory.Delete(state, recursive: true);
    }
}
