using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>Registers Kafka clients with the configuration sections of Aspire's Confluent integration.</summary>
public static class KafkaExtensions
{
    private const string Section = "Aspire:Confluent:Kafka";
    private const string TraceParentHeader = "traceparent";
    private const string TraceLinksHeader = "trace-links";

    /// <summary>
    /// A producer that waits for all in-sync replicas and never reorders. Without a health check: ingestion continues while Kafka is down.
    /// </summary>
    public static WebApplicationBuilder AddKafkaProducer<TKey, TValue>(this WebApplicationBuilder builder, string connectionName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var config = new ProducerConfig
        {
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 5,
            CompressionType = CompressionType.Lz4,
            MessageTimeoutMs = 10_000,
            MessageMaxBytes = 4_000_000,
        };
        Apply(builder.Configuration, "Producer", connectionName, config);
        builder.Services.AddSingleton(_ => new ProducerBuilder<TKey, TValue>(config).SetLogHandler((_, _) => { }).Build());
        return builder;
    }

    /// <summary>A consumer whose position the application manages: no automatic commit.</summary>
    public static WebApplicationBuilder AddKafkaConsumer<TKey, TValue>(
        this WebApplicationBuilder builder,
        string connectionName,
        string groupId
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        var config = new ConsumerConfig
        {
            GroupId = groupId,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            // The embedded broker does not wake a waiting fetch, so this is its latency; a real broker answers immediately.
            FetchWaitMaxMs = 25,
            SessionTimeoutMs = 6_000,
            HeartbeatIntervalMs = 1_000,
            MaxPartitionFetchBytes = 4_000_000,
            ReconnectBackoffMaxMs = 1_000,
            TopicMetadataRefreshIntervalMs = 5_000,
        };
        Apply(builder.Configuration, "Consumer", connectionName, config);
        builder.Services.AddSingleton(config);
        return builder;
    }

    private static void Apply(ConfigurationManager configuration, string role, string connectionName, ClientConfig config)
    {
        config.BootstrapServers =
            configuration.GetConnectionString(connectionName)
            ?? throw new InvalidOperationException($"The connection string 'ConnectionStrings:{connectionName}' is missing.");
        foreach (var section in new[] { $"{Section}:{role}:Config", $"{Section}:{role}:{connectionName}:Config" })
        {
            foreach (var setting in configuration.GetSection(section).GetChildren())
            {
                if (setting.Value is { } value)
                    config.Set(setting.Key, value);
            }
        }
    }

    /// <summary>
    /// Starts the span of publishing outbox messages, with links to their causes; dispose it once the broker has acknowledged them. Its
    /// context goes into each record's headers (<see cref="WithTrace"/>).
    /// </summary>
    /// <param name="topic">The destination.</param>
    /// <param name="traceLinks">The causes of each message (<see cref="TraceLinks"/>).</param>
    public static Activity? StartSending(string topic, IReadOnlyCollection<string?> traceLinks)
    {
        ArgumentNullException.ThrowIfNull(traceLinks);
        return TraceLinks
            .Start($"send {topic}", ActivityKind.Producer, traceLinks.SelectMany(TraceLinks.Read))
            .Describe("send", topic, traceLinks.Count);
    }

    /// <summary>Writes the current span (W3C <c>traceparent</c>), if recorded, and the message's causes to a record's headers.</summary>
    public static Headers WithTrace(this Headers headers, string? traceLinks = null)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (Activity.Current is { Recorded: true, Id: { } id })
            headers.Add(TraceParentHeader, Encoding.ASCII.GetBytes(id));
        if (traceLinks is not null)
            headers.Add(TraceLinksHeader, Encoding.ASCII.GetBytes(traceLinks));
        return headers;
    }

    /// <summary>The causes in a record's headers; null when none was recorded.</summary>
    public static string? TraceLinksValue(this Headers? headers) => Text(headers, TraceLinksHeader);

    /// <summary>Starts the span of handling records, with links to their senders and causes; a single sender is also its parent.</summary>
    public static Activity? StartConsuming(string topic, IReadOnlyCollection<Headers?> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        return TraceLinks
            .Start(
                $"process {topic}",
                ActivityKind.Consumer,
                records.SelectMany(headers => TraceLinks.Read(Text(headers, TraceParentHeader))),
                records.SelectMany(headers => TraceLinks.Read(headers.TraceLinksValue()))
            )
            .Describe("process", topic, records.Count);
    }

    /// <inheritdoc cref="StartConsuming(string, IReadOnlyCollection{Headers?})"/>
    public static Activity? StartConsuming(this Headers? headers, string topic) => StartConsuming(topic, [headers]);

    private static Activity? Describe(this Activity? span, string operation, string topic, int messages) =>
        span
            ?.SetTag("messaging.system", "kafka")
            .SetTag("messaging.operation.name", operation)
            .SetTag("messaging.operation.type", operation)
            .SetTag("messaging.destination.name", topic)
            .SetTag("messaging.batch.message_count", messages);

    private static string? Text(Headers? headers, string name) =>
        headers is not null && headers.TryGetLastBytes(name, out var bytes) ? Encoding.ASCII.GetString(bytes) : null;
}
