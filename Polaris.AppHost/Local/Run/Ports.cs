using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>Gives each endpoint the port it prefers, or a free one when that is taken.</summary>
internal static class Ports
{
    public static void Allocate(IEnumerable<EndpointReference> endpoints, bool random, Action<string> say)
    {
        // All are held until all are chosen, so that none is given twice.
        var held = new List<TcpListener>();
        try
        {
            foreach (var endpoint in endpoints)
            {
                var listener = random || endpoint.PreferredPort is not { } preferred ? null : TryListen(preferred);
                if (listener is null)
                {
                    listener = TryListen(0) ?? throw new DistributedApplicationException("This machine has no free port on 127.0.0.1.");
                    if (!random && endpoint.PreferredPort is { } taken)
                        say($"port {taken} is taken: {endpoint.Resource.Name} listens on {((IPEndPoint)listener.LocalEndpoint).Port}");
                }

                held.Add(listener);
                endpoint.AllocatedPort = ((IPEndPoint)listener.LocalEndpoint).Port;
            }
        }
        finally
        {
            foreach (var listener in held) listener.Dispose();
        }
    }

    public static bool IsOpen(int port)
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static TcpListener? TryListen(int port)
    {
        // A port can be free on one loopback address and taken on the other; 'localhost' may mean either.
        if (port != 0 && Socket.OSSupportsIPv6 && IsTakenOnIPv6(port)) return null;
        var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return listener;
        }
        catch (SocketException)
        {
            listener.Dispose();
            return null;
        }
    }

    private static bool IsTakenOnIPv6(int port)
    {
        using var listener = new TcpListener(IPAddress.IPv6Loopback, port);
        try
        {
            listener.Start();
            return false;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode == SocketError.AddressAlreadyInUse;
        }
    }
}
