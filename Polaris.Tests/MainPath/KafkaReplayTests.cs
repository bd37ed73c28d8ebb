using Aspire.Hosting.Testing;
using Polaris.Bench;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>An access log becomes its invoices with the broker that is there, see <see cref="ReplayedLog"/>.</summary>
[Collection(nameof(OwnPlatform))]
public sealed class KafkaReplayTests(PolarisApp polaris) : PlatformTests
{
    [Theory]
    [MemberData(nameof(ReplayedLog.LogsAndBrokers), MemberType = typeof(ReplayedLog))]
    public async Task A_log_becomes_its_invoices_on_a_platform_of_its_own(string log, string broker)
    {
        var folder = ReplayedLog.FolderOf(log, polaris.State, lines: 1_000, clients: 80);
        string[] args = broker == ReplayedLog.RealKafka ? ["--no-demo", "--kafka-home", ReplayedLog.Shared("kafka")] : ["--no-demo"];
        var state = Path.Combine(Path.GetTempPath(), $"polaris-kafka-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
        await using (var app = await PolarisApp.StartAsync(state, args))
            Assert.Equal(
                0,
                await new ReplayCommand(
                    Options.Parse(["--url", app.GetEndpoint("gateway", "public").ToString(), "--recompute", "all"], "--recompute")
                ).RunAsync(folder)
            );
        Directory.Delete(state, recursive: true);
    }
}
