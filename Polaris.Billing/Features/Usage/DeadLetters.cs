using System.Diagnostics.Metrics;
using System.Text;
using Confluent.Kafka;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Billing.Features.Usage;

/// <summary>Where records go that cannot be applied: a table (kept) and a topic (for whoever watches), each with the reason.</summary>
internal sealed partial class DeadLetters(NpgsqlDataSource database, IProducer<byte[], byte[]> producer, TimeProvider time, ILogger<DeadLetters> log)
{
    private static readonly Counter<long> Count = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.dead_letters", "{record}");

    /// <summary>Keeps the record; the same one again changes nothing. Throws when the table cannot be written: the record must not get lost.</summary>
    public async Task SetAsideAsync(string clusterId, ConsumeResult<Ignore, byte[]> record, string reason, CancellationToken ct)
    {
        await using var command = database.CreateCommand("""
            INSERT INTO dead_letters (cluster_id, topic, partition, record_offset, reason, payload, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = clusterId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = record.Topic });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = record.Partition.Value });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = record.Offset.Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = reason });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = record.Message.Value ?? [] });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
        if (await command.ExecuteNonQueryAsync(ct) == 0) return;

        Count.Add(1);
        LogSetAside(record.Topic, record.Partition.Value, record.Offset.Value, reason);
        try
        {
            await producer.ProduceAsync(Topics.UsageDeadLetter, new Message<byte[], byte[]>
            {
                Value = record.Message.Value ?? [],
                Headers = new Headers { { "reason", Encoding.UTF8.GetBytes(reason) }, { "source", Encoding.UTF8.GetBytes(record.TopicPartitionOffset.ToString()) } }.WithTrace(),
            }, ct);
        }
        catch (ProduceException<byte[], byte[]> exception)
        {
            // The table has it; the topic is a courtesy.
            LogNotAnnounced(exception);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A record was set aside: {Topic} [{Partition}] @{Offset}: {Reason}")]
    private partial void LogSetAside(string topic, int partition, long offset, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A dead letter could not be announced on its topic.")]
    private partial void LogNotAnnounced(Exception exception);
}
