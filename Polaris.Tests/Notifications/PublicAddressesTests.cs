using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Polaris.Notifications;
using Polaris.Notifications.Domain;
using Polaris.Notifications.Features.Sending;
using Polaris.Notifications.Features.Webhooks;
using Polaris.ServiceDefaults.Errors;
using Xunit;

namespace Polaris.Tests.Notifications;

/// <summary>Webhooks reach the internet and nothing else, however an address is written, and whatever a name's server says.</summary>
public sealed class PublicAddressesTests
{
    private static readonly Sendable Delivery = new(
        Guid.CreateVersion7(),
        Guid.CreateVersion7(),
        Guid.CreateVersion7(),
        "test",
        "",
        "{}",
        false,
        null,
        0,
        null,
        default
    );

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("100.100.100.200")]
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:a9fe:a9fe")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("64:ff9b::169.254.169.254")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2002:a9fe:a9fe::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void What_is_not_public_is_refused(string address) => Assert.False(PublicAddresses.MayReach(IPAddress.Parse(address), []));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.0")]
    [InlineData("192.167.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001::1")]
    public void What_is_public_is_reached(string address) => Assert.True(PublicAddresses.MayReach(IPAddress.Parse(address), []));

    [Fact]
    public void An_installation_may_allow_networks_of_its_own()
    {
        IPNetwork[] allowed = [IPNetwork.Parse("10.1.0.0/16")];
        Assert.True(PublicAddresses.MayReach(IPAddress.Parse("10.1.2.3"), allowed));
        Assert.True(PublicAddresses.MayReach(IPAddress.Parse("::ffff:10.1.2.3"), allowed));
        Assert.False(PublicAddresses.MayReach(IPAddress.Parse("10.2.0.1"), allowed));
    }

    /// <summary>Decimal, octal, hexadecimal and short forms all become the address that they mean.</summary>
    [Theory]
    [InlineData("https://2130706433/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0x7f.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://[::ffff:7f00:1]/")]
    [InlineData("https://[::1]/")]
    [InlineData("https://0/")]
    [InlineData("https://169.254.169.254/latest/")]
    public void An_endpoints_url_may_not_name_such_an_address_in_any_form(string url)
    {
        var refused = Assert.Throws<RefusedException>(() => Urls(Options()).Check(url, "input.url"));
        Assert.Equal(("address_not_allowed", "input.url"), (refused.Refusal.Code, refused.Refusal.Path));
    }

    [Theory]
    [InlineData("http://example.com/", "not_https")]
    [InlineData("gopher://example.com/", "not_https")]
    [InlineData("/relative", "invalid_url")]
    [InlineData("https://user@example.com/", "invalid_url")]
    [InlineData("https://", "invalid_url")]
    public void An_endpoints_url_is_https_and_has_no_user(string url, string code) =>
        Assert.Equal(code, Assert.Throws<RefusedException>(() => Urls(Options()).Check(url, "url")).Refusal.Code);

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://0x7f.1:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    public async Task No_connection_is_made_to_the_machine_itself(string url)
    {
        using var local = new LocalListener();
        using var sender = Sender(Options(), (host, ct) => Dns.GetHostAddressesAsync(host, ct));
        var outcome = await sender.HandleAsync(string.Format(url, local.Port), [SigningKeys.Create()], Delivery, default);
        Assert.Contains("is not at a public address", outcome.Error, StringComparison.Ordinal);
        Assert.False(local.WasAsked);
    }

    /// <summary>The name's server says something harmless when it is asked first, and the machine itself afterwards.</summary>
    [Fact]
    public async Task A_name_that_changes_between_two_looks_is_judged_by_what_is_connected_to()
    {
        using var local = new LocalListener();
        var looks = 0;
        using var sender = Sender(
            Options(),
            (_, _) => Task.FromResult<IPAddress[]>([looks++ == 0 ? IPAddress.Parse("192.0.2.1") : IPAddress.Loopback])
        );
        for (var i = 0; i < 3; i++)
        {
            var outcome = await sender.HandleAsync($"http://rebinds.example:{local.Port}/", [SigningKeys.Create()], Delivery, default);
            Assert.Contains("is not at a public address", outcome.Error, StringComparison.Ordinal);
        }

        Assert.Equal(3, looks);
        Assert.False(local.WasAsked);
    }

    /// <summary>Of a name with several addresses only those are tried that are allowed.</summary>
    [Fact]
    public async Task A_name_with_both_kinds_of_addresses_leads_to_the_allowed_one_only()
    {
        using var local = new LocalListener();
        using var refused = new LocalListener(IPAddress.Parse("127.0.0.2"), local.Port);
        var options = Options();
        options.AllowedNetworks = "127.0.0.1/32";
        using var sender = Sender(options, (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback]));
        var outcome = await sender.HandleAsync($"http://both.example:{local.Port}/", [SigningKeys.Create()], Delivery, default);
        Assert.True(outcome.Delivered, outcome.Error);
        Assert.True(local.WasAsked);
        Assert.False(refused.WasAsked);
    }

    [Fact]
    public async Task A_redirect_to_the_machine_itself_is_not_followed()
    {
        using var local = new LocalListener();
        using var target = new LocalListener();
        local.Answer = $"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{target.Port}/\r\nContent-Length: 0\r\n\r\n";
        var options = Options();
        options.AllowedNetworks = "127.0.0.0/8";
        using var sender = Sender(options, (host, ct) => Dns.GetHostAddressesAsync(host, ct));
        var outcome = await sender.HandleAsync($"http://127.0.0.1:{local.Port}/", [SigningKeys.Create()], Delivery, default);
        Assert.Equal((307, false), (outcome.StatusCode, outcome.Delivered));
        Assert.True(local.WasAsked);
        Assert.False(target.WasAsked);
    }

    private static NotificationsOptions Options() => new() { AllowHttp = false, RequestTimeout = TimeSpan.FromSeconds(10) };

    private static EndpointUrl Urls(NotificationsOptions options) =>
        new(Microsoft.Extensions.Options.Options.Create(options), Connections(options, (_, _) => throw new InvalidOperationException()));

    private static SendWebhook Sender(NotificationsOptions options, ResolveHost resolve) =>
        new(Connections(options, resolve), Microsoft.Extensions.Options.Options.Create(options), TimeProvider.System);

    private static GuardedConnections Connections(NotificationsOptions options, ResolveHost resolve) =>
        new(Microsoft.Extensions.Options.Options.Create(options), resolve);

    /// <summary>Answers every request in the same way, and knows whether there was one.</summary>
    private sealed class LocalListener : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        public LocalListener(IPAddress? address = null, int port = 0)
        {
            socket.Bind(new IPEndPoint(address ?? IPAddress.Loopback, port));
            socket.Listen();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)socket.LocalEndPoint!).Port;

        public bool WasAsked { get; private set; }

        public string Answer { get; set; } = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

        public void Dispose() => socket.Dispose();

        private async Task AcceptAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await socket.AcceptAsync();
                    WasAsked = true;
                    await client.ReceiveAsync(new byte[4_096]);
                    await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(Answer));
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It is over.
            }
        }
    }
}
