using System.Diagnostics.Metrics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using Google.Protobuf;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.DeadLetterQueue;

/// <summary>Stores records that cannot be applied in a table, with the reason, and announces them on a topic.</summary>
internal sealed partial class DeadLetters(
    NpgsqlDataSource database,
    IProducer<byte[], byte[]> producer,
    TimeProvider time,
    ILogger<DeadLetters> log
)
{
    /// <summary>The cluster id of batches that came from Ingestion's store.</summary>
    private const string Store = "store";

    private const int MaxReason = 1_000;

    private static readonly Counter<long> Count = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.dead_letters", "{record}");

    /// <summary>
    /// Stores the record; storing it again changes nothing. Throws when the table cannot be written, so that the record is not lost.
    /// </summary>
    public Task SetAsideAsync(string clusterId, ConsumeResult<Ignore, byte[]> record, string reason, CancellationToken ct) =>
        SetAsideAsync(clusterId, record.TopicPartitionOffset, record.Message.Value ?? [], reason, ct);

    /// <summary>Stores a batch that was fetched from Ingestion's store.</summary>
    public Task SetAsideAsync(UsageBatch batch, string reason, CancellationToken ct) =>
        SetAsideAsync(Store, new TopicPartitionOffset(Topics.Usage, batch.Partition, 0), batch.ToByteArray(), reason, ct);

    private async Task SetAsideAsync(string clusterId, TopicPartitionOffset source, byte[] payload, string reason, CancellationToken ct)
    {
        var (org, id) = Identify(clusterId, source, payload);
        await using (var tx = await database.BeginCrossOrgAsync(CrossOrgScope.DeadLetters, ct))
        {
            await using var command = tx.Command(
                """
                INSERT INTO dead_letters (org_id, id, cluster_id, topic, partition, record_offset, reason, payload, seen_at, attempts)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1) ON CONFLICT DO NOTHING
                """
            );
            command
                .Bind(org)
                .Bind(id)
                .Bind(clusterId)
                .Bind(source.Topic)
                .Bind(source.Partition.Value)
                .Bind(source.Offset.Value)
                .Bind(Storable(reason))
                .Bind(payload)
                .Bind(time.GetCurrentInstant());
            if (await command.ExecuteNonQueryAsync(ct) == 0)
                return;
            await tx.CommitAsync(ct);
        }

        Count.Add(1);
        LogSetAside(org, source.Topic, source.Partition.Value, source.Offset.Value, reason);
        await AnnounceAsync(source, payload, reason, ct);
    }

    /// <summary>
    /// The reason without U+0000, which PostgreSQL rejects, and cut to a maximum length, because it may quote the record.
    /// </summary>
    public static string Storable(string reason)
    {
        var text = reason.Replace('\0', ' ');
        return text.Length <= MaxReason ? text : text[..MaxReason];
    }

    private async Task AnnounceAsync(TopicPartitionOffset source, byte[] payload, string reason, CancellationToken ct)
    {
        try
        {
            await producer.ProduceAsync(
                Topics.UsageDeadLetter,
                new Message<byte[], byte[]>
                {
                    Value = payload,
                    Headers = new Headers
                    {
                        { "reason", Encoding.UTF8.GetBytes(reason) },
                        { "source", Encoding.UTF8.GetBytes(source.ToString()) },
                    }.WithTrace(),
                },
                ct
            );
        }
        catch (ProduceException<byte[], byte[]> exception)
        {
            // The table has the record; the topic is best effort.
            LogNotAnnounced(exception);
        }
    }

    /// <summary>
    /// The ids of the org and batch if they can be parsed; else the empty org and an id derived from the record's position.
    /// </summary>
    private static (Guid Org, Guid Id) Identify(string clusterId, TopicPartitionOffset source, byte[] payload)
    {
        try
        {
            var batch = UsageBatch.Parser.ParseFrom(payload);
            if (batch.OrgId.Length == 16 && batch.BatchId.Length == 16 && FoldUsage.OrgOf(batch) is var org && org != Guid.Empty)
                return (org, FoldUsage.IdOf(batch));
        }
        catch (InvalidProtocolBufferException)
        {
            // The payload cannot be parsed, so the org is unknown.
        }

        var place = string.Create(
            CultureInfo.InvariantCulture,
            $"{clusterId}\n{source.Topic}\n{source.Partition.Value}\n{source.Offset.Value}\n"
        );
        var hash = SHA256.HashData([.. Encoding.UTF8.GetBytes(place), .. payload]);
        return (Guid.Empty, new Guid(hash.AsSpan(0, 16), bigEndian: true));
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Dead letter of org {OrgId}: {Topic} [{Partition}] @{Offset}: {Reason}")]
    private partial void LogSetAside(Guid orgId, string topic, int partition, long offset, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Could not publish a dead letter to its topic.")]
    private partial void LogNotAnnounced(Exception exception);
}
