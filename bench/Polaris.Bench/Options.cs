using System.Text.Json;

namespace Polaris.Bench;

/// <summary>What went wrong, in a sentence.</summary>
public sealed class PolarisException(string message, string? code = null) : Exception(message)
{
    /// <summary>The stable code of a refusal, when Polaris refused.</summary>
    public string? Code { get; } = code;
}

/// <summary>Switches of all commands.</summary>
/// <param name="Recompute">How many invoices to rebuild from raw events.</param>
internal sealed record Options(Uri Url, int Recompute)
{
    private const int DefaultRecompute = 25;

    public static Options Parse(string[] args)
    {
        var (url, recompute) = ((string?)null, DefaultRecompute);
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : throw new PolarisException($"The switch '{args[i]}' needs a value.");
            if (args[i] == "--url") url = value;
            else if (args[i] == "--recompute") recompute = value == "all" ? int.MaxValue : int.TryParse(value, out var count) ? count : throw new PolarisException("--recompute takes a number or 'all'.");
            else throw new PolarisException($"There is no switch '{args[i]}'.");
        }

        return new Options(new Uri(url ?? Environment.GetEnvironmentVariable("POLARIS_URL") ?? FromEndpoints() ?? "http://localhost:8080"), recompute);
    }

    private static string? FromEndpoints()
    {
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, ".polaris", "endpoints.json");
            if (!File.Exists(file)) continue;
            using var endpoints = JsonDocument.Parse(File.ReadAllText(file));
            return endpoints.RootElement.GetProperty("resources").GetProperty("gateway").GetProperty("urls")[0].GetString();
        }

        return null;
    }
}
