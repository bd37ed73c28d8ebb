using System.Runtime.CompilerServices;
using Aspire.Hosting;

namespace Polaris.AppHost.Hosting;

/// <summary>The AppHost's own switches; the rest goes to Aspire.</summary>
internal sealed record Switches
{
    private const string Help = """
        dotnet run --project Polaris.AppHost [-- switches]
          --no-demo             do not create the demo tenant
          --reset               delete all local data first
          --state-dir PATH      keep data, secrets and endpoints.json here (default: .polaris beside Polaris.sln)
          --kafka-home PATH     run a real Apache Kafka from this folder (its libs/ holds the jars; needs java); default: KAFKA_HOME
          --random-ports        take free ports instead of the preferred ones
          --no-telemetry        no Aspire dashboard, and no traces, metrics and logs sent to it
          --dev-server          serve the dashboard by Vite's development server, which follows changes, instead of the built pages
          --publisher manifest  --output-path F      write Aspire's manifest and exit
          --publisher kustomize --output-path DIR    render the Kubernetes manifests and exit
        Environment: ConnectionStrings__postgres, ConnectionStrings__kafka (your own servers), KAFKA_HOME (a Kafka distribution to run).
        """;

    /// <summary>Where the AppHost's source lies: the default for data is beside it.</summary>
    public static readonly string RepositoryRoot = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    public bool NoDemo { get; private init; }

    public bool Reset { get; private init; }

    public bool RandomPorts { get; private init; }

    public bool DevServer { get; private init; }

    public bool NoTelemetry { get; private init; }

    public string StateDirectory { get; private init; } = Path.Combine(RepositoryRoot, ".polaris");

    public string? KafkaHome { get; private init; } =
        Environment.GetEnvironmentVariable("KAFKA_HOME") is { Length: > 0 } home ? home : null;

    public string? Publisher { get; private init; }

    public string? OutputPath { get; private init; }

    /// <summary>Where Aspire writes its manifest; the Kubernetes manifests are rendered from it.</summary>
    public string ManifestPath =>
        Publisher == "manifest" ? OutputPath! : Path.Combine(Path.GetTempPath(), $"polaris-manifest-{Environment.ProcessId}.json");

    /// <summary>Prints the help, or what is wrong, and ends the process; in a test an error throws instead.</summary>
    public static Switches ParseOrExit(string[] args)
    {
        if (args is ["--help" or "-h"])
        {
            Console.WriteLine(Help);
            Environment.Exit(0);
        }

        try
        {
            return Parse(args);
        }
        catch (DistributedApplicationException exception) when (System.Reflection.Assembly.GetEntryAssembly() == typeof(Switches).Assembly)
        {
            Console.Error.WriteLine(exception.Message);
            Environment.Exit(2);
            throw;
        }
    }

    /// <exception cref="DistributedApplicationException">An unknown switch, or one without its value.</exception>
    public static Switches Parse(string[] args)
    {
        var parsed = new Switches();
        for (var i = 0; i < args.Length; i++)
        {
            parsed = args[i] switch
            {
                "--no-demo" => parsed with { NoDemo = true },
                "--reset" => parsed with { Reset = true },
                "--random-ports" => parsed with { RandomPorts = true },
                "--no-telemetry" => parsed with { NoTelemetry = true },
                "--dev-server" => parsed with { DevServer = true },
                "--state-dir" => parsed with { StateDirectory = Path.GetFullPath(Value(args, ref i)) },
                "--kafka-home" => parsed with { KafkaHome = Path.GetFullPath(Value(args, ref i)) },
                "--publisher" => parsed with { Publisher = Value(args, ref i) },
                "--output-path" => parsed with { OutputPath = Path.GetFullPath(Value(args, ref i)) },
                // Aspire's own, such as DcpPublisher:RandomizePorts=true from its testing host.
                var other when other.Contains('=', StringComparison.Ordinal) => parsed,
                _ => throw new DistributedApplicationException($"Unknown switch '{args[i]}'.\n{Help}"),
            };
        }

        if (parsed.Publisher is not (null or "manifest" or "kustomize"))
            throw new DistributedApplicationException($"There is no publisher '{parsed.Publisher}': it is 'manifest' or 'kustomize'.");
        if (parsed.Publisher is not null && parsed.OutputPath is null)
            throw new DistributedApplicationException($"--publisher {parsed.Publisher} needs --output-path.");
        return parsed;
    }

    private static string Value(string[] args, ref int i) =>
        i + 1 < args.Length ? args[++i] : throw new DistributedApplicationException($"The switch '{args[i]}' needs a value.");

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
