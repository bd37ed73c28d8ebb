using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Polaris.LocalParts;

/// <summary>The installation's topics and their partitions. Services never create one.</summary>
internal static class Topics
{
    public static readonly (string Name, int Partitions)[] All =
    [
        ("polaris.usage.v1", 8),
        ("polaris.billing.v1", 4),
        ("polaris.usage.deadletter.v1", 1),
    ];
}

/// <summary>Creates on a real Kafka what is missing there.</summary>
internal static class CreateTopics
{
    public static async Task<int> RunAsync(string servers)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).SetLogHandler((_, _) => { }).Build();
        try
        {
            await admin.CreateTopicsAsync(Topics.All.Select(topic => new TopicSpecification { Name = topic.Name, NumPartitions = topic.Partitions, ReplicationFactor = -1 }));
        }
        catch (CreateTopicsException exception) when (exception.Results.All(result => result.Error.Code is ErrorCode.NoError or ErrorCode.TopicAlreadyExists))
        {
            // They were there.
        }
        catch (KafkaException exception)
        {
            Console.Error.WriteLine($"Topics could not be created at {servers}: {exception.Message}");
            return 1;
        }

        return 0;
    }
}
