using System.Diagnostics.Metrics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Reads <c>polaris.usage.v1</c> and applies what it polls, many batches a transaction. The position lives in Billing's database and
/// commits with the aggregates (<see cref="ConsumerPositions"/>); the group's committed offsets only inform tools. A broker with another
/// cluster id is a new one, and a log that ends before the position or goes back has begun anew: it is read from its beginning, and batches
/// that were seen before change nothing.
/// </summary>
internal sealed partial class ConsumeUsage(
    ConsumerConfig config, ConsumerPositions positions, ApplyUsage apply, DeadLetters deadLetters, ILogger<ConsumeUsage> log) : BackgroundService
{
    /// <summary>At most this many records are applied in one transaction.</summary>
    public const int MaxRecords = 2_000;

    /// <summary>And about this many bytes.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>What arrives within this after the first record is applied with it: a tenth of the transactions, for a delay nobody notices.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(30);

    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CheckClusterEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxBackoff = TimeSpan.FromSeconds(5);

    private static readonly Counter<long> Replaced = PolarisTelemetry.Meter.CreateCounter<long>("polaris.billing.brokers_replaced", "{broker}");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ConsumeClusterAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is KafkaException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogBroken(exception);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
    }

    /// <summary>Consumes until the cluster turns out to be another one.</summary>
    private async Task ConsumeClusterAsync(CancellationToken ct)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = config.BootstrapServers }).SetLogHandler((_, _) => { }).Build();
        var clusterId = await ClusterIdAsync(admin);
        await positions.ForgetOldClustersAsync(clusterId, ct);
        var polled = new PolledRecords(clusterId);
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, error) => LogKafka(error.Reason))
            .SetPartitionsAssignedHandler((self, partitions) => polled.Assign(positions.Read(self, clusterId, partitions)))
            // Whoever gets these partitions reads their records again; applied here as well they would only be work done twice.
            .SetPartitionsRevokedHandler((_, partitions) => polled.Revoke(partitions.Select(one => one.TopicPartition)))
            .SetPartitionsLostHandler((_, partitions) => polled.Revoke(partitions.Select(one => one.TopicPartition)))
            .Build();
        consumer.Subscribe(Topics.Usage);
        try
        {
            var checkAt = TimeProvider.System.GetTimestamp();
            while (!ct.IsCancellationRequested)
            {
                Poll(consumer, polled);
                if (polled.Records.Count > 0) await ApplyAsync(polled, polled.Records, ct);
                if (TimeProvider.System.GetElapsedTime(checkAt) < CheckClusterEvery) continue;
                if (await ClusterIdAsync(admin) is var now && now != clusterId)
                {
                    Replaced.Add(1);
                    LogOtherCluster(clusterId, now);
                    return;
                }

                checkAt = TimeProvider.System.GetTimestamp();
            }
        }
        finally
        {
            consumer.Close();
        }
    }

    private void Poll(IConsumer<Ignore, byte[]> consumer, PolledRecords polled)
    {
        polled.Begin();
        var (bytes, first) = (0, 0L);
        while (polled.Records.Count < MaxRecords && bytes < MaxBytes)
        {
            try
            {
                var wait = polled.Records.Count == 0 ? Idle : Linger - TimeProvider.System.GetElapsedTime(first);
                if (wait < TimeSpan.Zero || consumer.Consume(wait) is not { } record) break;
                if (polled.Records.Count == 0) first = TimeProvider.System.GetTimestamp();
                bytes += record.Message.Value?.Length ?? 0;
                switch (polled.Add(record))
                {
                    case LogContinuity.WentBack:
                        Replaced.Add(1);
                        LogStartedOver(record.Partition.Value, record.Offset.Value);
                        break;
                    case LogContinuity.Gap:
                        LogGap(record.Partition.Value, record.Offset.Value);
                        break;
                }
            }
            catch (ConsumeException exception) when (!exception.Error.IsFatal)
            {
                // A topic that does not exist yet, a broker on its way up: the client goes on by itself.
                LogKafka(exception.Error.Reason);
                break;
            }
        }
    }

    /// <summary>Returns only once the records are applied or set aside: the position never passes a record that was neither.</summary>
    private async Task ApplyAsync(PolledRecords polled, IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        using var span = records[0].Message.Headers.StartConsuming(Topics.Usage);
        span?.SetTag("messaging.batch.message_count", records.Count);
        var backoff = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            try
            {
                await ApplyOnceAsync(polled, records, ct);
                return;
            }
            catch (Exception exception) when (Poison.Is(exception) && records.Count > 1)
            {
                // One of them cannot be applied: go one by one, so that its neighbours flow.
                foreach (var record in records) await ApplyAsync(polled, [record], ct);
                return;
            }
            catch (Exception exception) when (!ct.IsCancellationRequested)
            {
                LogRetry(exception);
                await Task.Delay(backoff, ct);
                backoff = backoff * 2 < MaxBackoff ? backoff * 2 : MaxBackoff;
            }
        }
    }

    private async Task ApplyOnceAsync(PolledRecords polled, IReadOnlyList<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        var batches = new List<UsageBatch>(records.Count);
        foreach (var record in records)
        {
            var (batch, reason) = FoldUsage.Parse(record.Message.Value);
            if (batch is not null) batches.Add(batch);
            else await deadLetters.SetAsideAsync(polled.ClusterId, record, reason!, ct);
        }

        var moved = polled.PositionsAfter(records);
        try
        {
            await apply.ApplyAsync(batches, moved, ct);
        }
        catch (Exception exception) when (Poison.Is(exception) && records.Count == 1)
        {
            await deadLetters.SetAsideAsync(polled.ClusterId, records[0], exception.Message, ct);
            await apply.ApplyAsync([], moved, ct);
        }
    }

    private static async Task<string> ClusterIdAsync(IAdminClient admin) =>
        (await admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = TimeSpan.FromSeconds(5) })).ClusterId;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Consuming usage stopped; it starts again.")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Applying usage failed for now; the same records are tried again.")]
    private partial void LogRetry(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Kafka: {Reason}")]
    private partial void LogKafka(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The broker was replaced: cluster {Old} is now {New}. Reading its log from the start.")]
    private partial void LogOtherCluster(string old, string @new);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The log of partition {Partition} began anew: it goes on at {Offset}. What it lost is fetched from Ingestion.")]
    private partial void LogStartedOver(int partition, long offset);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Records of partition {Partition} before {Offset} are gone from the broker. They are fetched from Ingestion.")]
    private partial void LogGap(int partition, long offset);
}
