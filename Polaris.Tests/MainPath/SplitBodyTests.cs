using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.Testing;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>A body may arrive separately from its headers, and in pieces.</summary>
public sealed class SplitBodyTests(PolarisApp polaris) : PlatformTests
{
    /// <summary>The number of attempts: any of them may still arrive in one piece, but not all of them.</summary>
    private const int Requests = 300;

    [Fact]
    public async Task A_body_that_comes_in_two_pieces_is_read_whole()
    {
        using var tenant = await polaris.SignUpAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, polaris.App.GetEndpoint("ingestion", "public").Port);
        for (var i = 0; i < Requests; i++)
        {
            var body = $$"""{"idempotency_key":"split-{{i.ToString(CultureInfo.InvariantCulture)}}","type":"call","customer":"acme"}""";
            var head =
                $"POST /ingest HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {tenant.ApiKey}\r\n"
                + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
            await socket.SendAsync(Encoding.ASCII.GetBytes(head + body[..(i % body.Length)]));
            await socket.SendAsync(Encoding.ASCII.GetBytes(body[(i % body.Length)..]));
            Assert.Contains("\"accepted\":1,", await ReadAsync(socket), StringComparison.Ordinal);
        }
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        var (buffer, text) = (new byte[4096], new StringBuilder());
        while (!IsWhole(text.ToString()))
        {
            var read = await socket.ReceiveAsync(buffer);
            Assert.True(read > 0, $"The connection was closed after: {text}");
            text.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }

        return text.ToString();
    }

    private static bool IsWhole(string text)
    {
        const string length = "Content-Length: ";
        if (text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is not (>= 0 and var end))
            return false;
        Assert.StartsWith("HTTP/1.1 202 ", text, StringComparison.Ordinal);
        var at = text.IndexOf(length, StringComparison.Ordinal);
        Assert.InRange(at, 0, end);
        return text.Length
            == end
                + 4
                + int.Parse(text.AsSpan(at + length.Length, text.IndexOf('\r', at) - at - length.Length), CultureInfo.InvariantCulture);
    }
}
