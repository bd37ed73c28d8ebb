using Confluent.Kafka;
using Google.Protobuf;
using NodaTime;
using Npgsql;
using Polaris.Billing.Events.V1;
using Polaris.ServiceDefaults.Messaging;

namespace Polaris.Ingestion.Features.Late;

/// <summary>
/// Reads <c>polaris.billing.v1</c>, at least once, for which periods are invoiced. Nothing waits for it: without a broker, events are stored
/// as ever and called late too seldom.
/// </summary>
internal sealed partial class ConsumeInvoices(ConsumerConfig config, InvoicedPeriods periods, ILogger<ConsumeInvoices> log) : BackgroundService
{
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(2);
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
            catch (Exception exception) when (exception is KafkaException or NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
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
                    await HandleAsync(record, ct);
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

    private async Task HandleAsync(ConsumeResult<Ignore, byte[]> record, CancellationToken ct)
    {
        BillingEvent message;
        try
        {
            message = BillingEvent.Parser.ParseFrom(record.Message.Value);
        }
        catch (InvalidProtocolBufferException exception)
        {
            LogUnreadable(exception, record.TopicPartitionOffset.ToString());
            return;
        }

        if (message.InvoiceGenerated is not { PeriodEnd: { } end } invoice || !Guid.TryParse(message.OrgId, out var org)) return;
        await periods.RecordAsync(org, invoice.Customer, Instant.FromDateTimeOffset(end.ToDateTimeOffset()), ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Consuming billing events stopped; it starts again.")]
    private partial void LogBroken(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Kafka: {Reason}")]
    private partial void LogKafka(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The billing event at {Position} cannot be read and is left out.")]
    private partial void LogUnreadable(Exception exception, string position);
}
