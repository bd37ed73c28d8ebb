using Confluent.Kafka;
using Polaris.Billing.Features.Counting;

namespace Polaris.Billing.Features.Consuming;

/// <summary>How a record's offset follows the previous one in its partition.</summary>
internal enum LogContinuity
{
    Follows,

    /// <summary>Records in between are missing: the broker deleted them before they were read.</summary>
    Gap,

    /// <summary>Its offset was already read: the log was lost and recreated.</summary>
    WentBack,
}

/// <summary>The last polled offset of each assigned partition, and the positions to store. Not thread-safe.</summary>
internal sealed class PolledRecords(string clusterId)
{
    private readonly Dictionary<TopicPartition, long> expected = [];

    /// <summary>Partitions whose stored position may decrease with the next write.</summary>
    private readonly HashSet<TopicPartition> startedOver = [];

    public string ClusterId { get; } = clusterId;

    /// <summary>Call once all polled records are applied: positions that had to decrease are stored.</summary>
    public void Applied(IEnumerable<ConsumeResult<Ignore, byte[]>> records)
    {
        foreach (var record in records)
            startedOver.Remove(record.TopicPartition);
    }

    public IEnumerable<TopicPartitionOffset> Assign(IReadOnlyList<StartPosition> starts)
    {
        foreach (var start in starts)
        {
            expected.Remove(start.Partition);
            if (start.Offset != Offset.Beginning)
                expected[start.Partition] = start.Offset.Value;
            if (start.StartedOver)
                startedOver.Add(start.Partition);
        }

        return starts.Select(start => new TopicPartitionOffset(start.Partition, start.Offset));
    }

    public void Revoke(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            expected.Remove(partition);
            startedOver.Remove(partition);
        }
    }

    public LogContinuity Add(ConsumeResult<Ignore, byte[]> record)
    {
        var partition = record.TopicPartition;
        var continuity =
            !expected.TryGetValue(partition, out var next) || record.Offset.Value == next ? LogContinuity.Follows
            : record.Offset.Value > next ? LogContinuity.Gap
            : LogContinuity.WentBack;
        if (continuity == LogContinuity.WentBack)
            startedOver.Add(partition);
        expected[partition] = record.Offset.Value + 1;
        return continuity;
    }

    /// <summary>
    /// The positions to store once the records before <paramref name="firstOpen"/> are applied: after the last polled record, which has a
    /// smaller offset than earlier ones when the log was recreated, but not past an open one.
    /// </summary>
    /// <param name="partitions">The partitions to store.</param>
    /// <param name="firstOpen">The first offset of a partition that is not applied yet; null when all polled ones are.</param>
    public ConsumerPosition[] PositionsAfter(IEnumerable<TopicPartition> partitions, Func<TopicPartition, long?> firstOpen) =>
        [
            .. partitions
                .Distinct()
                .Where(expected.ContainsKey)
                .Select(partition => new ConsumerPosition(
                    ClusterId,
                    partition.Topic,
                    partition.Partition.Value,
                    Math.Min(expected[partition], firstOpen(partition) ?? long.MaxValue),
                    startedOver.Contains(partition)
                )),
        ];
}
