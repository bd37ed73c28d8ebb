using Confluent.Kafka;

namespace Polaris.Billing.Features.Usage;

/// <summary>How a record follows the one before it in its partition.</summary>
internal enum LogContinuity
{
    Follows,

    /// <summary>Records between them are missing: the broker deleted them before they were read.</summary>
    Gap,

    /// <summary>Its offset was read before: the log was lost and began anew.</summary>
    WentBack,
}

/// <summary>What was polled and waits to be applied, and how far each assigned partition has been read. Not for several threads.</summary>
internal sealed class PolledRecords(string clusterId)
{
    private readonly List<ConsumeResult<Ignore, byte[]>> records = [];
    private readonly Dictionary<TopicPartition, long> expected = [];

    /// <summary>Partitions whose position may go back with the next that is stored.</summary>
    private readonly HashSet<TopicPartition> startedOver = [];

    public string ClusterId { get; } = clusterId;

    public IReadOnlyList<ConsumeResult<Ignore, byte[]>> Records => records;

    public void Begin()
    {
        // What was polled before is applied: positions that had to go back went.
        foreach (var record in records) startedOver.Remove(record.TopicPartition);
        records.Clear();
    }

    public IEnumerable<TopicPartitionOffset> Assign(IReadOnlyList<StartPosition> starts)
    {
        foreach (var start in starts)
        {
            expected.Remove(start.Partition);
            if (start.Offset != Offset.Beginning) expected[start.Partition] = start.Offset.Value;
            if (start.StartedOver) startedOver.Add(start.Partition);
        }

        return starts.Select(start => new TopicPartitionOffset(start.Partition, start.Offset));
    }

    public void Revoke(IEnumerable<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            records.RemoveAll(record => record.TopicPartition == partition);
            expected.Remove(partition);
            startedOver.Remove(partition);
        }
    }

    public LogContinuity Add(ConsumeResult<Ignore, byte[]> record)
    {
        var partition = record.TopicPartition;
        var continuity = !expected.TryGetValue(partition, out var next) || record.Offset.Value == next ? LogContinuity.Follows
            : record.Offset.Value > next ? LogContinuity.Gap : LogContinuity.WentBack;
        if (continuity == LogContinuity.WentBack) startedOver.Add(partition);
        records.Add(record);
        expected[partition] = record.Offset.Value + 1;
        return continuity;
    }

    /// <summary>The positions once these records are applied: behind the last polled, whose offset is smaller than others' where the log began anew.</summary>
    public ConsumerPosition[] PositionsAfter(IEnumerable<ConsumeResult<Ignore, byte[]>> applied) =>
        [.. applied.GroupBy(record => record.TopicPartition).Select(group => new ConsumerPosition(
            ClusterId, group.Key.Topic, group.Key.Partition.Value, group.Last().Offset.Value + 1, startedOver.Contains(group.Key)))];
}
