using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.Billing.Features.Usage;

/// <summary>Where an assigned partition is read from.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Offset">The first offset to read; <see cref="Offset.Beginning"/> when nothing of it was applied.</param>
/// <param name="StartedOver">The stored position lies beyond the log's end: the log was lost and began anew.</param>
internal readonly record struct StartPosition(TopicPartition Partition, Offset Offset, bool StartedOver);

/// <summary>The stored positions of the consumer, a row a cluster and partition.</summary>
internal sealed partial class ConsumerPositions(NpgsqlDataSource database, ILogger<ConsumerPositions> log)
{
    /// <summary>Positions of this many clusters are kept, the last used ones: enough to go to another broker and back.</summary>
    public const int KeptClusters = 20;

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);
    private static readonly Counter<long> StartedOver = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.positions_reset", "{partition}");

    /// <summary>Called by the client inside Consume, which waits for it: hence no async here.</summary>
    public IReadOnlyList<StartPosition> Read(IConsumer<Ignore, byte[]> consumer, string clusterId, IEnumerable<TopicPartition> partitions)
    {
        using var connection = database.OpenConnection();
        using var command = new NpgsqlCommand("SELECT partition, next_offset FROM consumer_positions WHERE cluster_id = $1 AND topic = $2", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = clusterId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Topics.Usage });
        var known = new Dictionary<int, long>();
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read()) known[reader.GetInt32(0)] = reader.GetInt64(1);
        }

        return [.. partitions.Select(partition => Start(consumer, partition, known))];
    }

    public async Task ForgetOldClustersAsync(string current, CancellationToken ct)
    {
        await using var command = database.CreateCommand("""
            DELETE FROM consumer_positions WHERE cluster_id <> $1 AND cluster_id NOT IN (
              SELECT cluster_id FROM consumer_positions GROUP BY cluster_id ORDER BY max(moved_at) DESC LIMIT $2)
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = current });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = KeptClusters });
        await command.ExecuteNonQueryAsync(ct);
    }

    private StartPosition Start(IConsumer<Ignore, byte[]> consumer, TopicPartition partition, Dictionary<int, long> known)
    {
        if (!known.TryGetValue(partition.Partition.Value, out var next)) return new StartPosition(partition, Offset.Beginning, StartedOver: false);
        var end = consumer.QueryWatermarkOffsets(partition, AnswerWithin).High.Value;
        if (next <= end) return new StartPosition(partition, new Offset(next), StartedOver: false);
        StartedOver.Add(1);
        LogBeyondTheEnd(partition.Partition.Value, next, end);
        return new StartPosition(partition, Offset.Beginning, StartedOver: true);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The log of partition {Partition} ends at {End}, before the position {Position}: the broker lost it. Reading it from its beginning.")]
    private partial void LogBeyondTheEnd(int partition, long position, long end);
}
