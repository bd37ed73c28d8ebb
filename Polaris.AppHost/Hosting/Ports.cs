using System.Net;
using System.Net.Sockets;

namespace Polaris.AppHost.Hosting;

/// <summary>Ports on loopback.</summary>
internal static class Ports
{
    /// <summary>The wanted port, or any free one when it is taken.</summary>
    public static int Prefer(int port) => IsFree(IPAddress.Loopback, port) && IsFree(IPAddress.IPv6Loopback, port) ? port : AnyFree();

    /// <summary>
    /// Below the ephemeral range: while a server is down, a client's own connection attempt may be given the server's port there, and the
    /// server cannot bind it again.
    /// </summary>
    public static int AnyFree()
    {
        while (true)
        {
            var port = System.Security.Cryptography.RandomNumberGenerator.GetInt32(10_000, 32_768);
            if (IsFree(IPAddress.Loopback, port) && IsFree(IPAddress.IPv6Loopback, port))
                return port;
        }
    }

    /// <summary>A port can be free on one loopback address and taken on the other; 'localhost' may mean either.</summary>
    private static bool IsFree(IPAddress address, int port)
    {
        using var listener = new TcpListener(address, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException exception)
        {
            // No IPv6 on this machine: nobody listens there.
            return exception.SocketErrorCode is not (SocketError.AddressAlreadyInUse or SocketError.AccessDenied);
        }
    }
}
