using System.Reflection;
using System.Threading.Channels;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using Polaris.ServiceDefaults.Messaging;
using Polaris.Tests.Hosting;
using Xunit;

namespace Polaris.Tests.Messaging;

public sealed class KafkaConsumerWorkerTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private static ConsumeResult<Ignore, byte[]> Record(long offset, int partition = 0) =>
        new()
        {
            TopicPartitionOffset = new TopicPartitionOffset("t", partition, offset),
            Message = new Message<Ignore, byte[]> { Value = [1] },
        };

    /// <summary>A fake broker connection with the members that the loop uses.</summary>
    public class Connection : DispatchProxy
    {
        public Queue<object> Log { get; } = new();

        public List<TopicPartitionOffset[]> Commits { get; } = [];

        public Func<Exception?> OnCommit { get; set; } = () => null;

        public int Closed { get; private set; }

        public static (IConsumer<Ignore, byte[]> Consumer, Connection Connection) Create(params object[] log)
        {
            var consumer = Create<IConsumer<Ignore, byte[]>, Connection>();
            var connection = (Connection)(object)consumer;
            foreach (var one in log)
                connection.Log.Enqueue(one);
            return (consumer, connection);
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            switch (targetMethod!.Name)
            {
                case nameof(IConsumer<,>.Consume):
                    if (!Log.TryDequeue(out var next))
                    {
                        // Like the client: blocks for the given timeout when there is no record.
                        Thread.Sleep((TimeSpan)args![0]!);
                        return null;
                    }

                    if (next is Action between)
                    {
                        between();
                        return null;
                    }

                    return next is Exception exception ? throw exception : next;
                case nameof(IConsumer<,>.Commit):
                    if (OnCommit() is { } refused)
                        throw refused;
                    Commits.Add([.. (IEnumerable<TopicPartitionOffset>)args![0]!]);
                    return null;
                case nameof(IConsumer<,>.Close):
                    Closed++;
                    return null;
                case nameof(IConsumer<,>.Subscribe) or nameof(IDisposable.Dispose):
                    return null;
                default:
                    throw new NotSupportedException(targetMethod.Name);
            }
        }
    }

    private sealed class Handler : KafkaHandler
    {
        private readonly Channel<(int Partition, long Offset)[]> calls = Channel.CreateUnbounded<(int, long)[]>();

        public Func<int, Task> OnCall { get; set; } = _ => Task.CompletedTask;

        public int Calls { get; private set; }

        public int Most { get; init; } = 200;

        public bool Commits { get; init; } = true;

        public Func<bool> StaysOpen { get; set; } = () => true;

        public override string Topic => "t";

        public override int MaxRecords => Most;

        public override bool CommitsOffsets => Commits;

        public override async Task HandleAsync(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
        {
            // Like a database call: the loop continues on another thread than the one that advances the clock.
            await Task.Yield();
            Calls++;
            calls.Writer.TryWrite([.. records.Select(record => (record.Partition.Value, record.Offset.Value))]);
            await OnCall(Calls);
        }

        public override Task<bool> StaysOpenAsync(CancellationToken ct) => Task.FromResult(StaysOpen());

        public Task<(int Partition, long Offset)[]> NextCallAsync() => calls.Reader.ReadAsync().AsTask().WaitAsync(Timeout);
    }

    private static KafkaConsumerWorker<Handler> Worker(Handler handler, SteppedTime time, params IConsumer<Ignore, byte[]>[] connections)
    {
        var next = 0;
        return new(
            handler: handler,
            config: new ConsumerConfig(),
            time: time,
            log: NullLogger<Handler>.Instance,
            build: _ => connections[Math.Min(next++, connections.Length - 1)]
        );
    }

    [Fact]
    public async Task Batches_are_bounded_in_order_and_committed_behind_their_last_record_once_handled()
    {
        var (consumer, connection) = Connection.Create(Record(5), Record(7, partition: 1), Record(6), Record(7), Record(8));
        var handler = new Handler { Most = 3 };
        using var worker = Worker(handler, new SteppedTime(), consumer);
        await worker.StartAsync(default);
        Assert.Equal([(0, 5L), (1, 7L), (0, 6L)], await handler.NextCallAsync());
        Assert.Equal([(0, 7L), (0, 8L)], await handler.NextCallAsync());
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.Equal(
            [
                [new TopicPartitionOffset("t", 0, 7), new TopicPartitionOffset("t", 1, 8)],
                [new TopicPartitionOffset("t", 0, 9)],
            ],
            connection.Commits
        );
        Assert.Equal(1, connection.Closed);
    }

    [Fact]
    public async Task A_batch_that_fails_is_tried_again_before_anything_else_is_polled_and_nothing_is_skipped()
    {
        var (consumer, connection) = Connection.Create(Record(0), Record(1), () => { }, Record(2));
        var handler = new Handler { OnCall = call => call <= 3 ? throw new InvalidOperationException("not yet") : Task.CompletedTask };
        var time = new SteppedTime();
        using var worker = Worker(handler, time, consumer);
        await worker.StartAsync(default);
        for (var failure = 1; failure <= 3; failure++)
        {
            Assert.Equal([(0, 0L), (0, 1L)], await handler.NextCallAsync());
            Assert.Empty(connection.Commits);
            var wait = await time.PassNextWaitAsync();
            Assert.InRange(wait, TimeSpan.FromMilliseconds((100 << (failure - 1)) - 1), TimeSpan.FromMilliseconds(200 << (failure - 1)));
        }

        Assert.Equal([(0, 0L), (0, 1L)], await handler.NextCallAsync());
        Assert.Equal([(0, 2L)], await handler.NextCallAsync());
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.Equal(
            [
                [new TopicPartitionOffset("t", 0, 2)],
                [new TopicPartitionOffset("t", 0, 3)],
            ],
            connection.Commits
        );
    }

    [Fact]
    public async Task A_connection_that_breaks_is_closed_and_another_opened_after_a_wait()
    {
        var (first, broken) = Connection.Create(Record(0), new KafkaException(new Error(ErrorCode.Local_Fatal)));
        var (second, whole) = Connection.Create(Record(0));
        var handler = new Handler();
        var time = new SteppedTime();
        using var worker = Worker(handler, time, first, second);
        await worker.StartAsync(default);
        // Records polled before the break were not handled and are polled again.
        await time.PassNextWaitAsync();
        Assert.Equal([(0, 0L)], await handler.NextCallAsync());
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.Equal((1, 1), (broken.Closed, whole.Closed));
        Assert.Empty(broken.Commits);
        Assert.Single(whole.Commits);
    }

    [Fact]
    public async Task A_commit_that_is_refused_breaks_the_connection_and_does_not_skip()
    {
        var (first, broken) = Connection.Create(Record(0));
        broken.OnCommit = () => new KafkaException(new Error(ErrorCode.IllegalGeneration));
        var (second, whole) = Connection.Create(Record(0));
        var handler = new Handler();
        var time = new SteppedTime();
        using var worker = Worker(handler, time, first, second);
        await worker.StartAsync(default);
        Assert.Equal([(0, 0L)], await handler.NextCallAsync());
        await time.PassNextWaitAsync();
        Assert.Equal([(0, 0L)], await handler.NextCallAsync());
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.Equal((1, 1), (broken.Closed, whole.Commits.Count));
    }

    [Fact]
    public async Task What_the_client_mends_by_itself_breaks_nothing()
    {
        var unknown = new ConsumeException(new ConsumeResult<byte[], byte[]>(), new Error(ErrorCode.UnknownTopicOrPart));
        var (consumer, connection) = Connection.Create(unknown, Record(0), unknown, Record(1));
        var handler = new Handler();
        using var worker = Worker(handler, new SteppedTime(), consumer);
        await worker.StartAsync(default);
        Assert.Equal([(0, 0L)], await handler.NextCallAsync());
        Assert.Equal([(0, 1L)], await handler.NextCallAsync());
        Assert.Equal(0, connection.Closed);
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.Equal(1, connection.Closed);
    }

    [Fact]
    public async Task Records_of_a_partition_that_was_taken_away_are_left_to_its_new_owner()
    {
        KafkaConsumerWorker<Handler>? worker = null;
        var (consumer, connection) = Connection.Create(
            Record(0),
            Record(0, partition: 1),
            () => worker!.Revoked([new TopicPartition("t", 0)])
        );
        var handler = new Handler();
        using (worker = Worker(handler, new SteppedTime(), consumer))
        {
            await worker.StartAsync(default);
            Assert.Equal([(1, 0L)], await handler.NextCallAsync());
            await worker.StopAsync(default).WaitAsync(Timeout);
        }

        Assert.Equal(
            [
                [new TopicPartitionOffset("t", 1, 1)],
            ],
            connection.Commits
        );
    }

    [Fact]
    public async Task A_handler_that_stores_its_own_positions_commits_none_and_may_ask_for_another_connection()
    {
        var (first, old) = Connection.Create(Record(0));
        var (second, fresh) = Connection.Create(Record(9));
        var asked = 0;
        var handler = new Handler { Commits = false, StaysOpen = () => ++asked != 1 };
        using var worker = Worker(handler, new SteppedTime(), first, second);
        await worker.StartAsync(default);
        Assert.Equal([(0, 0L)], await handler.NextCallAsync());
        Assert.Equal([(0, 9L)], await handler.NextCallAsync());
        await worker.StopAsync(default).WaitAsync(Timeout);
        Assert.Equal((1, 1), (old.Closed, fresh.Closed));
        Assert.Empty(old.Commits.Concat(fresh.Commits));
    }
}
