using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Polaris.Bench;

/// <summary>A request of a combined-format access log.</summary>
internal sealed record LogLine(int Number, string Client, DateTimeOffset At, string Method, string Path, int Status, long Bytes)
{
    public EventBody ToEvent() =>
        new(
            $"line-{Number}",
            "http.request",
            Client,
            At.ToString("yyyy-MM-ddTHH:mm:ssK", CultureInfo.InvariantCulture),
            new JsonObject
            {
                ["path"] = Path,
                ["method"] = Method,
                ["status"] = Status,
                ["bytes"] = Bytes,
            }
        );
}

/// <summary>Reads access logs.</summary>
internal static partial class AccessLog
{
    /// <exception cref="PolarisException">A line is not in the combined format.</exception>
    public static IReadOnlyList<LogLine> Read(string file) => [.. File.ReadLines(file).Select((line, index) => Parse(line, index + 1))];

    public static LogLine Parse(string line, int number)
    {
        var match = Combined().Match(line);
        if (!match.Success)
            throw new PolarisException($"Line {number} is not in the combined log format.");
        var at = DateTimeOffset.ParseExact(match.Groups["at"].Value, "dd/MMM/yyyy:HH:mm:ss zzz", CultureInfo.InvariantCulture);
        var bytes = match.Groups["bytes"].Value;
        return new LogLine(
            number,
            match.Groups["client"].Value,
            at,
            match.Groups["method"].Value,
            match.Groups["path"].Value,
            int.Parse(match.Groups["status"].Value, CultureInfo.InvariantCulture),
            bytes == "-" ? 0 : long.Parse(bytes, CultureInfo.InvariantCulture)
        );
    }

    [GeneratedRegex(
        """^(?<client>\S+) \S+ \S+ \[(?<at>[^\]]+)\] "(?<method>\S+) (?<path>\S+)[^"]*" (?<status>\d{3}) (?<bytes>\d+|-)""",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Combined();
}
