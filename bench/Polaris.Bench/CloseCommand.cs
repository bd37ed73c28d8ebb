using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>
/// How fast a period is closed: orgs with many customers on a plan with usage, tiers, a fee, a discount and a tax get their drafts at once,
/// which are then finalized in bulk. With several orgs, whether each had its share all along.
/// </summary>
internal sealed class CloseCommand(Options options)
{
    public static readonly string[] Switches = ["--customers", "--orgs", "--minutes"];

    private const int PerCall = 1_000;
    private const string Start = "2015-05-01T00:00:00Z";
    private const string Within = "2015-05-20T00:00:00Z";
    private const string After = "2015-06-02T00:00:00Z";
    private static readonly ParallelOptions AtOnce = new() { MaxDegreeOfParallelism = 4 };
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Counting an org's invoices reads all of them: the close is asked about for a twentieth of its time at most.</summary>
    private const int PauseForEachPoll = 19;

    /// <summary>Counting the usage of all customers reads all their buckets.</summary>
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CatchUp = TimeSpan.FromMinutes(10);

    /// <summary>When the first and the last draft of an org was seen, after the close began.</summary>
    private sealed class Progress(BenchOrg org)
    {
        public BenchOrg Org { get; } = org;

        public int Drafts { get; set; }

        public TimeSpan? First { get; set; }

        public TimeSpan Last { get; set; }
    }

    public async Task<int> RunAsync()
    {
        var limit = TimeSpan.FromMinutes(options.Number("--minutes", 20));
        Console.WriteLine(
            "  customers  orgs  drafts      s  drafts/s  statements/draft   first s (fastest, slowest org)"
                + "   last s (fastest, slowest)   final s  final/s  statements/final"
        );
        foreach (var customers in options.Numbers("--customers", 1_000, 10_000, 100_000))
        {
            var orgs = new List<Progress>();
            try
            {
                var count = options.Number("--orgs", 1);
                for (var i = 0; i < count; i++)
                    orgs.Add(new Progress(await SetUpAsync(customers / count)));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {customers} customers are set up and have usage"));
                var (before, cpu) = (await options.StatementsAsync("billing"), Cpu());
                var closed = await CloseAsync(orgs, customers / count, limit);
                var between = await options.StatementsAsync("billing");
                var finalized = await FinalizeAsync(orgs);
                Print(customers, orgs, closed, between - before, finalized, await options.StatementsAsync("billing") - between);
                Console.WriteLine($"  CPU ms per draft and its finalization: {CpuSince(cpu, orgs.Sum(progress => progress.Drafts))}");
            }
            finally
            {
                foreach (var progress in orgs)
                    progress.Org.Dispose();
            }
        }

        return 0;
    }

