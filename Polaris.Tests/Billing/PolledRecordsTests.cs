using Confluent.Kafka;
using Polaris.Billing.Features.Usage;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>What the consumer makes of a log that does not go on as expected.</summary>
public sealed class PolledRecordsTests
{
    private static ConsumeResult<Ignore, byte[]> Record(int partition, long offset) =>
        new() { TopicPartitionOffset = new TopicPartitionOffset("t", partition, offset), Message = new Message<Ignore, byte[]>() };

    private static StartPosition Start(int partition, long offset, bool startedOver = false) => new(new TopicPartition("t", partition), new Offset(offset), startedOver);

    [Fact]
    public void Records_in_order_move_the_position_behind_the_last()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 5), Start(1, Offset.Beginning.Value)]);
        polled.Begin();
        Assert.Equal(LogContinuity.Follows, polled.Add(Record(0, 5)));
        Assert.Equal(LogContinuity.Follows, polled.Add(Record(0, 6)));
        Assert.Equal(LogContinuity.Follows, polled.Add(Record(1, 40)));
        Assert.Equal(
            [new ConsumerPosition("c", "t", 0, 7), new ConsumerPosition("c", "t", 1, 41)], polled.PositionsAfter(polled.Records).OrderBy(position => position.Partition));
    }

    [Fact]
    public void Records_that_are_gone_are_a_gap_and_the_position_only_goes_on()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 5)]);
        polled.Begin();
        Assert.Equal(LogContinuity.Gap, polled.Add(Record(0, 9)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 10)], polled.PositionsAfter(polled.Records));
    }

    [Fact]
    public void A_log_that_began_anew_takes_the_position_back_once()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 500)]);
        polled.Begin();
        polled.Add(Record(0, 500));
        Assert.Equal(LogContinuity.WentBack, polled.Add(Record(0, 0)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 1, StartedOver: true)], polled.PositionsAfter(polled.Records));
        polled.Begin();
        Assert.Equal(LogContinuity.Follows, polled.Add(Record(0, 1)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 2)], polled.PositionsAfter(polled.Records));
    }

    [Fact]
    public void A_position_beyond_the_end_goes_back_with_the_first_record_even_when_polls_before_were_empty()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, Offset.Beginning.Value, startedOver: true)]);
        polled.Begin();
        polled.Begin();
        Assert.Equal(LogContinuity.Follows, polled.Add(Record(0, 0)));
        Assert.Equal([new ConsumerPosition("c", "t", 0, 1, StartedOver: true)], polled.PositionsAfter(polled.Records));
    }

    [Fact]
    public void Records_of_a_partition_that_was_taken_away_are_left_to_its_new_owner()
    {
        var polled = new PolledRecords("c");
        polled.Assign([Start(0, 0), Start(1, 0)]);
        polled.Begin();
        polled.Add(Record(0, 0));
        polled.Add(Record(1, 0));
        polled.Revoke([new TopicPartition("t", 0)]);
        Assert.Equal(1, Assert.Single(polled.Records).Partition.Value);
    }
}
