using Confluent.Kafka;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Polaris.ServiceDefaults.Hosting;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>
/// Handles a topic's records, polled by <see cref="KafkaConsumerWorker{THandler}"/>. All members are called by one thread at a time.
/// </summary>
public abstract class KafkaHandler
{
    public abstract string Topic { get; }

    /// <summary>Maximum number of records per call.</summary>
    public virtual int MaxRecords => 200;

    /// <summary>Approximate maximum number of bytes per call.</summary>
    public virtual int MaxBytes => 8 * 1024 * 1024;

    /// <summary>
    /// Whether the position is the group's offsets, committed once the records are handled; false when the handler stores its own.
    /// </summary>
    public virtual bool CommitsOffsets => true;

    /// <summary>
    /// Whether records of earlier polls wait in the handler: <see cref="HandleAsync"/> is then called after each poll, also without new
    /// ones.
    /// </summary>
    public virtual bool HoldsRecords => false;

    /// <summary>Called before each connection to the broker.</summary>
    public virtual Task OpeningAsync(CancellationToken ct) => Task.CompletedTask;

    /// <summary>
    /// Start positions of newly assigned partitions; by default the group's offsets. Called by the client within a poll, which waits for
    /// it.
    /// </summary>
    public virtual IEnumerable<TopicPartitionOffset> Assigned(
        IConsumer<Ignore, byte[]> consumer,
        IReadOnlyCollection<TopicPartition> partitions
    ) => partitions.Select(partition => new TopicPartitionOffset(partition, Offset.Unset));

    /// <summary>These partitions were assigned to another consumer. Records polled and not handled yet are left to it.</summary>
    public virtual void Revoked(IReadOnlyCollection<TopicPartition> partitions) { }

    /// <summary>A record was polled and will be handled with others.</summary>
    public virtual void Polled(ConsumeResult<Ignore, byte[]> record) { }

    /// <summary>
    /// Returns once every record is handled or stored as a dead letter: the position never passes a record that is neither. After an
    /// exception it is called again with the same records, so it must be idempotent.
    /// </summary>
    public abstract Task HandleAsync(IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct);

    /// <summary>Called after every poll; false closes the connection and opens another.</summary>
    public virtual Task<bool> StaysOpenAsync(CancellationToken ct) => Task.FromResult(true);
}

