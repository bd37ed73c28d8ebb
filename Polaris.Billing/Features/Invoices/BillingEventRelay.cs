using System.Threading.Channels;
using Confluent.Kafka;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Invoices;

/// <summary>Sends what the outbox holds to <c>polaris.billing.v1</c>, at least once: a row goes only when the broker has the record.</summary>
internal sealed partial class BillingEventRelay(NpgsqlDataSource database, IProducer<byte[], byte[]> producer, ILogger<BillingEventRelay> log) : BackgroundService
{
    private const int AtOnce = 500;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Channel<bool> wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Wake() => wakes.Writer.TryWrite(true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await SendSomeAsync(stoppingToken) == AtOnce)
                {
                    // A full page: there may be more.
                }
            }
            catch (Exception exception) when (exception is KafkaException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }

            using var wake = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            wake.CancelAfter(LookEvery);
            try
            {
                await wakes.Reader.ReadAsync(wake.Token);
            }
            catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
            {
                // Time to look anyway.
            }
        }
    }

    private async Task<int> SendSomeAsync(CancellationToken ct)
    {
        var rows = await ReadAsync(ct);
        if (rows.Count == 0) return 0;
        await Task.WhenAll(rows.Select(row => producer.ProduceAsync(
            Topics.Billing, new Message<byte[], byte[]> { Key = row.Org.ToByteArray(bigEndian: true), Value = row.Message, Headers = new Headers().WithTrace() }, ct)));
        await using var tx = await database.BeginGateAsync(Gate.RelayBillingEvents, ct);
        await using var command = tx.Command("DELETE FROM outbox o USING unnest($1::uuid[], $2::uuid[]) d(org_id, event_id) WHERE o.org_id = d.org_id AND o.event_id = d.event_id");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(row => row.Org)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(row => row.EventId)] });
        await command.ExecuteNonQueryAsync(ct);
        await tx.CommitAsync(ct);
        return rows.Count;
    }

    private async Task<List<(Guid Org, Guid EventId, byte[] Message)>> ReadAsync(CancellationToken ct)
    {
        await using var tx = await database.BeginGateAsync(Gate.RelayBillingEvents, ct);
        await using var command = tx.Command("SELECT org_id, event_id, message FROM outbox ORDER BY event_id LIMIT $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = AtOnce });
        var rows = new List<(Guid, Guid, byte[])>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) rows.Add((reader.GetGuid(0), reader.GetGuid(1), reader.GetFieldValue<byte[]>(2)));
        return rows;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Billing events could not be sent for now; they wait in the outbox.")]
    private partial void LogFailed(Exception exception);
}
