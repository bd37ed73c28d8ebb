using System.Globalization;
using System.Text.Json;

namespace Polaris.Bench;

/// <summary>The options of a command, and the description of the running platform that the AppHost wrote.</summary>
internal sealed class Options
{
    private const string StatementCount = "db_client_operation_duration_seconds_count";

    private readonly Dictionary<string, string> given = new(StringComparer.Ordinal);

    private Options(string? stateFolder) => StateFolder = stateFolder;

    public Uri Url { get; private init; } = new("http://localhost:8080");

    /// <summary>The AppHost's state folder; null when it is unknown.</summary>
    public string? StateFolder { get; }

    /// <summary>The AppHost's <c>endpoints.json</c>; undefined when there is none.</summary>
    public JsonElement Endpoints =>
        StateFolder is { } folder && File.Exists(Path.Combine(folder, "endpoints.json"))
            ? Read(Path.Combine(folder, "endpoints.json"))
            : default;

    /// <param name="allowed">The command's own options, in addition to <c>--url</c> and <c>--state</c>.</param>
    /// <exception cref="PolarisException">An option is unknown or has no value.</exception>
    public static Options Parse(string[] args, params string[] allowed)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < args.Length; i += 2)
        {
            if (args[i] is not ("--url" or "--state") && !allowed.Contains(args[i]))
                throw new PolarisException($"Unknown option '{args[i]}'.");
            given[args[i]] = i + 1 < args.Length ? args[i + 1] : throw new PolarisException($"The option '{args[i]}' requires a value.");
        }

        var state = given.GetValueOrDefault("--state") ?? FindState();
        var url = given.GetValueOrDefault("--url") ?? Environment.GetEnvironmentVariable("POLARIS_URL");
        if (url is null && new Options(state).Endpoints is { ValueKind: JsonValueKind.Object } endpoints)
            url = endpoints.GetProperty("resources").GetProperty("gateway").GetProperty("urls")[0].GetString();
        var options = new Options(state) { Url = new Uri(url ?? "http://localhost:8080") };
        foreach (var (name, value) in given)
            options.given.Add(name, value);
        return options;
    }

    public string? Text(string name) => given.GetValueOrDefault(name);

    public int Number(string name, int otherwise)
    {
        if (!given.TryGetValue(name, out var text))
            return otherwise;
        return int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 0
            ? number
            : throw new PolarisException($"{name} must be a whole number.");
    }

    public double[] Shares(string name, params double[] otherwise)
    {
        if (!given.TryGetValue(name, out var text))
            return otherwise;
        return
        [
            .. text.Split(',')
                .Select(part =>
                    double.TryParse(part, CultureInfo.InvariantCulture, out var number) && number is >= 0 and < 1
                        ? number
                        : throw new PolarisException($"{name} must be numbers from 0 to below 1, such as 0,0.5.")
                ),
        ];
    }

    public int[] Numbers(string name, params int[] otherwise)
    {
        if (!given.TryGetValue(name, out var text))
            return otherwise;
        return
        [
            .. text.Split(',')
                .Select(part =>
                    int.TryParse(part, CultureInfo.InvariantCulture, out var number) && number > 0
                        ? number
                        : throw new PolarisException($"{name} must be numbers, such as 1,100.")
                ),
        ];
    }

    /// <summary>A connection string of the AppHost's PostgreSQL server, as its owner, without a database.</summary>
    public string? Postgres()
    {
        if (Text("--postgres") is { } text)
            return text;
        if (StateFolder is null || !File.Exists(Path.Combine(StateFolder, "secrets.json")) || Endpoints.ValueKind != JsonValueKind.Object)
            return null;
        var password = Read(Path.Combine(StateFolder, "secrets.json")).GetProperty("postgres-password").GetString();
        var address = new Uri(Endpoints.GetProperty("resources").GetProperty("postgres").GetProperty("urls")[0].GetString()!);
        return $"Host=127.0.0.1;Port={address.Port};Username=postgres;Password={password}";
    }

    /// <summary>
    /// SQL statements that a service has sent since it started, for whatever reason; null when its metrics cannot be read.
    /// </summary>
    public async Task<double?> StatementsAsync(string service)
    {
        if (Endpoints is not { ValueKind: JsonValueKind.Object } endpoints)
            return null;
        using var client = new HttpClient();
        var address = new Uri(endpoints.GetProperty("resources").GetProperty(service).GetProperty("urls")[0].GetString()!);
        var metrics = await client.GetStringAsync(new Uri(address, "/metrics"));
        return metrics
            .Split('\n')
            .Where(line => line.StartsWith(StatementCount, StringComparison.Ordinal))
            .Sum(line =>
                double.Parse(
                    line[(line.LastIndexOf('}') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0],
                    CultureInfo.InvariantCulture
                )
            );
    }

    private static string? FindState()
    {
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, ".polaris", "endpoints.json")))
                return Path.Combine(folder.FullName, ".polaris");
        }

        return null;
    }

    private static JsonElement Read(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        return document.RootElement.Clone();
    }
}
