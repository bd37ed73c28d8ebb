using Google.Protobuf;
using NodaTime;
using Polaris.Billing.Features.Counting;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>What is added up for operators between two writings.</summary>
public sealed class ThroughputTests
{
    private static readonly Guid Org = Guid.CreateVersion7();
    private static readonly Guid Other = Guid.CreateVersion7();

    [Fact]
    public void What_could_not_be_written_is_there_for_the_next_time_once()
    {
        var throughput = new Throughput(TimeProvider.System);
        throughput.Add([Batch(Org, 3, ago: 5_000), Batch(Other, 1, ago: 10)]);
        throughput.Add([Batch(Org, 2, ago: 10)]);
        var taken = throughput.Take();
        Assert.Equal((5L, 1L), (taken.Events[Org], taken.Events[Other]));
        Assert.InRange(taken.SlowestMs, 5_000, 60_000);
        Assert.Empty(throughput.Take().Events);

        throughput.Add([Batch(Org, 1, ago: 10)]);
        throughput.PutBack(taken);
        var again = throughput.Take();
        Assert.Equal((6L, 1L), (again.Events[Org], again.Events[Other]));
        Assert.InRange(again.SlowestMs, 5_000, 60_000);
    }

    [Fact]
    public void A_slot_begins_at_a_multiple_of_its_length()
    {
        var at = Instant.FromUtc(2026, 11, 30, 12, 34, 56);
        Assert.Equal(Instant.FromUtc(2026, 11, 30, 12, 34, 50), RecordThroughput.SlotOf(at, RecordThroughput.Slot));
        Assert.Equal(Instant.FromUtc(2026, 11, 30, 12, 30), RecordThroughput.SlotOf(at, RecordThroughput.OrgSlot));
    }

    private static UsageBatch Batch(Guid org, int events, int ago)
    {
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow().AddMilliseconds(-ago));
        var batch = new UsageBatch
        {
            OrgId = ByteString.CopyFrom(org.ToByteArray(bigEndian: true)),
            BatchId = ByteString.CopyFrom(id.ToByteArray(bigEndian: true)),
        };
        batch.Events.AddRange(Enumerable.Range(0, events).Select(_ => new UsageEvent()));
        return batch;
    }
}
