using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;
using Polaris.ServiceDefaults.Contracts;

namespace Polaris.LocalParts;

/// <summary>
/// librdkafka's own test cluster, speaking Kafka's protocol on a fixed loopback port. It forgets everything when it ends and keeps about
/// 5 MiB a partition: fit for a developer's machine, refused anywhere else (docs/adr/0003).
/// </summary>
internal static partial class EmbeddedKafka
{
    private const int ProducerType = 0;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(3);

    public static int Run(ushort port)
    {
        if (Environment.GetEnvironmentVariable("DOTNET_ENVIRONMENT") != "Development")
        {
            Console.Error.WriteLine("The embedded Kafka forgets everything on restart: it only runs with DOTNET_ENVIRONMENT=Development.");
            return 2;
        }

        // The package carries several builds of the library; this makes Confluent.Kafka load the one that fits, and we use that very copy.
        _ = Library.Version;
        NativeLibrary.SetDllImportResolver(
            Assembly.GetExecutingAssembly(),
            (name, _, _) => name == "librdkafka" ? NativeLibrary.Load(LoadedLibrary()) : nint.Zero
        );
        var handle = New(ProducerType, Conf(), new byte[512], 512);
        var cluster = MockClusterNew(handle, 1);
        if (cluster == nint.Zero)
        {
            Console.Error.WriteLine("The embedded Kafka did not start.");
            return 1;
        }

        var inner = int.Parse(
            Encoding.ASCII.GetString(Text(MockBootstraps(cluster))).Split(':')[^1],
            System.Globalization.CultureInfo.InvariantCulture
        );
        _ = MockSetHostPort(cluster, 1, "127.0.0.1", port);
        _ = MockSetController(cluster, 1);
        MockSetRebalanceDelay(cluster, 0);
        foreach (var (name, partitions) in Topics.All)
            _ = MockTopicCreate(cluster, name, partitions, 1);

        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        Console.WriteLine($"listening on 127.0.0.1:{port}");
        using var end = new ManualResetEventSlim();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => Stop(signal, end));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => Stop(signal, end));
        _ = AcceptAsync(listener, inner);
        return Watch(inner, end);
    }

    /// <summary>
    /// Until it is told to end, or the cluster no longer answers: a signal at the wrong moment ends librdkafka's cluster thread for good
    /// (its poll does not go on after EINTR). Then the process ends, so that whoever runs it starts it again.
    /// </summary>
    private static int Watch(int inner, ManualResetEventSlim end)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = $"127.0.0.1:{inner}" })
            .SetLogHandler((_, _) => { })
            .Build();
        var failures = 0;
        while (!end.Wait(PollInterval))
        {
            try
            {
                _ = admin.GetMetadata(AnswerWithin);
                failures = 0;
            }
            catch (KafkaException exception)
            {
                // Once may be a process that was stopped and goes on.
                if (++failures < 2)
                    continue;
                Console.Error.WriteLine($"The embedded Kafka no longer answers ({exception.Error.Reason}).");
                return 1;
            }
        }

        return 0;
    }

    private static void Stop(PosixSignalContext signal, ManualResetEventSlim end)
    {
        signal.Cancel = true;
        end.Set();
    }

    /// <summary>The cluster's own port is ephemeral; clients come in through the fixed one.</summary>
    private static async Task AcceptAsync(TcpListener listener, int inner)
    {
        while (true)
        {
            var client = await listener.AcceptTcpClientAsync();
            _ = RelayAsync(client, inner);
        }
    }

    private static async Task RelayAsync(TcpClient client, int inner)
    {
        using (client)
        using (var broker = new TcpClient())
        {
            try
            {
                await broker.ConnectAsync(IPAddress.Loopback, inner);
                client.NoDelay = broker.NoDelay = true;
                await Task.WhenAny(client.GetStream().CopyToAsync(broker.GetStream()), broker.GetStream().CopyToAsync(client.GetStream()));
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                // One side closed.
            }
        }
    }

    private static string LoadedLibrary() =>
        File.Exists("/proc/self/maps")
            ? File.ReadLines("/proc/self/maps")
                .Where(line => line.Contains("librdkafka", StringComparison.Ordinal))
                .Select(line => line[line.IndexOf('/', StringComparison.Ordinal)..])
                .First()
            : "librdkafka";

    private static byte[] Text(nint pointer) => Encoding.ASCII.GetBytes(Marshal.PtrToStringAnsi(pointer)!);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_conf_new")]
    private static partial nint Conf();

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_new")]
    private static partial nint New(int type, nint conf, byte[] error, nuint size);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_cluster_new")]
    private static partial nint MockClusterNew(nint handle, int brokers);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static partial nint MockBootstraps(nint cluster);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_broker_set_host_port", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MockSetHostPort(nint cluster, int broker, string host, int port);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_set_controller_id")]
    private static partial int MockSetController(nint cluster, int broker);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_group_initial_rebalance_delay_ms")]
    private static partial void MockSetRebalanceDelay(nint cluster, int milliseconds);

    [LibraryImport("librdkafka", EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MockTopicCreate(nint cluster, string topic, int partitions, int replication);
}
