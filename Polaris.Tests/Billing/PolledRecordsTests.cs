using Confluent.Kafka;
using Polaris.Billing.Features.Consuming;
using Polaris.Billing.Features.Counting;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>How the consumer handles a log that has gaps or was recreated.</summary>
public sealed class PolledRecordsTests
{
    private static ConsumeResult<Ignore, byte[]> Record(int partition, long offset) =>
        new() { TopicPartitionOffset = new TopicPartitionOffset("t", partition, offset), Message = new Message<Ignore, byte[]>() };

    private static StartPosition Start(int partition, long offset, bool startedOver = false) =>
        new(new TopicPartition("t", partition), new Offset(offset), startedOver);

    /// <summary>The positions once all polled records are applied.</summary>
    private static ConsumerPosition[] After(PolledRecords polled, params ConsumeResult<Ignore, byte[]>[] applied) =>
        polled.PositionsAfter(applied.Select(record => record.TopicPartition), _ => null);

    private static LogContinuity[] AddAll(PolledRecords polled, params ConsumeResult<Ignore, byte[]>[] records) =>
        [.. records.Select(polled.Add)];

    [Fact]
    public void Records_in_order_move_the_position_behind_the_last()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 5), Start(1, Offset.Beginning.Value)]);
        ConsumeResult<Ignore, byte[]>[] records = [Record(0, 5), Record(0, 6), Record(1, 40)];
        Assert.All(AddAll(polled, records), continuity => Assert.Equal(LogContinuity.Follows, continuity));
        Assert.Equal(
            [new ConsumerPosition("c", "t", 0, 7), new ConsumerPosition("c", "t", 1, 41)],
            After(polled, records).OrderBy(position => position.Partition)
        );
    }

    [Fact]
    public void A_position_does_not_pass_a_record_that_waits_and_catches_up_once_it_is_applied()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 5)]);
        AddAll(polled, Record(0, 5), Record(0, 6), Record(0, 7));
        TopicPartition[] partition = [new("t", 0)];
        Assert.Equal([new ConsumerPosition("c", "t", 0, 6)], polled.PositionsAfter(partition, _ => 6));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 8)], polled.PositionsAfter(partition, _ => null));
    }

    [Fact]
    public void Records_that_are_gone_are_a_gap_and_the_position_only_goes_on()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 5)]);
        Assert.Equal([LogContinuity.Gap], AddAll(polled, Record(0, 9)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 10)], After(polled, Record(0, 9)));
    }

    [Fact]
    public void A_log_that_began_anew_takes_the_position_back_once()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 500)]);
        ConsumeResult<Ignore, byte[]>[] records = [Record(0, 500), Record(0, 0)];
        Assert.Equal([LogContinuity.Follows, LogContinuity.WentBack], AddAll(polled, records));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 1, StartedOver: true)], After(polled, records));
        polled.Applied(records);
        Assert.Equal([LogContinuity.Follows], AddAll(polled, Record(0, 1)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 2)], After(polled, Record(0, 1)));
    }

    [Fact]
    public void Records_applied_one_by_one_may_take_the_position_back_until_all_of_them_are()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 500)]);
        AddAll(polled, Record(0, 500), Record(0, 0));
        Assert.Equal(
            [new ConsumerPosition("c", "t", 0, 0, StartedOver: true)],
            polled.PositionsAfter([new TopicPartition("t", 0)], _ => 0)
        );
        Assert.Equal([new ConsumerPosition("c", "t", 0, 1, StartedOver: true)], After(polled, Record(0, 0)));
    }

    [Fact]
    public void A_position_beyond_the_end_goes_back_with_the_first_record_even_when_polls_before_were_empty()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, Offset.Beginning.Value, startedOver: true)]);
        polled.Applied([]);
        polled.Applied([]);
        Assert.Equal([LogContinuity.Follows], AddAll(polled, Record(0, 0)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 1, StartedOver: true)], After(polled, Record(0, 0)));
    }

    [Fact]
    public void A_partition_that_was_taken_away_is_expected_nowhere_and_does_not_go_back()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 5), Start(1, Offset.Beginning.Value, startedOver: true)]);
        polled.Revoke([new TopicPartition("t", 0), new TopicPartition("t", 1)]);
        Assert.Equal([LogContinuity.Follows, LogContinuity.Follows], AddAll(polled, Record(0, 2), Record(1, 0)));
        Assert.Equal([new ConsumerPosition("c", "t", 1, 1)], After(polled, Record(1, 0)));
    }
}
