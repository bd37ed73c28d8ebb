using System.Globalization;
using System.Text.Json;
using Polaris.AppHost.Hosting;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>
/// The log that is replayed: the real one where the folder with the shared data is beside the repository. Elsewhere a synthetic one
/// takes its place, and the test's name says so.
/// </summary>
public static class ReplayedLog
{
    private const string RealLog = "the real access log";
    private const string SyntheticInstead = "SYNTHETIC log: the real access log is absent";
    public const string RealKafka = "Apache Kafka";
    private const string EmbeddedInstead = "EMBEDDED broker: Apache Kafka is absent";

    private static readonly string Root = Path.GetFullPath(Switches.RepositoryRoot);

    public static string Shared(string name) => Path.GetFullPath(Path.Combine(Root, "..", "shared", name));

    private static string Log => Directory.Exists(Shared("data/access-log")) ? RealLog : SyntheticInstead;

    private static string Broker => Directory.Exists(Shared("kafka")) ? RealKafka : EmbeddedInstead;

    /// <summary>One row, whose text is part of the test's name: xUnit cuts it at 50 characters.</summary>
    public static TheoryData<string> Logs => new(Log);

    public static TheoryData<string, string> LogsAndBrokers => new((Log, Broker));

    public static string FolderOf(string log, string state, int lines, int clients)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"Replayed: {log}");
        if (log != RealLog)
        {
            TestContext.Current.SendDiagnosticMessage($"Replayed: {SyntheticInstead}; {lines} lines of {clients} clients are replayed.");
            return SyntheticLog.Write(Path.Combine(state, $"synthetic-log-{lines}"), lines, clients);
        }

        var folder = Shared("data/access-log");
        using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")));
        Assert.Equal(1_753, expected.RootElement.GetProperty("invoices").GetProperty("count").GetInt32());
        return folder;
    }
}

/// <summary>A generated log in the combined format and its expected figures, computed in the simplest way.</summary>
internal static class SyntheticLog
{
    public static string Write(string folder, int lines, int clients)
    {
        Directory.CreateDirectory(folder);
        // A fixed seed: the same log every time.
        var random = new Random(20150517);
        var rows = Enumerable
            .Range(1, lines)
            .Select(_ =>
                (
                    Client: $"10.0.{random.Next(clients) / 250}.{random.Next(clients) % 250}",
                    At: new DateTimeOffset(2015, 5, 17, 10, 0, 0, TimeSpan.Zero).AddSeconds(random.Next(3 * 86_400)),
                    Path: $"/page/{random.Next(random.Next(1, 400))}",
                    Bytes: random.Next(5) == 0 ? 0 : (long)random.Next(4_000_000)
                )
            )
            .ToArray();
        File.WriteAllLines(
            Path.Combine(folder, "access.log"),
            rows.Select(row =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{row.Client} - - [{row.At:dd/MMM/yyyy:HH:mm:ss} +0000] \"GET {row.Path} HTTP/1.1\" 200 "
                        + $"{(row.Bytes == 0 ? "-" : row.Bytes)} \"-\" \"synthetic\""
                )
            )
        );
        var invoices = rows.GroupBy(row => row.Client)
            .Select(group =>
                (
                    Customer: group.Key,
                    Requests: group.Count(),
                    Egress: group.Sum(row => row.Bytes),
                    Pages: group.Select(row => row.Path).Distinct().Count(),
                    Largest: group.Max(row => row.Bytes)
                )
            )
            .Select(one =>
                (one.Customer, one.Requests, one.Egress, one.Pages, one.Largest, Lines: Price(one.Requests, one.Egress, one.Pages))
            )
            .ToArray();
        File.WriteAllText(
            Path.Combine(folder, "expected.json"),
            JsonSerializer.Serialize(
                new
                {
                    events = lines,
                    customers = invoices.Length,
                    meters = new
                    {
                        requests = lines,
                        egress = rows.Sum(row => row.Bytes),
                        pages_unique_over_org = rows.Select(row => row.Path).Distinct().Count(),
                        largest_response = rows.Max(row => row.Bytes),
                    },
                    hours = rows.GroupBy(row => row.At.ToString("yyyy-MM-ddTHH':00:00Z'", CultureInfo.InvariantCulture))
                        .ToDictionary(hour => hour.Key, hour => hour.Count()),
                    invoices = new
                    {
                        count = invoices.Length,
                        sum = Text(invoices.Sum(invoice => invoice.Lines.Values.Sum())),
                        by_line = new[] { "base", "requests", "egress", "pages" }.ToDictionary(
                            line => line,
                            line => Text(invoices.Sum(invoice => invoice.Lines[line]))
                        ),
                    },
                    top_customers = invoices
                        .Take(10)
                        .Select(invoice => new
                        {
                            customer = invoice.Customer,
                            requests = invoice.Requests,
                            egress = invoice.Egress,
                            pages = invoice.Pages,
                            largest_response = invoice.Largest,
                            lines = invoice.Lines.ToDictionary(line => line.Key, line => Text(line.Value)),
                            total = Text(invoice.Lines.Values.Sum()),
                        }),
                }
            )
        );
        return folder;
    }

    private static Dictionary<string, decimal> Price(int requests, long egress, int pages)
    {
        var graduated = 0m;
        for (var unit = 1; unit <= requests; unit++)
            graduated +=
                unit <= 100 ? 0
                : unit <= 1000 ? 0.01m
                : 0.005m;
        var packages = 0;
        for (var covered = 1_048_576L; covered < egress; covered += 1_048_576)
            packages++;
        return new Dictionary<string, decimal>
        {
            ["base"] = 5,
            ["requests"] = Math.Round(graduated, 2, MidpointRounding.AwayFromZero),
            ["egress"] = packages * 0.10m,
            ["pages"] =
                pages
                * (
                    pages <= 10 ? 0
                    : pages <= 100 ? 0.02m
                    : 0.01m
                ),
        };
    }

    private static string Text(decimal amount) => amount.ToString("0.00", CultureInfo.InvariantCulture);
}
