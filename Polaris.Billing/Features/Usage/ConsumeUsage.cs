using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// Reads <c>polaris.usage.v1</c> and applies what it polls, many batches a transaction. The position lives in Billing's database and
/// commits with the aggregates; the group's committed offsets only inform tools. A broker with another cluster id is a new one: its log
/// starts at its beginning, and batches that were seen before change nothing.
/// </summary>
internal sealed partial class ConsumeUsage(
    ConsumerConfig config, NpgsqlDataSource database, ApplyUsage apply, DeadLetters deadLetters, ILogger<ConsumeUsage> log) : BackgroundService
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
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, error) => LogKafka(error.Reason))
            .SetPartitionsAssignedHandler((_, partitions) => Positions(clusterId, partitions))
            .Build();
        consumer.Subscribe(Topics.Usage);
        try
        {
            var checkAt = TimeProvider.System.GetTimestamp();
            while (!ct.IsCancellationRequested)
            {
                var records = Poll(consumer);
                if (records.Count > 0) await ApplyAsync(clusterId, records, ct);
                if (TimeProvider.System.GetElapsedTime(checkAt) < CheckClusterEvery) continue;
                if (await ClusterIdAsync(admin) is var now && now != clusterId)
                {
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

    private List<ConsumeResult<Ignore, byte[]>> Poll(IConsumer<Ignore, byte[]> consumer)
    {
        var records = new List<ConsumeResult<Ignore, byte[]>>();
        var (bytes, first) = (0, 0L);
        while (records.Count < MaxRecords && bytes < MaxBytes)
        {
            try
            {
                var wait = records.Count == 0 ? Idle : Linger - TimeProvider.System.GetElapsedTime(first);
                if (wait < TimeSpan.Zero || consumer.Consume(wait) is not { } record) break;
                if (records.Count == 0) first = TimeProvider.System.GetTimestamp();
                records.Add(record);
                bytes += record.Message.Value?.Length ?? 0;
            }
            catch (ConsumeException exception) when (!exception.Error.IsFatal)
            {
                // A topic that does not exist yet, a broker on its way up: the client goes on by itself.
                LogKafka(exception.Error.Reason);
                break;
            }
        }

        return records;
    }

    /// <summary>Returns only once the records are applied or set aside: the position never passes a record that was neither.</summary>
    private async Task ApplyAsync(string clusterId, List<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        using var span = records[0].Message.Headers.StartConsuming(Topics.Usage);
        span?.SetTag("messaging.batch.message_count", records.Count);
        var backoff = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            try
            {
                await ApplyOnceAsync(clusterId, records, ct);
                return;
            }
            catch (Exception exception) when (!IsPassing(exception) && !ct.IsCancellationRequested)
            {
                if (records.Count == 1)
                {
                    await deadLetters.SetAsideAsync(clusterId, records[0], exception.Message, ct);
                    return;
                }

                // One of them cannot be applied: go one by one, so that its neighbours flow.
                foreach (var record in records) await ApplyAsync(clusterId, [record], ct);
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

    private async Task ApplyOnceAsync(string clusterId, List<ConsumeResult<Ignore, byte[]>> records, CancellationToken ct)
    {
        var batches = new List<UsageBatch>(records.Count);
        foreach (var record in records)
        {
            var (batch, reason) = FoldUsage.Parse(record.Message.Value);
            if (batch is not null) batches.Add(batch);
            else await deadLetters.SetAsideAsync(clusterId, record, reason!, ct);
        }

        var positions = records.GroupBy(record => record.TopicPartition)
            .Select(group => new ConsumerPosition(clusterId, group.Key.Topic, group.Key.Partition.Value, group.Max(record => record.Offset.Value) + 1)).ToArray();
        await apply.ApplyAsync(batches, positions, ct);
    }

    // Called by the client inside Consume, which waits for it: hence no async here.
    private List<TopicPartitionOffset> Positions(string clusterId, List<TopicPartition> partitions)
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

        return [.. partitions.Select(partition => new TopicPartitionOffset(
            partition, known.TryGetValue(partition.Partition.Value, out var next) ? new Offset(next) : Offset.Beginning))];
    }

    private static async Task<string> ClusterIdAsync(IAdminClient admin) =>
        (await admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = TimeSpan.FromSeconds(5) })).ClusterId;

    /// <summary>Whether trying the same again can help: storage that is away, a deadlock. Anything else would block the partition for ever.</summary>
    private static bool IsPassing(Exception exception) =>
        exception is NpgsqlException { IsTransient: true } or TimeoutException or OperationCanceledException or System.Net.Sockets.SocketException
        || exception is PostgresException { SqlState: "57P01" or "57P02" or "57P03" or "40001" or "40P01" or "53300" }
        || exception is NpgsqlException and not PostgresException;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Consuming usage stopped; it starts again.")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Applying usage failed for now; the same records are tried again.")]
    private partial void LogRetry(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Kafka: {Reason}")]
    private partial void LogKafka(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The broker was replaced: cluster {Old} is now {New}. Reading its log from the start.")]
    private partial void LogOtherCluster(string old, string @new);
}
