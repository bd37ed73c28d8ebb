using System.Reflection;
using Confluent.Kafka;
using Polaris.ServiceDefaults.Messaging;
using Xunit;

namespace Polaris.Tests.Messaging;

public sealed class OutboxRelayTests
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    public class Broker : DispatchProxy
    {
        public List<byte> Sent { get; } = [];

        public HashSet<byte> Refused { get; } = [];

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var message = (Message<byte[], byte[]>)args![1]!;
            Sent.Add(message.Value[0]);
            return Refused.Contains(message.Value[0])
                ? Task.FromException<DeliveryResult<byte[], byte[]>>(
                    new ProduceException<byte[], byte[]>(new Error(ErrorCode.Local_MsgTimedOut), new DeliveryResult<byte[], byte[]>())
                )
                : Task.FromResult(new DeliveryResult<byte[], byte[]>());
        }
    }

    private sealed record Row(byte Number) : IOutboxRow
    {
        public Guid Org => Guid.Empty;

        public string? TraceLinks => null;
    }

    private sealed class Relay(IProducer<byte[], byte[]> producer, List<byte> outbox) : OutboxRelay<Row>(producer)
    {
        public List<(int, int)> Counted { get; } = [];

        protected override string Topic => "t";

        protected override int PageSize => 3;

        protected override TimeSpan PollEvery => Every;

        protected override Task<IReadOnlyList<Row>> ReadAsync(CancellationToken ct) =>
            Task.FromResult<IReadOnlyList<Row>>([.. outbox.Take(PageSize).Select(number => new Row(number))]);

        protected override (TopicPartition Target, Message<byte[], byte[]> Message) ToRecord(Row row) =>
            (new TopicPartition(Topic, Partition.Any), new Message<byte[], byte[]> { Value = [row.Number] });

        protected override Task RemoveAsync(IReadOnlyList<Row> published, CancellationToken ct)
        {
            outbox.RemoveAll(number => published.Any(row => row.Number == number));
            return Task.CompletedTask;
        }

        protected override void Count(int published, int failed) => Counted.Add((published, failed));
    }

    [Fact]
    public async Task Pages_go_in_order_and_a_full_one_is_followed_at_once()
    {
        var producer = DispatchProxy.Create<IProducer<byte[], byte[]>, Broker>();
        List<byte> outbox = [1, 2, 3, 4];
        var relay = new Relay(producer, outbox);
        Assert.Equal(TimeSpan.Zero, await relay.RunOnceAsync(default));
        Assert.Equal([4], outbox);
        Assert.Equal(Every, await relay.RunOnceAsync(default));
        Assert.Equal(Every, await relay.RunOnceAsync(default));
        Assert.Empty(outbox);
        Assert.Equal([1, 2, 3, 4], ((Broker)(object)producer).Sent);
        Assert.Equal([(3, 0), (1, 0)], relay.Counted);
    }

    [Fact]
    public async Task What_the_broker_refused_stays_and_its_neighbours_go()
    {
        var producer = DispatchProxy.Create<IProducer<byte[], byte[]>, Broker>();
        var broker = (Broker)(object)producer;
        broker.Refused.Add(2);
        List<byte> outbox = [1, 2, 3];
        var relay = new Relay(producer, outbox);
        await Assert.ThrowsAsync<ProduceException<byte[], byte[]>>(() => relay.RunOnceAsync(default));
        Assert.Equal([2], outbox);
        Assert.Equal([(2, 1)], relay.Counted);
        broker.Refused.Clear();
        await relay.RunOnceAsync(default);
        Assert.Empty(outbox);
        Assert.Equal([1, 2, 3, 2], broker.Sent);
    }
}
