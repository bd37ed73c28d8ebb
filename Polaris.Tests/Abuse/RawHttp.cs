using System.Net.Sockets;
using System.Text;

namespace Polaris.Tests.Abuse;

/// <summary>Sends what an HTTP client would refuse to send.</summary>
internal static class RawHttp
{
    /// <summary>The status of the answer to one request, and all of its text; 0 when the connection was closed without one.</summary>
    public static async Task<(int Status, string Text)> SendAsync(Uri server, string head, ReadOnlyMemory<byte> body = default)
    {
        using var socket = await ConnectAsync(server);
        await socket.SendAsync(Encoding.Latin1.GetBytes(head));
        if (!body.IsEmpty)
            await socket.SendAsync(body);
        return await ReadAsync(socket);
    }

    public static async Task<Socket> ConnectAsync(Uri server)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port);
        return socket;
    }

    /// <summary>Reads until the server closes, which a request with <c>Connection: close</c> makes it do.</summary>
    public static async Task<(int Status, string Text)> ReadAsync(Socket socket)
    {
        var (buffer, text) = (new byte[4096], new StringBuilder());
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer)) > 0)
                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (SocketException)
        {
            // Reset: what came before it counts.
        }

        var all = text.ToString();
        return (all.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(all.AsSpan(9, 3), null) : 0, all);
    }
}
