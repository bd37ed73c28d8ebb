using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Npgsql;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Billing.Features.Consuming;

/// <summary>Start position of an assigned partition.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Offset">The first offset to read; <see cref="Offset.Beginning"/> when nothing was applied yet.</param>
/// <param name="StartedOver">The stored position is beyond the log's end: the log was lost and recreated.</param>
internal readonly record struct StartPosition(TopicPartition Partition, Offset Offset, bool StartedOver);

/// <summary>The consumer's stored positions, one row per cluster and partition.</summary>
internal sealed partial class ConsumerPositions(NpgsqlDataSource database, ILogger<ConsumerPositions> log)
{
    /// <summary>
    /// Number of clusters whose positions are kept, most recently used first, so that switching to another broker and back works.
    /// </summary>
    public const int MaxClusters = 20;

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);
    private static readonly Counter<long> StartedOver = PolarisTelemetry.Meter.CreateCounter<long>(
        "polaris.billing.positions_reset",
        "{partition}"
    );

    /// <summary>Synchronous because the client calls it from within Consume, which waits for it.</summary>
    public IReadOnlyList<StartPosition> Read(IConsumer<Ignore, byte[]> consumer, string clusterId, IEnumerable<TopicPartition> partitions)
    {
        using var connection = database.OpenConnection();
        using var command = new NpgsqlCommand(
            "SELECT partition, next_offset FROM consumer_positions WHERE cluster_id = $1 AND topic = $2",
            connection
        );
        command.Bind(clusterId).Bind(Topics.Usage);
        var known = new Dictionary<int, long>();
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
                known[reader.GetInt32(0)] = reader.GetInt64(1);
        }

        return [.. partitions.Select(partition => Start(consumer, partition, known))];
    }

    public async Task DeleteOldClustersAsync(string current, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            """
            DELETE FROM consumer_positions WHERE cluster_id <> $1 AND cluster_id NOT IN (
              SELECT cluster_id FROM consumer_positions GROUP BY cluster_id ORDER BY max(moved_at) DESC LIMIT $2)
            """
        );
        command.Bind(current).Bind(MaxClusters);
        await command.ExecuteNonQueryAsync(ct);
    }

    private StartPosition Start(IConsumer<Ignore, byte[]> consumer, TopicPartition partition, Dictionary<int, long> known)
    {
        if (!known.TryGetValue(partition.Partition.Value, out var next))
            return new StartPosition(partition, Offset.Beginning, StartedOver: false);
        var end = consumer.QueryWatermarkOffsets(partition, AnswerWithin).High.Value;
        if (next <= end)
            return new StartPosition(partition, new Offset(next), StartedOver: false);
        StartedOver.Add(1);
        LogBeyondTheEnd(partition.Partition.Value, next, end);
        return new StartPosition(partition, Offset.Beginning, StartedOver: true);
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The log of partition {Partition} ends at offset {End}, before the stored position {Position}: the broker lost it. "
            + "Reading it from the start."
    )]
    private partial void LogBeyondTheEnd(int partition, long position, long end);
}
