using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Polaris.AppHost.Hosting;
using Xunit;

namespace Polaris.Tests.AppHost;

/// <summary>The AppHost's switches and ports.</summary>
public sealed class SwitchesTests
{
    [Fact]
    public void A_taken_port_is_replaced_by_a_free_one()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        Assert.NotEqual(port, Ports.Prefer(port));
        var free = Ports.AnyFree();
        Assert.Equal(free, Ports.Prefer(free));
    }

    [Theory]
    [InlineData("Unknown switch '--nonsense'.", "--nonsense")]
    [InlineData("The switch '--state-dir' needs a value.", "--state-dir")]
    [InlineData("There is no publisher 'helm'", "--publisher", "helm", "--output-path", "x")]
    [InlineData("--publisher manifest needs --output-path.", "--publisher", "manifest")]
    public void A_switch_that_is_wrong_is_named(string message, params string[] args)
    {
        var refusal = Assert.Throws<DistributedApplicationException>(() => Switches.Parse(args));
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
