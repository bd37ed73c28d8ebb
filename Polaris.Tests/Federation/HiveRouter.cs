using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Polaris.Tests.Federation;

/// <summary>A federation router of others, to compare with, where there is one beside the repository: <c>../shared/router</c>.</summary>
internal sealed class HiveRouter : IAsyncDisposable
{
    private readonly Process process;
    private readonly DirectoryInfo folder;

    private HiveRouter(Process process, DirectoryInfo folder, HttpClient client) =>
        (this.process, this.folder, Client) = (process, folder, client);

    public HttpClient Client { get; }

    /// <summary>Null where there is none.</summary>
    public static string? Path
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                var path = System.IO.Path.Combine(folder.FullName, "shared", "router", "hive_router");
                if (File.Exists(path))
                    return path;
            }

            return null;
        }
    }

    /// <param name="supergraph">As it is.</param>
    /// <param name="subgraphs">Where subgraphs are, if not where the supergraph says; they get the caller's token.</param>
    /// <exception cref="InvalidOperationException">It did not take the supergraph; the message has what it said.</exception>
    public static async Task<HiveRouter> StartAsync(string supergraph, IReadOnlyDictionary<string, Uri>? subgraphs = null)
    {
        var folder = Directory.CreateTempSubdirectory("polaris-router");
        var port = FreePort();
        await File.WriteAllTextAsync(System.IO.Path.Combine(folder.FullName, "supergraph.graphql"), supergraph);
        await File.WriteAllTextAsync(
            System.IO.Path.Combine(folder.FullName, "router.yaml"),
            $"supergraph:\n  source: file\n  path: ./supergraph.graphql\nhttp:\n  host: 127.0.0.1\n  port: {port}\n" + Addresses(subgraphs)
        );
        var start = new ProcessStartInfo(Path!)
        {
            WorkingDirectory = folder.FullName,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["ROUTER_CONFIG_FILE_PATH"] = "router.yaml" },
        };
        var process = Process.Start(start)!;
        var said = new System.Text.StringBuilder();
        process.OutputDataReceived += (_, line) => said.AppendLine(line.Data);
        process.ErrorDataReceived += (_, line) => said.AppendLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/graphql"), Timeout = TimeSpan.FromSeconds(60) };
        client.DefaultRequestHeaders.Add("Accept", "application/json");
        var router = new HiveRouter(process, folder, client);
        for (var waited = 0; ; waited++)
        {
            if (process.HasExited || waited > 1_000)
            {
                await router.DisposeAsync();
                throw new InvalidOperationException($"The router does not start.\n{said}");
            }

            try
            {
                var answer = await Composition.AskAsync(client, "{ __typename }", null);
                if (answer.TryGetProperty("data", out _))
                    return router;
            }
            catch (Exception exception) when (exception is HttpRequestException or System.Text.Json.JsonException) { }

            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Delete(recursive: true);
    }

    private static string Addresses(IReadOnlyDictionary<string, Uri>? subgraphs) =>
        subgraphs is null
            ? ""
            : "headers:\n  all:\n    request:\n      - propagate:\n          named: authorization\noverride_subgraph_urls:\n  subgraphs:\n"
                + string.Concat(subgraphs.Select(one => $"    {one.Key}:\n      url: {new Uri(one.Value, "/graphql")}\n"));

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
