using System.Security.Cryptography;
using Aspire.Hosting;
using Xunit;

namespace Polaris.Tests.Telemetry;

/// <summary>A platform of its own whose services export all spans to the test's collector.</summary>
public sealed class TracedPlatform : IAsyncLifetime
{
    private readonly string state = Path.Combine(
        Path.GetTempPath(),
        $"polaris-traced-{RandomNumberGenerator.GetHexString(8, lowercase: true)}"
    );

    internal OtlpCollector Collector { get; } = new();

    public DistributedApplication App { get; private set; } = null!;

    public async ValueTask InitializeAsync() =>
        App = await PolarisApp.StartAsync(
            state,
            ["--no-demo"],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", Collector.Url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        );

    /// <summary>All spans of the traces that have one of this org.</summary>
    internal ExportedSpan[] SpansOf(Guid org)
    {
        var all = Collector.Spans;
        var traces = all.Where(span => span["polaris.org_id"] == org.ToString()).Select(span => span.TraceId).ToHashSet();
        return [.. all.Where(span => traces.Contains(span.TraceId))];
    }

    public async ValueTask DisposeAsync()
    {
        if (App is not null)
            await App.DisposeAsync();
        await Collector.DisposeAsync();
        Directory.Delete(state, recursive: true);
    }
}
