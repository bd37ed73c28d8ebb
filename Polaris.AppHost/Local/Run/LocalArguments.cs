using System.Runtime.CompilerServices;

namespace Aspire.Hosting.Local;

/// <summary>The AppHost's own switches; what it does not know is the application's (such as <c>--no-demo</c>).</summary>
internal sealed record LocalArguments(bool Help, bool Reset, string? StateDirectory, string? Publisher, string? OutputPath, bool RandomPorts, string? KafkaHome)
{
    public const string HelpText = """
        dotnet run --project Polaris.AppHost [-- switches]
          --no-demo             do not create the demo tenant
          --reset               delete all local data first
          --state-dir PATH      keep data, secrets and endpoints.json here (default: .polaris beside Polaris.sln)
          --kafka-home PATH     run a real Apache Kafka from this folder (its libs/ holds the jars; needs java); default: KAFKA_HOME
          --random-ports        take free ports instead of the preferred ones
          --publisher manifest  --output-path F      write Aspire's manifest and exit
          --publisher kustomize --output-path DIR    render the Kubernetes manifests and exit
        Environment: ConnectionStrings__postgres, ConnectionStrings__kafka (your own servers), KAFKA_HOME (a Kafka distribution to run).
        """;

    public static LocalArguments Parse(string[] args)
    {
        var parsed = new LocalArguments(false, false, null, null, null, false, Environment.GetEnvironmentVariable("KAFKA_HOME") is { Length: > 0 } home ? home : null);
        for (var i = 0; i < args.Length; i++)
        {
            parsed = args[i] switch
            {
                "--help" or "-h" => parsed with { Help = true },
                "--reset" => parsed with { Reset = true },
                "--random-ports" => parsed with { RandomPorts = true },
                "--state-dir" => parsed with { StateDirectory = Path.GetFullPath(Next(args, ref i)) },
                "--kafka-home" => parsed with { KafkaHome = Path.GetFullPath(Next(args, ref i)) },
                "--publisher" => parsed with { Publisher = Next(args, ref i) },
                "--output-path" => parsed with { OutputPath = Path.GetFullPath(Next(args, ref i)) },
                "--no-demo" => parsed,
                _ => throw new DistributedApplicationException($"Unknown switch '{args[i]}'.\n{HelpText}"),
            };
        }

        return parsed;
    }

    private static string Next(string[] args, ref int i) =>
        i + 1 < args.Length ? args[++i] : throw new DistributedApplicationException($"The switch '{args[i]}' needs a value.");
}

/// <summary>Where the AppHost's source lies: project paths of the model are relative to it.</summary>
internal static class AppHostProject
{
    public static string Directory { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", ".."));

    public static string Root { get; } = Path.GetDirectoryName(Directory)!;

    private static string Here([CallerFilePath] string path = "") => path;
}
