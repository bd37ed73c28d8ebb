using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polaris.Bench.Notify;
using Xunit;

namespace Polaris.Tests.Notifications;

/// <summary>A receiver of webhooks in a process of its own (<see cref="Receiver"/>), which can be killed and started again.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly string log = Path.Combine(Path.GetTempPath(), $"polaris-receiver-{RandomNumberGenerator.GetHexString(8, true)}.jsonl");
    private Process? process;

    private WebhookReceiver(int port) => Port = port;

    public int Port { get; }

    public static async Task<WebhookReceiver> StartAsync()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var receiver = new WebhookReceiver(((IPEndPoint)probe.LocalEndpoint).Port);
        probe.Stop();
        await receiver.RunAsync();
        return receiver;
    }

    /// <summary>The address of a receiver that behaves so.</summary>
    public string Url(string name, string behaviour) =>
        string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/{name}/{behaviour}");

    public async Task RunAsync()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            ArgumentList = { Path.ChangeExtension(typeof(Receiver).Assembly.Location, ".dll"), "receiver", $"{Port}", log },
        };
        process = Process.Start(start)!;
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
    }

    public void Kill()
    {
        process?.Kill();
        process?.WaitForExit();
    }

    /// <summary>Everything that it got under a name, in the order in which it came. A line that a kill cut short is left out.</summary>
    public async Task<IReadOnlyList<Receipt>> ReceiptsAsync(string name)
    {
        if (!File.Exists(log))
            return [];
        await using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return
        [
            .. (await reader.ReadToEndAsync())
                .Split('\n')
                .Where(line => line.EndsWith('}'))
                .Select(line => JsonSerializer.Deserialize<Receipt>(line)!)
                .Where(receipt => receipt.Name == name),
        ];
    }

    public ValueTask DisposeAsync()
    {
        Kill();
        process?.Dispose();
        File.Delete(log);
        return ValueTask.CompletedTask;
    }

    /// <summary>Whether one of the signatures is by this secret: HMAC-SHA256 of <c>id.timestamp.body</c>, computed here.</summary>
    public static bool IsSigned(Receipt receipt, string secret)
    {
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        var hash = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{receipt.Id}.{receipt.Timestamp}.{receipt.Body}"));
        return receipt.Signature.Split(' ').Contains("v1," + Convert.ToBase64String(hash));
    }
}
