using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Polaris.ServiceDefaults.Hosting;

/// <summary>
/// The network address that a request comes from. A service behind a proxy takes it from <c>X-Forwarded-For</c>, only of proxies in the
/// networks of <see cref="ProxiesSetting"/>, by default this machine: anyone else could write any address there.
/// </summary>
public static class ClientAddress
{
    /// <summary>Networks in CIDR notation, separated by commas.</summary>
    public const string ProxiesSetting = "Polaris:TrustedProxies";

    /// <summary>The part of an IPv6 address that one customer of a provider has to themselves, at least.</summary>
    private const int SiteBits = 64;

    private static readonly string[] ThisMachine = ["127.0.0.0/8", "::1/128"];

    /// <summary>As text, to count by: an IPv4 address, or the network of an IPv6 address, whose owner has all addresses in it.</summary>
    public static string Of(HttpContext? context)
    {
        var address = context?.Connection.RemoteIpAddress;
        if (address is null)
            return "unknown";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(SiteBits / 8).Clear();
        return $"{new IPAddress(bytes)}/{SiteBits}";
    }

    internal static void AddForwardedAddresses(this WebApplicationBuilder builder)
    {
        var networks = builder.Configuration[ProxiesSetting] is { Length: > 0 } setting
            ? setting.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : ThisMachine;
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var network in networks)
                options.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(network));
        });
    }
}