    private static void Print(int customers, List<Progress> orgs, TimeSpan took, double? drafting, TimeSpan finalized, double? finalizing)
    {
        var drafts = orgs.Sum(progress => progress.Drafts);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {customers, 9} {orgs.Count, 5} {drafts, 7} {took.TotalSeconds, 6:0.0} {drafts / took.TotalSeconds, 9:0}"
                    + $"  {drafting / drafts, 16:0.00}   "
                    + $"{orgs.Min(org => org.First)?.TotalSeconds, 6:0.0} {orgs.Max(org => org.First)?.TotalSeconds, 6:0.0}"
                    + $"                    {orgs.Min(org => org.Last).TotalSeconds, 6:0.0} {orgs.Max(org => org.Last).TotalSeconds, 6:0.0}"
                    + $"               {finalized.TotalSeconds, 6:0.0} {drafts / finalized.TotalSeconds, 8:0}"
                    + $"  {finalizing / drafts, 16:0.00}"
            )
        );
    }

    private Dictionary<string, double> Cpu() =>
        options.Endpoints is { ValueKind: JsonValueKind.Object } endpoints
            ? ProcessTable.Read(endpoints.GetProperty("resources"), process => process.CpuSeconds)
            : [];

    private string CpuSince(Dictionary<string, double> before, int drafts) =>
        string.Join(
            ' ',
            Cpu()
                .Select(used => (used.Key, Milliseconds: 1_000 * (used.Value - before.GetValueOrDefault(used.Key)) / drafts))
                .Where(used => used.Milliseconds >= 0.01)
                .OrderByDescending(used => used.Milliseconds)
                .Select(used => string.Create(CultureInfo.InvariantCulture, $"{used.Key} {used.Milliseconds:0.00}"))
        );

    private async Task<BenchOrg> SetUpAsync(int customers)
    {
        var org = await BenchOrg.CreateAsync(options.Url, "close");
        await org.Client.QueryAsync("mutation($now: DateTime!) { setClock(now: $now) { now } }", new { now = Within });
        await org.CreateMeterAsync("calls", "COUNT", null, "api.call");
        await org.Client.QueryAsync(
            """
            mutation { createPlan(input: {key: "close", name: "Close", currency: "USD", interval: MONTH, publish: true,
              charges: [
                {key: "fee", name: "Fee", price: {model: FLAT, amount: "10"}},
                {key: "calls", name: "Calls", meter: "calls", price: {model: GRADUATED, tiers: [
                  {upTo: "2", unitPrice: "0.5"}, {unitPrice: "0.25"}]}}],
              terms: {discounts: [{key: "loyal", name: "Loyalty", percent: "5"}],
                taxes: [{key: "vat", name: "VAT", percent: "19"}]}}) { id } }
            """
        );
        await Parallel.ForEachAsync(
            Enumerable.Range(0, customers).Select(i => $"customer-{i}").Chunk(PerCall),
            AtOnce,
            async (page, _) =>
            {
                await org.Client.QueryAsync(
                    "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
                    new { input = page.Select(key => new { key }) }
                );
                await org.Client.QueryAsync(
                    "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
                    new
                    {
                        input = page.Select(customer => new
                        {
                            customer,
                            plan = "close",
                            start = Start,
                        }),
                    }
                );
            }
        );

        // Three events a customer, on different days.
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 3 * customers).Chunk(PerCall),
            AtOnce,
            async (page, _) =>
                await org.Client.IngestAsync([
                    .. page.Select(i => new EventBody(
                        $"e{i}",
                        "api.call",
                        $"customer-{i % customers}",
                        $"2015-05-{2 + i / customers * 5:00}T12:00:00Z",
                        new JsonObject()
                    )),
                ])
        );
        var began = Stopwatch.GetTimestamp();
        while (await CountedAsync(org) < 3 * customers)
        {
            if (Stopwatch.GetElapsedTime(began) > CatchUp)
                throw new PolarisException("The usage was not counted in time.");
            await Task.Delay(CountEvery);
        }

        return org;
    }

    private static async Task<decimal> CountedAsync(BenchOrg org)
    {
        var answer = await org.Client.QueryAsync(
            "query($from: DateTime!, $to: DateTime!) { usage(meter: \"calls\", from: $from, to: $to) { quantity } }",
            new { from = Start, to = Within }
        );
        return decimal.Parse(answer.GetProperty("usage").GetProperty("quantity").GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>Finalizes all drafts in bulk, a thousand of each org in turn.</summary>
    private static async Task<TimeSpan> FinalizeAsync(List<Progress> orgs)
    {
        var began = Stopwatch.GetTimestamp();
        var open = orgs.ToList();
        while (open.Count > 0)
        {
            foreach (var progress in open.ToArray())
            {
                var answer = await progress.Org.Client.QueryAsync(
                    "mutation($through: DateTime!) { finalizeInvoices(through: $through) { left } }",
                    new { through = After }
                );
                if (answer.GetProperty("finalizeInvoices").GetProperty("left").GetInt32() == 0)
                    open.Remove(progress);
            }
        }

        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task<TimeSpan> CloseAsync(List<Progress> orgs, int customers, TimeSpan limit)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var progress in orgs)
            await progress.Org.Client.QueryAsync("mutation($now: DateTime!) { setClock(now: $now) { now } }", new { now = After });
        var pause = Poll;
        while (orgs.Exists(progress => progress.Drafts < customers))
        {
            await Task.Delay(pause);
            var asked = Stopwatch.GetTimestamp();
            foreach (var progress in orgs.Where(progress => progress.Drafts < customers))
            {
                progress.Drafts = (await progress.Org.Client.QueryAsync("{ invoices(first: 1) { totalCount } }"))
                    .GetProperty("invoices")
                    .GetProperty("totalCount")
                    .GetInt32();
                if (progress.Drafts > 0)
                    progress.First ??= Stopwatch.GetElapsedTime(began);
                progress.Last = Stopwatch.GetElapsedTime(began);
            }

            pause = TimeSpan.FromTicks(Math.Max(Poll.Ticks, PauseForEachPoll * Stopwatch.GetElapsedTime(asked).Ticks));
            if (Stopwatch.GetElapsedTime(began) > limit)
                throw new PolarisException($"Not all periods were closed within {limit}: {orgs.Sum(org => org.Drafts)} drafts.");
        }

        return Stopwatch.GetElapsedTime(began);
    }
}
