using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Polaris.Bench;
using Xunit;

namespace Polaris.Tests.MainPath;

/// <summary>
/// An access log becomes invoices equal to an independent calculation: a log made up here with a naive oracle beside it, and the real one
/// where the folder with the shared data lies beside the repository.
/// </summary>
[Collection(nameof(PromiseTests))]
public sealed class ReplayTests(PolarisApp polaris)
{
    private static readonly string Root = System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(new Projects.Polaris_AppHost().ProjectPath)!, ".."));

    private static string Shared(string name) => System.IO.Path.GetFullPath(System.IO.Path.Combine(Root, "..", "shared", name));

    [Fact]
    public async Task A_made_up_log_becomes_the_invoices_that_a_naive_oracle_computes()
    {
        await polaris.UntilHealthyAsync();
        Assert.Equal(0, await new ReplayCommand(Options.Parse(["--url", polaris.Gateway.ToString(), "--recompute", "50"], "--recompute")).RunAsync(MadeUpLog.Write(System.IO.Path.Combine(polaris.State, "made-up"), lines: 1_500, clients: 120)));
    }

    [Fact]
    public async Task Billing_killed_again_and_again_in_the_middle_of_a_replay_changes_no_figure()
    {
        await polaris.UntilHealthyAsync();
        var folder = Directory.Exists(Shared("data/access-log")) ? Shared("data/access-log") : MadeUpLog.Write(System.IO.Path.Combine(polaris.State, "killed"), lines: 6_000, clients: 300);
        using var done = new CancellationTokenSource();
        var kills = 0;
        var killer = KillAsync();
        var exit = await new ReplayCommand(Options.Parse(["--url", polaris.Gateway.ToString()], "--recompute")).RunAsync(folder);
        await done.CancelAsync();
        await killer;
        Assert.Equal(0, exit);
        Assert.True(kills > 0);

        // Whenever the topic holds fresh batches: so that it dies with work in its hands. Bounded, since each restart waits longer.
        async Task KillAsync()
        {
            while (!done.IsCancellationRequested && kills < 4)
            {
                var before = await AppliedAsync();
                while (!done.IsCancellationRequested && await AppliedAsync() == before) await Task.Delay(5);
                if (done.IsCancellationRequested) return;
                polaris.App.Kill("billing");
                kills++;
            }
        }

        Task<long> AppliedAsync() => polaris.ScalarAsync<long>("billingdb", "SELECT count(*) FROM applied_batches");
    }

    [Fact]
    public async Task The_real_log_becomes_1753_invoices_over_a_real_kafka_where_both_are_at_hand()
    {
        var (kafka, log) = (Shared("kafka"), Shared("data/access-log"));
        if (!Directory.Exists(log)) log = MadeUpLog.Write(System.IO.Path.Combine(polaris.State, "over-kafka"), lines: 1_000, clients: 80);
        string[] args = Directory.Exists(kafka) ? ["--no-demo", "--kafka-home", kafka] : ["--no-demo"];
        var state = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"polaris-kafka-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}");
        await using (var app = await PolarisApp.StartAsync(state, args))
            Assert.Equal(0, await new ReplayCommand(Options.Parse(["--url", app.GetEndpoint("gateway").ToString()], "--recompute")).RunAsync(log));
        Directory.Delete(state, recursive: true);
    }
}

/// <summary>A log in the combined format and what it must come to, computed the slow and obvious way.</summary>
internal static class MadeUpLog
{
    public static string Write(string folder, int lines, int clients)
    {
        Directory.CreateDirectory(folder);
        // A fixed seed: the same log each time.
        var random = new Random(20150517);
        var rows = Enumerable.Range(1, lines).Select(_ => (
            Client: $"10.0.{random.Next(clients) / 250}.{random.Next(clients) % 250}",
            At: new DateTimeOffset(2015, 5, 17, 10, 0, 0, TimeSpan.Zero).AddSeconds(random.Next(3 * 86_400)),
            Path: $"/page/{random.Next(random.Next(1, 400))}",
            Bytes: random.Next(5) == 0 ? 0 : (long)random.Next(4_000_000))).ToArray();
        File.WriteAllLines(System.IO.Path.Combine(folder, "access.log"), rows.Select(row => string.Create(CultureInfo.InvariantCulture,
            $"{row.Client} - - [{row.At:dd/MMM/yyyy:HH:mm:ss} +0000] \"GET {row.Path} HTTP/1.1\" 200 {(row.Bytes == 0 ? "-" : row.Bytes)} \"-\" \"made up\"")));
        var invoices = rows.GroupBy(row => row.Client).Select(group => (Customer: group.Key, Requests: group.Count(), Egress: group.Sum(row => row.Bytes),
            Pages: group.Select(row => row.Path).Distinct().Count(), Largest: group.Max(row => row.Bytes))).Select(one => (one.Customer, one.Requests, one.Egress, one.Pages, one.Largest, Lines: Price(one.Requests, one.Egress, one.Pages))).ToArray();
        File.WriteAllText(System.IO.Path.Combine(folder, "expected.json"), JsonSerializer.Serialize(new
        {
            events = lines,
            customers = invoices.Length,
            meters = new { requests = lines, egress = rows.Sum(row => row.Bytes), pages_unique_over_org = rows.Select(row => row.Path).Distinct().Count(), largest_response = rows.Max(row => row.Bytes) },
            hours = rows.GroupBy(row => row.At.ToString("yyyy-MM-ddTHH':00:00Z'", CultureInfo.InvariantCulture)).ToDictionary(hour => hour.Key, hour => hour.Count()),
            invoices = new
            {
                count = invoices.Length,
                sum = Text(invoices.Sum(invoice => invoice.Lines.Values.Sum())),
                by_line = new[] { "base", "requests", "egress", "pages" }.ToDictionary(line => line, line => Text(invoices.Sum(invoice => invoice.Lines[line]))),
            },
            top_customers = invoices.Take(10).Select(invoice => new
            {
                customer = invoice.Customer,
                requests = invoice.Requests,
                egress = invoice.Egress,
                pages = invoice.Pages,
                largest_response = invoice.Largest,
                lines = invoice.Lines.ToDictionary(line => line.Key, line => Text(line.Value)),
                total = Text(invoice.Lines.Values.Sum()),
            }),
        }));
        return folder;
    }

    private static Dictionary<string, decimal> Price(int requests, long egress, int pages)
    {
        var graduated = 0m;
        for (var unit = 1; unit <= requests; unit++) graduated += unit <= 100 ? 0 : unit <= 1000 ? 0.01m : 0.005m;
        var packages = 0;
        for (var covered = 1_048_576L; covered < egress; covered += 1_048_576) packages++;
        return new Dictionary<string, decimal>
        {
            ["base"] = 5,
            ["requests"] = Math.Round(graduated, 2, MidpointRounding.AwayFromZero),
            ["egress"] = packages * 0.10m,
            ["pages"] = pages * (pages <= 10 ? 0 : pages <= 100 ? 0.02m : 0.01m),
        };
    }

    private static string Text(decimal amount) => amount.ToString("0.00", CultureInfo.InvariantCulture);
}
