using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Polaris.Notifications.Domain;

namespace Polaris.Notifications.Features.Webhooks;

/// <summary>An endpoint's address is one that this installation does not connect to.</summary>
internal sealed class RefusedAddressException(string host)
    : Exception($"'{host}' is not at a public address, and this installation does not allow it.");

/// <summary>Looks a name up; replaced in tests.</summary>
internal delegate Task<IPAddress[]> ResolveHost(string host, CancellationToken ct);

/// <summary>
/// Opens the connections of webhooks. The name is resolved here, and the very address that passed is connected to, so that no other answer
/// of the name's server comes in between (docs/notifications.md).
/// </summary>
internal sealed class GuardedConnections(IOptions<NotificationsOptions> options, ResolveHost resolve)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection is used: a name that moves is followed after this.</summary>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(1);

    private const int MaxHeaderKilobytes = 16;
    private const int MaxDrainBytes = 64 * 1024;

    private readonly IReadOnlyList<IPNetwork> allowed = options.Value.Networks();

    /// <summary>Whether an address that stands in a URL may be connected to; names are looked up when they are used.</summary>
    public bool MayReach(IPAddress address) => PublicAddresses.MayReach(address, allowed);

    /// <summary>Follows no redirect, keeps no cookie, uses no proxy.</summary>
    public SocketsHttpHandler CreateHandler() =>
        new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = ConnectionLifetime,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            MaxResponseDrainSize = MaxDrainBytes,
            ConnectCallback = ConnectAsync,
        };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await resolve(host, ct);
        var reachable = addresses.Where(MayReach).ToArray();
        if (reachable.Length == 0)
            throw new RefusedAddressException(host);
        SocketException? last = null;
        foreach (var address in reachable)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException exception)
            {
                socket.Dispose();
                last = exception;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw last!;
    }
}
