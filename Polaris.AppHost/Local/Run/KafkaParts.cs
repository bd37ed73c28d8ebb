using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Local;

/// <summary>The broker: the embedded one, or a real Apache Kafka where <c>KAFKA_HOME</c> names a distribution (run by <c>java</c>, KRaft, one node).</summary>
internal sealed class KafkaParts(KafkaServerResource resource, string? home, StateDirectory state, ProcessGuard guard, LocalConsole console)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public async Task<ManagedProcess> StartAsync(CancellationToken ct)
    {
        var port = resource.Endpoint.Port.ToString(CultureInfo.InvariantCulture);
        ManagedProcess process;
        if (home is not null)
        {
            process = ManagedProcess.Start(resource.Name, await RealAsync(home, ct), guard, console);
        }
        else
        {
            var parts = LocalParts.Command("kafka", port);
            var start = ManagedProcess.Command([parts.FileName, .. parts.ArgumentList]);
            start.Environment["DOTNET_ENVIRONMENT"] = "Development";
            process = ManagedProcess.Start(resource.Name, start, guard, console);
        }

        var began = Stopwatch.GetTimestamp();
        while (!Ports.IsOpen(resource.Endpoint.Port))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > Patience)
            {
                await process.StopAsync(TimeSpan.FromSeconds(1));
                throw new DistributedApplicationException($"Kafka did not open port {port}.\n{console.Recent()}");
            }

            await Task.Delay(50, ct);
        }

        if (home is not null) await CreateTopicsAsync(resource, ct);
        return process;
    }

    /// <summary>Creates the installation's topics where they are missing.</summary>
    public static async Task CreateTopicsAsync(KafkaServerResource resource, CancellationToken ct)
    {
        var start = LocalParts.Command("topics", resource.GetValue());
        start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        if (process.ExitCode != 0) throw new DistributedApplicationException(error.Trim());
    }

    private async Task<ProcessStartInfo> RealAsync(string distribution, CancellationToken ct)
    {
        var libs = Path.Combine(distribution, "libs");
        if (!Directory.Exists(libs)) throw new DistributedApplicationException($"KAFKA_HOME is {distribution}, but there is no folder 'libs' with Kafka's jars in it.");
        var data = state["kafka"];
        Directory.CreateDirectory(data);
        var controller = FreeControllerPort();
        var properties = Path.Combine(data, "server.properties");
        await File.WriteAllTextAsync(properties, Configuration(Path.Combine(data, "log"), resource.Endpoint.Port, controller), ct);
        if (!File.Exists(Path.Combine(data, "log", "meta.properties")))
        {
            var id = (await JavaAsync(libs, ["kafka.tools.StorageTool", "random-uuid"], ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Trim();
            await JavaAsync(libs, ["kafka.tools.StorageTool", "format", "--cluster-id", id, "--config", properties], ct);
        }

        return ManagedProcess.Command([Java, "-XX:+UseG1GC", "-Xms256m", $"-Xmx{Environment.GetEnvironmentVariable("KAFKA_HEAP") ?? "768m"}", "-cp", Path.Combine(libs, "*"), "kafka.Kafka", properties]);
    }

    private static string Java => Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } java ? Path.Combine(java, "bin", "java") : "java";

    private static int FreeControllerPort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Configuration(string logs, int port, int controller) => string.Create(CultureInfo.InvariantCulture, $"""
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
        """);

    private static async Task<string> JavaAsync(string libs, string[] arguments, CancellationToken ct)
    {
        var start = new ProcessStartInfo(Java) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-cp", Path.Combine(libs, "*"), .. arguments]) start.ArgumentList.Add(argument);
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new DistributedApplicationException("KAFKA_HOME is set, but there is no 'java' (17 or later) to run it.", exception);
        }

        using (process)
        {
            var error = process.StandardError.ReadToEndAsync(ct);
            var output = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return process.ExitCode == 0 ? output : throw new DistributedApplicationException($"java {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}{await error}");
        }
    }
}
