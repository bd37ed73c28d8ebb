using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Polaris.Bench;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>An access log becomes invoices equal to an independent calculation, see also <see cref="ReplayedLog"/>.</summary>
public sealed class ReplayTests(PolarisApp polaris) : PlatformTests
{
    [Fact]
    public async Task A_synthetic_log_becomes_the_invoices_that_a_naive_oracle_computes()
    {
        await polaris.UntilHealthyAsync();
        Assert.Equal(
            0,
            await new ReplayCommand(Options.Parse(["--url", polaris.Gateway.ToString(), "--recompute", "all"], "--recompute")).RunAsync(
                SyntheticLog.Write(System.IO.Path.Combine(polaris.State, "synthetic-log"), lines: 1_500, clients: 120)
            )
        );
    }
}
