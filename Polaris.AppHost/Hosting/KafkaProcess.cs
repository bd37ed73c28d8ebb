using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Polaris.AppHost.Hosting;

/// <summary>
/// The broker's process: librdkafka's test cluster (docs/adr/0003), or a real Apache Kafka where <c>KAFKA_HOME</c> names a distribution
/// (run by <c>java</c> in KRaft mode, one node).
/// </summary>
internal sealed class KafkaProcess(StateDirectory state, string? home)
{
    private static string Java =>
        Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } java ? Path.Combine(java, "bin", "java") : "java";

    public IResourceBuilder<ExecutableResource> AddProcess(IResourceBuilder<KafkaServerResource> server, int port)
    {
        var builder = server.ApplicationBuilder;
        var name = ServerProcess.NameFor(server.Resource.Name);
        if (home is null)
        {
            var parts = BuiltProject.ExecutableOf(new Projects.Polaris_LocalParts().ProjectPath);
            return builder
                .AddExecutable(name, parts, Path.GetTempPath(), "kafka", port.ToString(CultureInfo.InvariantCulture))
                // It forgets everything on restart, so it refuses to run anywhere else.
                .WithEnvironment("DOTNET_ENVIRONMENT", "Development");
        }

        var libs = Path.Combine(home, "libs");
        if (!Directory.Exists(libs))
            throw new DistributedApplicationException($"KAFKA_HOME is {home}, but there is no folder 'libs' with Kafka's jars in it.");
        var properties = state["kafka/server.properties"];
        var heap = Environment.GetEnvironmentVariable("KAFKA_HEAP") ?? "768m";
        string[] arguments = ["-XX:+UseG1GC", "-Xms256m", $"-Xmx{heap}", "-cp", Path.Combine(libs, "*"), "kafka.Kafka", properties];
        return builder
            .AddExecutable(name, Java, Path.GetTempPath(), arguments)
            .OnBeforeResourceStarted((_, _, ct) => PrepareAsync(libs, properties, port, ct));
    }

    private async Task PrepareAsync(string libs, string properties, int port, CancellationToken ct)
    {
        var logs = state["kafka/log"];
        Directory.CreateDirectory(Path.GetDirectoryName(properties)!);
        await File.WriteAllTextAsync(properties, Configuration(logs, port, Ports.AnyFree()), ct);
        if (File.Exists(Path.Combine(logs, "meta.properties")))
            return;
        string[] storage = [Java, "-cp", Path.Combine(libs, "*"), "kafka.tools.StorageTool"];
        var output = await Command.RunAsync([.. storage, "random-uuid"], ct);
        var id = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Trim();
        await Command.RunAsync([.. storage, "format", "--cluster-id", id, "--config", properties], ct);
    }

    private static string Configuration(string logs, int port, int controller) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            process.roles=broker,controller
            node.id=1
            controller.quorum.voters=1@127.0.0.1:{controller}
            controller.listener.names=CONTROLLER
            listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
            advertised.listeners=PLAINTEXT://127.0.0.1:{port}
            listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
            inter.broker.listener.name=PLAINTEXT
            log.dirs={logs}
            auto.create.topics.enable=false
            default.replication.factor=1
            offsets.topic.replication.factor=1
            offsets.topic.num.partitions=4
            transaction.state.log.replication.factor=1
            transaction.state.log.min.isr=1
            share.coordinator.state.topic.replication.factor=1
            share.coordinator.state.topic.min.isr=1
            group.initial.rebalance.delay.ms=0
            # After kill -9 the old registration must expire before the broker is let in again.
            broker.heartbeat.interval.ms=300
            broker.session.timeout.ms=1500
            """
        );
}
