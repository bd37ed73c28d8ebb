using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests;

public sealed class SmokeTests(PolarisApp polaris) : PlatformTests
{
    [Theory]
    [InlineData("identity")]
    [InlineData("plans")]
    [InlineData("ingestion")]
    [InlineData("billing")]
    [InlineData("notifications")]
    [InlineData("gateway")]
    public async Task Every_service_answers_health_alive_and_metrics(string service)
    {
        using var http = polaris.App.CreateHttpClient(service, "http");
        Assert.Equal("Healthy", await http.GetStringAsync("/health"));
        Assert.Equal("Healthy", await http.GetStringAsync("/alive"));
        Assert.Contains($"service_name=\"{service}\"", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }
}
