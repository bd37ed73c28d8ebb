using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Polaris.AppHost.Hosting;
using Polaris.ServiceDefaults.Contracts;

namespace Polaris.AppHost.Publishing;

internal static class KafkaContainer
{
    private const string Data = "/var/lib/kafka/data";

    /// <summary>
    /// What the image needs to be one node in KRaft mode that others reach by its name, and a container that creates the topics and ends: a
    /// broker in a cluster has no AppHost that does it.
    /// </summary>
    public static IResourceBuilder<KafkaServerResource> RunAsContainer(this IResourceBuilder<KafkaServerResource> kafka)
    {
        var broker = kafka.Resource.PrimaryEndpoint;
        var port = broker.Property(EndpointProperty.TargetPort);
        kafka
            .WithVolume(kafka.Resource.Name + "-data", Data)
            .WithEnvironment("KAFKA_NODE_ID", "1")
            .WithEnvironment("KAFKA_PROCESS_ROLES", "broker,controller")
            .WithEnvironment("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093")
            .WithEnvironment("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER")
            .WithEnvironment("KAFKA_INTER_BROKER_LISTENER_NAME", "PLAINTEXT")
            .WithEnvironment("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT")
            .WithEnvironment("KAFKA_LISTENERS", ReferenceExpression.Create($"PLAINTEXT://:{port},CONTROLLER://:9093"))
            .WithEnvironment("KAFKA_ADVERTISED_LISTENERS", ReferenceExpression.Create($"PLAINTEXT://{kafka.Resource}"))
            // A folder below the volume's root: what a file system keeps there (lost+found) is no partition, and Kafka would not start.
            .WithEnvironment("KAFKA_LOG_DIRS", Data + "/log")
            .WithEnvironment("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
            .WithEnvironment("KAFKA_DEFAULT_REPLICATION_FACTOR", "1")
            .WithEnvironment("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1")
            .WithEnvironment("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
            .WithEnvironment("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
            .WithEnvironment("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", "1")
            .WithEnvironment("KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR", "1")
            .WithEnvironment("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
            .WithEnvironment("KAFKA_HEAP_OPTS", "-Xms256m -Xmx768m");

        const string Create = "/opt/kafka/bin/kafka-topics.sh --bootstrap-server \"$KAFKA\" --create --if-not-exists";
        var commands = Topics.All.Select(topic => $"{Create} --topic {topic.Name} --partitions {topic.Partitions}");
        kafka
            .ApplicationBuilder.AddContainer(kafka.Resource.Name + "-topics", KafkaBuilderExtensions.Image, KafkaBuilderExtensions.Tag)
            .WithImageRegistry("docker.io")
            .WithEntrypoint("/bin/sh")
            .WithArgs("-ec", string.Join('\n', commands))
            .WithEnvironment("KAFKA", ReferenceExpression.Create($"{kafka.Resource}"));
        return kafka;
    }
}
