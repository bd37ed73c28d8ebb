using System.Diagnostics.Metrics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using Google.Protobuf;
using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>Where records go that cannot be applied: a table (kept) and a topic (for whoever watches), each with the reason.</summary>
internal sealed partial class DeadLetters(NpgsqlDataSource database, IProducer<byte[], byte[]> producer, TimeProvider time, ILogger<DeadLetters> log)
{
    /// <summary>Stands for the cluster id of batches that came from Ingestion's store.</summary>
    private const string Store = "store";

    private const int MaxReason = 1_000;

    private static readonly Counter<long> Count = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.dead_letters", "{record}");

    /// <summary>Keeps the record; the same one again changes nothing. Throws when the table cannot be written: the record must not get lost.</summary>
    public Task SetAsideAsync(string clusterId, ConsumeResult<Ignore, byte[]> record, string reason, CancellationToken ct) =>
        SetAsideAsync(clusterId, record.TopicPartitionOffset, record.Message.Value ?? [], reason, ct);

    /// <summary>The same for a batch that was fetched from the store.</summary>
    public Task SetAsideAsync(UsageBatch batch, string reason, CancellationToken ct) =>
        SetAsideAsync(Store, new TopicPartitionOffset(Topics.Usage, batch.Partition, 0), batch.ToByteArray(), reason, ct);

    private async Task SetAsideAsync(string clusterId, TopicPartitionOffset source, byte[] payload, string reason, CancellationToken ct)
    {
        var (org, id) = Identify(clusterId, source, payload);
        await using (var tx = await database.BeginGateAsync(Gate.DeadLetters, ct))
        {
            await using var command = tx.Command("""
                INSERT INTO dead_letters (org_id, id, cluster_id, topic, partition, record_offset, reason, payload, seen_at, attempts)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT DO NOTHING
                """);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = clusterId });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = source.Topic });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = source.Partition.Value });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = source.Offset.Value });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Storable(reason) });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = payload });
            command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = Instant.FromDateTimeOffset(time.GetUtcNow()) });
            if (await command.ExecuteNonQueryAsync(ct) == 0) return;
            await tx.CommitAsync(ct);
        }

        Count.Add(1);
        LogSetAside(org, source.Topic, source.Partition.Value, source.Offset.Value, reason);
        await AnnounceAsync(source, payload, reason, ct);
    }

    /// <summary>A reason may quote the record: without the one character that PostgreSQL refuses, and not endless.</summary>
    public static string Storable(string reason)
    {
        var text = reason.Replace('\0', ' ');
        return text.Length <= MaxReason ? text : text[..MaxReason];
    }

    private async Task AnnounceAsync(TopicPartitionOffset source, byte[] payload, string reason, CancellationToken ct)
    {
        try
        {
            await producer.ProduceAsync(Topics.UsageDeadLetter, new Message<byte[], byte[]>
            {
                Value = payload,
                Headers = new Headers { { "reason", Encoding.UTF8.GetBytes(reason) }, { "source", Encoding.UTF8.GetBytes(source.ToString()) } }.WithTrace(),
            }, ct);
        }
        catch (ProduceException<byte[], byte[]> exception)
        {
            // The table has it; the topic is a courtesy.
            LogNotAnnounced(exception);
        }
    }

    /// <summary>The org's and batch's ids where they can be read; else the empty org and an id made from where the record lay.</summary>
    private static (Guid Org, Guid Id) Identify(string clusterId, TopicPartitionOffset source, byte[] payload)
    {
        try
        {
            var batch = UsageBatch.Parser.ParseFrom(payload);
            if (batch.OrgId.Length == 16 && batch.BatchId.Length == 16 && FoldUsage.OrgOf(batch) is var org && org != Guid.Empty) return (org, FoldUsage.IdOf(batch));
        }
        catch (InvalidProtocolBufferException)
        {
            // Nobody's: what it holds cannot be read.
        }

        var place = string.Create(CultureInfo.InvariantCulture, $"{clusterId}\n{source.Topic}\n{source.Partition.Value}\n{source.Offset.Value}\n");
        var hash = SHA256.HashData([.. Encoding.UTF8.GetBytes(place), .. payload]);
        return (Guid.Empty, new Guid(hash.AsSpan(0, 16), bigEndian: true));
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A record of org {OrgId} was set aside: {Topic} [{Partition}] @{Offset}: {Reason}")]
    private partial void LogSetAside(Guid orgId, string topic, int partition, long offset, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A dead letter could not be announced on its topic.")]
    private partial void LogNotAnnounced(Exception exception);
}
