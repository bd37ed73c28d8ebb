using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Polaris.Bench.Load;

/// <summary>A response: its status and its counts of events; the status is 0 when the connection broke.</summary>
internal readonly record struct LoadAnswer(int Status, int Accepted, int Duplicates, int Conflicts, int Rejected);

/// <summary>
/// One keep-alive connection that posts prepared bodies and parses only the necessary parts of the response. The load shares its cores with
/// the measured service; a general HTTP client would use several times the CPU.
/// </summary>
internal sealed class LoadConnection(Uri url, string apiKey) : IDisposable
{
    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly byte[] head = Encoding.ASCII.GetBytes(
        $"POST /ingest HTTP/1.1\r\nHost: {url.Authority}\r\nAuthorization: Bearer {apiKey}\r\nContent-Type: "
            + $"application/json\r\nContent-Length: "
    );

    private byte[] request = new byte[64 * 1024];
    private byte[] answer = new byte[16 * 1024];
    private int received;

    /// <summary>The socket; null while there is no connection.</summary>
    public Socket? Socket { get; private set; }

    /// <summary>Sends a body and returns once the kernel has it; false when there is no connection or it broke.</summary>
    public bool TrySend(ReadOnlySpan<byte> body)
    {
        try
        {
            if (Socket is null)
            {
                Socket = NewSocket();
                Socket.Connect(Address);
            }

            received = 0;
            var length = Compose(body);
            for (var sent = 0; sent < length; )
                sent += Socket.Send(request.AsSpan(sent, length - sent));
            return true;
        }
        catch (SocketException)
        {
            Close();
            return false;
        }
    }

    /// <summary>Reads available bytes of a response, waiting for some; false until the response is complete.</summary>
    public bool TryReceive(out LoadAnswer got)
    {
        got = default;
        try
        {
            received += Read(Socket!.Receive(Space()));
            if (!IsComplete(answer.AsSpan(0, received)))
                return false;
            got = Parse(answer.AsSpan(0, received));
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            Close();
        }

        return true;
    }

    public async Task<LoadAnswer> PostAsync(ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        try
        {
            if (Socket is null)
            {
                Socket = NewSocket();
                await Socket.ConnectAsync(Address, ct);
            }

            received = 0;
            var length = Compose(body.Span);
            for (var sent = 0; sent < length; )
                sent += await Socket.SendAsync(request.AsMemory(sent, length - sent), ct);
            do
            {
                Space();
                received += Read(await Socket.ReceiveAsync(answer.AsMemory(received), ct));
            } while (!IsComplete(answer.AsSpan(0, received)));

            return Parse(answer.AsSpan(0, received));
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            Close();
            return default;
        }
        catch (OperationCanceledException)
        {
            // Part of a response may still arrive; the next request must not read it as its own.
            Close();
            throw;
        }
    }

    public void Dispose() => Close();

    private void Close()
    {
        Socket?.Dispose();
        Socket = null;
    }

    private IPEndPoint Address => new(IPAddress.Loopback, url.Port);

    private static Socket NewSocket() =>
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, SendTimeout = 60_000 };

    private int Compose(ReadOnlySpan<byte> body)
    {
        var needed = head.Length + 32 + body.Length;
        if (request.Length < needed)
            request = new byte[needed];
        head.CopyTo(request, 0);
        var length = head.Length;
        length += Encoding.ASCII.GetBytes(body.Length.ToString(CultureInfo.InvariantCulture), request.AsSpan(length));
        "\r\n\r\n"u8.CopyTo(request.AsSpan(length));
        length += 4;
        body.CopyTo(request.AsSpan(length));
        return length + body.Length;
    }

    /// <summary>The free part of the response buffer.</summary>
    private Span<byte> Space()
    {
        if (received == answer.Length)
        {
            if (received >= MaxAnswerBytes)
                throw new IOException("The response is too long.");
            Array.Resize(ref answer, answer.Length * 2);
        }

        return answer.AsSpan(received);
    }

    private static int Read(int bytes) => bytes > 0 ? bytes : throw new IOException("The connection was closed.");

    private static bool IsComplete(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return false;
        var headers = text[..(end + 2)];
        var at = headers.IndexOf("Content-Length: "u8);
        return at < 0 ? text.EndsWith("\r\n0\r\n\r\n"u8) : text.Length - end - 4 >= Number(headers[(at + 16)..]);
    }

    private static LoadAnswer Parse(ReadOnlySpan<byte> text) =>
        new(
            Number(text[9..]),
            After(text, "\"accepted\":"u8),
            After(text, "\"duplicates\":"u8),
            After(text, "\"conflicts\":"u8),
            After(text, "\"rejected\":"u8)
        );

    private static int After(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name) =>
        text.IndexOf(name) is var at and >= 0 ? Number(text[(at + name.Length)..]) : 0;

    private static int Number(ReadOnlySpan<byte> text)
    {
        var number = 0;
        foreach (var digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
                break;
            number = number * 10 + (digit - '0');
        }

        return number;
    }
}
