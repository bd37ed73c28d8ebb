using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Polaris.Bench;

/// <summary>
/// The gateway beside another federation router, in turns, over the same static subgraphs:
/// <c>organizations { id name invoices { id total } }</c>, 20 organizations of 10 invoices. The folder has <c>hive_router</c>,
/// <c>gatewaybench</c> and <c>supergraph.graphql</c>.
/// </summary>
internal sealed partial class GraphQLCommand(Options options) : IDisposable
{
    public static readonly string[] Switches = ["--router", "--gateway", "--connections", "--seconds", "--rounds"];

    private readonly List<Process> started = [];
    private readonly DirectoryInfo work = Directory.CreateTempSubdirectory("polaris-graphql");

    public async Task<int> RunAsync()
    {
        var folder =
            options.Text("--router")
            ?? Environment.GetEnvironmentVariable("POLARIS_ROUTER")
            ?? throw new PolarisException("--router names the folder with hive_router and gatewaybench.");
        var (identity, billing, ours, theirs) = (FreePort(), FreePort(), FreePort(), FreePort());
        var bench = Path.Combine(folder, "gatewaybench");
        Start(bench, ["subgraphs", "-identity", $"127.0.0.1:{identity}", "-billing", $"127.0.0.1:{billing}"]);
        await Written(
            "subgraphs.json",
            $$"""{ "identity": "http://127.0.0.1:{{identity}}/graphql", "billing": "http://127.0.0.1:{{billing}}/graphql" }"""
        );
        var supergraph = await File.ReadAllTextAsync(Path.Combine(folder, "supergraph.graphql"));
        await Written(
            "supergraph.graphql",
            Address().Replace(supergraph, match => $"(name: \"{match.Groups[1]}\", url: \"http://127.0.0.1:{PortOf(match)}/graphql\")")
        );
        await Written(
            "router.yaml",
            $"supergraph:\n  source: file\n  path: ./supergraph.graphql\nhttp:\n  host: 127.0.0.1\n  port: {theirs}\n"
        );
        var gateway = options.Text("--gateway") ?? "Polaris.Gateway/bin/Release/net10.0/Polaris.Gateway.dll";
        var running = new[]
        {
            (
                Name: "Polaris",
                Port: ours,
                Process: Start(
                    "dotnet",
                    [
                        Path.GetFullPath(gateway),
                        "compose",
                        Path.Combine(work.FullName, "subgraphs.json"),
                        "--urls",
                        $"http://127.0.0.1:{ours}",
                    ]
                )
            ),
            (Name: "Hive Router", Port: theirs, Process: Start(Path.Combine(folder, "hive_router"), [])),
        };
        foreach (var (_, port, process) in running)
            await ReadyAsync(port, process);

        var rounds = options.Number("--rounds", 3);
        var rates = running.ToDictionary(one => one.Name, _ => new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var (name, port, process) in running)
            {
                var said = await LoadAsync(bench, port);
                process.Refresh();
                // The first round warms both up.
                Console.WriteLine(
                    $"{(round == 0 ? "warm-up" : $"round {round}")}  {name, -12} {said}  {process.WorkingSet64 / 1_048_576} MB"
                );
                if (round > 0)
                    rates[name].Add(double.Parse(Rate().Match(said).Groups[1].Value, CultureInfo.InvariantCulture));
            }
        }

        var (own, other) = (Median(rates["Polaris"]), Median(rates["Hive Router"]));
        Console.WriteLine($"medians: Polaris {own:0} requests/s, Hive Router {other:0} requests/s: {own / other:0.00} of it");
        return 0;

        int PortOf(Match match) => match.Groups[1].Value == "identity" ? identity : billing;
    }

    public void Dispose()
    {
        foreach (var process in started)
        {
            if (!process.HasExited)
                process.Kill();
            process.Dispose();
        }

        work.Delete(recursive: true);
    }

    private async Task<string> LoadAsync(string bench, int port)
    {
        var start = new ProcessStartInfo(
            bench,
            [
                "load",
                "-url",
                $"http://127.0.0.1:{port}/graphql",
                "-c",
                $"{options.Number("--connections", 8)}",
                "-s",
                $"{options.Number("--seconds", 10)}",
            ]
        )
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var load = Process.Start(start)!;
        var said = await load.StandardOutput.ReadToEndAsync() + await load.StandardError.ReadToEndAsync();
        await load.WaitForExitAsync();
        return Rate().IsMatch(said) ? said.Trim() : throw new PolarisException($"The load failed: {said}");
    }

    private Process Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = work.FullName,
            RedirectStandardOutput = true,
            Environment = { ["ROUTER_CONFIG_FILE_PATH"] = "router.yaml", ["ASPNETCORE_ENVIRONMENT"] = "Development" },
        };
        var process = Process.Start(start) ?? throw new PolarisException($"{program} does not start.");
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        started.Add(process);
        return process;
    }

    private static async Task ReadyAsync(int port, Process process)
    {
        using var http = new HttpClient();
        for (var waited = 0; waited < 300; waited++)
        {
            if (process.HasExited)
                throw new PolarisException($"{process.StartInfo.FileName} ended.");
            try
            {
                using var query = new StringContent("""{"query":"{ __typename }"}""", null, "application/json");
                using var answer = await http.PostAsync($"http://127.0.0.1:{port}/graphql", query);
                if (answer.StatusCode == HttpStatusCode.OK)
                    return;
            }
            catch (HttpRequestException) { }

            await Task.Delay(100);
        }

        throw new PolarisException($"Nothing answers on port {port}.");
    }

    private Task Written(string name, string text) => File.WriteAllTextAsync(Path.Combine(work.FullName, name), text);

    private static double Median(List<double> values) => values.Count == 0 ? 0 : values.Order().ElementAt(values.Count / 2);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [GeneratedRegex("\\(name: \"(\\w+)\", url: \"[^\"]*\"\\)")]
    private static partial Regex Address();

    [GeneratedRegex("(\\d+(?:\\.\\d+)?) req/s")]
    private static partial Regex Rate();
}
