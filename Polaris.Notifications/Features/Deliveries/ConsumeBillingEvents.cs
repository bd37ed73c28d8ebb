using Confluent.Kafka;
using Npgsql;
using Polaris.ServiceDefaults.Messaging;

namespace Polaris.Notifications.Features.Deliveries;

/// <summary>Reads <c>polaris.billing.v1</c>, at least once: the offset is committed after the delivery is.</summary>
internal sealed partial class ConsumeBillingEvents(ConsumerConfig config, RecordDelivery deliveries, ILogger<ConsumeBillingEvents> log) : BackgroundService
{
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private const int CommitEvery = 200;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ConsumeAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is KafkaException or NpgsqlException && !stoppingToken.IsCancellationRequested)
            {
                LogBroken(exception);
                await Task.Delay(RetryAfter, stoppingToken);
            }
        }
    }

    private async Task ConsumeAsync(CancellationToken ct)
    {
        using var consumer = new ConsumerBuilder<Ignore, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, error) => LogKafka(error.Reason)).Build();
        consumer.Subscribe(Topics.Billing);
        try
        {
            var sinceCommit = 0;
            while (!ct.IsCancellationRequested)
            {
                ConsumeResult<Ignore, byte[]>? record;
                try
                {
                    record = consumer.Consume(Idle);
                }
                catch (ConsumeException exception) when (!exception.Error.IsFatal)
                {
                    LogKafka(exception.Error.Reason);
                    continue;
                }

                if (record is not null)
                {
                    using var span = record.Message.Headers.StartConsuming(Topics.Billing);
                    await deliveries.HandleAsync(record, ct);
                    consumer.StoreOffset(record);
                    sinceCommit++;
                }

                // When nothing waits, or when much was done: one commit for many.
                if (sinceCommit == 0 || (record is not null && sinceCommit < CommitEvery)) continue;
                consumer.Commit();
                sinceCommit = 0;
            }
        }
        finally
        {
            consumer.Close();
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Consuming billing events stopped; it starts again.")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Kafka: {Reason}")]
    private partial void LogKafka(string reason);
}