/// <summary>
/// Polls a bounded batch, has it handled, and only then continues. A batch that cannot be handled is retried with jittered exponential
/// backoff: nothing is skipped. There is no poll meanwhile, so after max.poll.interval.ms the broker assigns the partitions to another
/// replica. After a broken connection it reconnects and polls unhandled records again.
/// </summary>
public sealed partial class KafkaConsumerWorker<THandler> : BackgroundService
    where THandler : KafkaHandler
{
    /// <summary>How long a poll waits for a first record, which is also how long shutdown waits for a poll.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Records that arrive within this time after the first are handled with it: a tenth of the transactions for 30 ms of latency.
    /// </summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(30);

    private static readonly TimeSpan MinBackoff = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(5);

    private readonly ConsumerConfig config;
    private readonly THandler handler;
    private readonly TimeProvider time;
    private readonly ILogger<THandler> log;
    private readonly Func<ConsumerBuilder<Ignore, byte[]>, IConsumer<Ignore, byte[]>> build;
    private readonly FailureLog failures;
    private readonly Backoff backoff = new(MinBackoff, MaxBackoff);
    private readonly List<ConsumeResult<Ignore, byte[]>> records = [];

    public KafkaConsumerWorker(ConsumerConfig config, THandler handler, TimeProvider time, ILogger<THandler> log)
        : this(config, handler, time, log, builder => builder.Build()) { }

    internal KafkaConsumerWorker(
        ConsumerConfig config,
        THandler handler,
        TimeProvider time,
        ILogger<THandler> log,
        Func<ConsumerBuilder<Ignore, byte[]>, IConsumer<Ignore, byte[]>> build
    )
    {
        (this.config, this.handler, this.time, this.log, this.build) = (config, handler, time, log, build);
        failures = new FailureLog(typeof(THandler).Name, time);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                var wait = backoff.Next();
                if (failures.Count(exception))
                    LogBroken(exception, typeof(THandler).Name, wait);
                await Task.Delay(wait, time, stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // Shutdown cancelled the work: the next owner polls it again.
            }
        }
    }

    private async Task ConsumeAsync(CancellationToken ct)
    {
        records.Clear();
        await handler.OpeningAsync(ct);
        using var consumer = build(
            new ConsumerBuilder<Ignore, byte[]>(config)
                .SetLogHandler((_, _) => { })
                .SetErrorHandler((_, error) => LogKafka(error.Reason))
                .SetPartitionsAssignedHandler((self, partitions) => handler.Assigned(self, partitions))
                .SetPartitionsRevokedHandler((_, partitions) => Revoked([.. partitions.Select(partition => partition.TopicPartition)]))
                .SetPartitionsLostHandler((_, partitions) => Revoked([.. partitions.Select(partition => partition.TopicPartition)]))
        );
        consumer.Subscribe(handler.Topic);
        try
        {
            do
            {
                Poll(consumer);
                if (records.Count > 0 || handler.HoldsRecords)
                    await HandleAsync(consumer, ct);
            } while (!ct.IsCancellationRequested && await handler.StaysOpenAsync(ct));
        }
        finally
        {
            consumer.Close();
        }
    }

    /// <summary>Drops records of revoked partitions: the new owner reads them again.</summary>
    internal void Revoked(IReadOnlyCollection<TopicPartition> partitions)
    {
        records.RemoveAll(record => partitions.Contains(record.TopicPartition));
        handler.Revoked(partitions);
    }

    private void Poll(IConsumer<Ignore, byte[]> consumer)
    {
        var (bytes, first) = (0, 0L);
        while (records.Count < handler.MaxRecords && bytes < handler.MaxBytes)
        {
            try
            {
                var wait = records.Count == 0 ? Idle : Linger - time.GetElapsedTime(first);
                if (wait < TimeSpan.Zero || consumer.Consume(wait) is not { } record)
                    break;
                if (records.Count == 0)
                    first = time.GetTimestamp();
                bytes += record.Message.Value?.Length ?? 0;
                records.Add(record);
                handler.Polled(record);
            }
            catch (ConsumeException exception) when (!exception.Error.IsFatal)
            {
                // A topic that does not exist yet, or a broker that is starting: the client retries by itself.
                LogKafka(exception.Error.Reason);
                break;
            }
        }
    }

    private async Task HandleAsync(IConsumer<Ignore, byte[]> consumer, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await handler.HandleAsync(records, ct);
                break;
            }
            catch (Exception exception) when (!ct.IsCancellationRequested)
            {
                var wait = backoff.Next();
                if (failures.Count(exception))
                    LogRetry(exception, typeof(THandler).Name, records.Count, wait);
                await Task.Delay(wait, time, ct);
            }
        }

        if (handler.CommitsOffsets && records.Count > 0)
            consumer.Commit(
                records
                    .GroupBy(record => record.TopicPartition)
                    .Select(group => new TopicPartitionOffset(group.Key, group.Last().Offset + 1))
            );
        backoff.Reset();
        records.Clear();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Worker} stopped consuming; next try in {Wait}.")]
    private partial void LogBroken(Exception exception, string worker, TimeSpan wait);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Worker} could not handle {Count} records; next try in {Wait}.")]
    private partial void LogRetry(Exception exception, string worker, int count, TimeSpan wait);

    [LoggerMessage(Level = LogLevel.Information, Message = "Kafka: {Reason}")]
    private partial void LogKafka(string reason);
}

public static class KafkaConsumerWorkerExtensions
{
    /// <summary>Registers the handler as a singleton and the loop that polls for it.</summary>
    public static IServiceCollection AddKafkaConsumerWorker<THandler>(this IServiceCollection services)
        where THandler : KafkaHandler
    {
        services.TryAddSingleton<THandler>();
        return services.AddHostedService<KafkaConsumerWorker<THandler>>();
    }
}
