using System.Net;
using System.Net.Sockets;

namespace Polaris.Notifications.Domain;

/// <summary>
/// Which addresses are out on the internet. Everything that IANA's registries of special addresses name is not: a server that requests URLs
/// of strangers must reach neither its own machine nor its neighbours, whichever way the address is written.
/// </summary>
public static class PublicAddresses
{
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", // this network
            "10.0.0.0/8", // private
            "100.64.0.0/10", // carrier-grade NAT; some clouds' metadata
            "127.0.0.0/8", // loopback
            "169.254.0.0/16", // link-local; 169.254.169.254 is the clouds' metadata
            "172.16.0.0/12", // private
            "192.0.0.0/24", // protocol assignments
            "192.0.2.0/24", // documentation
            "192.31.196.0/24", // AS112
            "192.52.193.0/24", // AMT
            "192.88.99.0/24", // 6to4 relays
            "192.168.0.0/16", // private
            "192.175.48.0/24", // AS112
            "198.18.0.0/15", // benchmarks
            "198.51.100.0/24", // documentation
            "203.0.113.0/24", // documentation
            "224.0.0.0/4", // multicast
            "240.0.0.0/4", // reserved, broadcast
            "::/96", // unspecified, loopback, IPv4-compatible
            "::ffff:0:0/96", // IPv4-mapped, as far as it was not unwrapped
            "::ffff:0:0:0/96", // IPv4-translated
            "64:ff9b::/96", // NAT64
            "64:ff9b:1::/48", // NAT64, local use
            "100::/64", // discard
            "2001::/23", // protocol assignments, Teredo
            "2001:db8::/32", // documentation
            "2002::/16", // 6to4
            "2620:4f:8000::/48", // AS112
            "3fff::/20", // documentation
            "5f00::/16", // segment routing
            "fc00::/7", // unique local; fd00:ec2::254 is metadata
            "fe80::/10", // link-local
            "fec0::/10", // site-local
            "ff00::/8", // multicast
        }.Select(text => IPNetwork.Parse(text)),
    ];

    /// <param name="address">The address that is connected to.</param>
    /// <param name="allowed">Networks that the installation allows besides.</param>
    public static bool MayReach(IPAddress address, IReadOnlyList<IPNetwork> allowed)
    {
        ArgumentNullException.ThrowIfNull(address);
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (allowed.Any(network => network.Contains(plain)))
            return true;
        return plain.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
            && !Special.Any(network => network.Contains(plain));
    }
}
