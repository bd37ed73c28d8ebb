using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Polaris.Ingestion.Features.Ingest;
using Polaris.Ingestion.Features.Relay;
using Xunit;

namespace Polaris.Tests.Ingestion;

public sealed class EventWriterTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly Guid Org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");

    [Fact]
    public async Task Who_waits_while_the_writer_stops_is_told_to_send_again()
    {
        // A database that accepts connections and never answers. Npgsql then ends with its timeout, not with the cancellation.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var database = NpgsqlDataSource.Create(
            $"Host=127.0.0.1;Port={((IPEndPoint)silent.LocalEndpoint).Port};Username=nobody;Timeout=2;"
                + "SSL Mode=Disable;GSS Encryption Mode=Disable"
        );
        using var writer = new EventWriter(database, new RelaySignal(), TimeProvider.System, NullLogger<EventWriter>.Instance);
        await writer.StartAsync(default);
        var written = writer.WriteAsync(Org, []);
        using var connection = await silent.AcceptTcpClientAsync().WaitAsync(Timeout);
        var queued = writer.WriteAsync(Org, []);

        await writer.StopAsync(default);

        foreach (var request in new[] { written, queued })
            await Assert.ThrowsAsync<StorageUnavailableException>(() => request.WaitAsync(Timeout));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => writer.WriteAsync(Org, []));
    }
}
