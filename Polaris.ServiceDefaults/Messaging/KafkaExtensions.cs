using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polaris.ServiceDefaults.Telemetry;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>Names of the topics. They are created by the installation with their partitions, never by a client.</summary>
public static class Topics
{
    public const string Usage = "polaris.usage.v1";
    public const string Billing = "polaris.billing.v1";
    public const string UsageDeadLetter = "polaris.usage.deadletter.v1";

    /// <summary>Partitions of <see cref="Usage"/>: a customer's events keep to one, so the number is part of the stored data.</summary>
    public const int UsagePartitions = 4;
}

/// <summary>Kafka clients registered the way Aspire's Confluent integration does: same sections, names of sources and meters.</summary>
public static class KafkaExtensions
{
    private const string Section = "Aspire:Confluent:Kafka";

    /// <summary>A producer that waits for all in-sync replicas and never reorders. Not a health dependency: Kafka down must not stop ingestion.</summary>
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

    /// <summary>A consumer whose position is the application's business: no automatic commit.</summary>
    public static WebApplicationBuilder AddKafkaConsumer<TKey, TValue>(this WebApplicationBuilder builder, string connectionName, string groupId)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var config = new ConsumerConfig
        {
            GroupId = groupId,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            // The embedded broker does not wake a waiting fetch, so this is its latency; a real one answers at once.
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
        config.BootstrapServers = configuration.GetConnectionString(connectionName)
            ?? throw new InvalidOperationException($"The connection string 'ConnectionStrings:{connectionName}' is missing.");
        foreach (var section in new[] { $"{Section}:{role}:Config", $"{Section}:{role}:{connectionName}:Config" })
        {
            foreach (var setting in configuration.GetSection(section).GetChildren())
            {
                if (setting.Value is { } value) config.Set(setting.Key, value);
            }
        }
    }

    /// <summary>Puts the current trace into a record's headers (W3C <c>traceparent</c>).</summary>
    public static Headers WithTrace(this Headers headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (Activity.Current?.Id is { } id) headers.Add("traceparent", Encoding.ASCII.GetBytes(id));
        return headers;
    }

    /// <summary>Starts the span of handling a record, as a child of the trace in its headers.</summary>
    public static Activity? StartConsuming(this Headers? headers, string topic)
    {
        var parent = headers is not null && headers.TryGetLastBytes("traceparent", out var bytes) ? Encoding.ASCII.GetString(bytes) : null;
        ActivityContext.TryParse(parent, null, isRemote: true, out var context);
        return PolarisTelemetry.KafkaSource.StartActivity($"{topic} process", ActivityKind.Consumer, context);
    }
}
