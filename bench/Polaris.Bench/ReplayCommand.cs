using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Polaris.Bench;

/// <summary>
/// Turns a real access log into usage and invoices: sends it, closes the period, compares every figure with an independent calculation,
/// rebuilds invoices from raw events, then sends everything again and compares again.
/// </summary>
internal sealed class ReplayCommand(Options options)
{
    private const int BatchSize = 500;
    private const int DefaultRecompute = 25;
    private const int MutationSize = 500;
    private const int InvoicePage = 500;
    private const string BeforePeriodEnds = "2015-05-15T00:00:00Z";
    private const string AfterPeriodEnds = "2015-06-03T00:00:00Z";
    private const string From = "2015-05-01T00:00:00Z";
    private const string To = "2015-06-01T00:00:00Z";

    /// <summary>Timeout for usage to catch up, and for a period to close.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    private sealed record InvoiceFigures(
        string Id,
        string Customer,
        decimal Total,
        Dictionary<string, (decimal Quantity, decimal Amount)> Lines
    );

    public async Task<int> RunAsync(string folder)
    {
        var lines = AccessLog.Read(Path.Combine(folder, "access.log"));
        using var expectedFile = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "expected.json")));
        var expected = expectedFile.RootElement;
        Console.WriteLine($"{lines.Count} lines of {lines.Select(line => line.Client).Distinct().Count()} clients → {options.Url}");

        var watch = Stopwatch.StartNew();
        using var org = await SetUpAsync(lines);
        var client = org.Client;
        if (options.Text("--sign-in") is { } file)
            await org.WriteSignInAsync(options.Url, file);
        Said("set up", watch);
        var first = await SendAsync(client, lines);
        Said("sent", watch);
        await CatchUpAsync(client, lines.Count);
        Said("usage caught up", watch);
        await ClosePeriodAsync(client, expected.GetProperty("customers").GetInt32());
        Said("period closed", watch);

        var comparison = new Comparison();
        comparison.Check("events accepted", lines.Count, first.Accepted);
        comparison.Check("events not accepted", 0, first.Duplicates + first.Conflicts + first.Rejected);
        var invoices = await CompareAsync(client, expected, comparison);
        Said("compared", watch);
        await RecomputeAsync(client, invoices, comparison);
        Said("recomputed", watch);
        comparison.Print("First pass");

        var again = new Comparison();
        var second = await SendAsync(client, lines);
        again.Check("events accepted again", 0, second.Accepted);
        again.Check("duplicates", lines.Count, second.Duplicates);
        await MarkAsync(client);
        await CompareAsync(client, expected, again);
        Said("sent and compared again", watch);
        again.Print("Everything sent a second time");

        var differences = comparison.Differences + again.Differences;
        Console.WriteLine(
            differences == 0 ? $"\nno difference: {comparison.Count + again.Count} figures are equal" : $"\n{differences} DIFFERENCES"
        );
        return differences == 0 ? 0 : 1;
    }

    private static void Said(string what, Stopwatch watch)
    {
        Console.WriteLine($"  {what, -26} {watch.Elapsed.TotalSeconds, 7:0.0} s");
        watch.Restart();
    }

    /// <summary>A new org with the scenario's meters, plan, customers and subscriptions, its clock before the end of the period.</summary>
    private async Task<BenchOrg> SetUpAsync(IReadOnlyList<LogLine> lines)
    {
        var org = await BenchOrg.CreateAsync(options.Url, "replay");
        var client = org.Client;
        await client.QueryAsync("mutation($now: DateTime) { setClock(now: $now) { now } }", new { now = BeforePeriodEnds });
        foreach (
            var (meter, aggregation, property) in new[]
            {
                ("requests", "COUNT", null),
                ("egress", "SUM", "bytes"),
                ("pages", "UNIQUE_COUNT", "path"),
                ("largest_response", "MAX", "bytes"),
            }
        )
            await org.CreateMeterAsync(meter, aggregation, property, "http.request");

        await client.QueryAsync("mutation($input: CreatePlanInput!) { createPlan(input: $input) { id } }", new { input = Plan() });
        foreach (var some in lines.Select(line => line.Client).Distinct().Order(StringComparer.Ordinal).Chunk(MutationSize))
        {
            await client.QueryAsync(
                "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
                new { input = some.Select(customer => new { key = customer }) }
            );
            await client.QueryAsync(
                "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
                new
                {
                    input = some.Select(customer => new
                    {
                        customer,
                        plan = "web",
                        start = From,
                        end = To,
                        anchorDay = 1,
                        timeZone = "UTC",
                    }),
                }
            );
        }

        return org;
    }

    private static object Plan() =>
        new
        {
            key = "web",
            name = "Web",
            currency = "USD",
            interval = "MONTH",
            publish = true,
            charges = new object[]
            {
                new
                {
                    key = "base",
                    name = "Base fee",
                    price = new { model = "FLAT", amount = "5.00" },
                },
                new
                {
                    key = "requests",
                    name = "Requests",
                    meter = "requests",
                    price = new { model = "GRADUATED", tiers = Tiers(("100", "0"), ("1000", "0.01"), (null, "0.005")) },
                },
                new
                {
                    key = "egress",
                    name = "Egress",
                    meter = "egress",
                    price = new
                    {
                        model = "PACKAGE",
                        packageSize = "1048576",
                        packagePrice = "0.10",
                        freeUnits = "1048576",
                    },
                },
                new
                {
                    key = "pages",
                    name = "Pages",
                    meter = "pages",
                    price = new { model = "VOLUME", tiers = Tiers(("10", "0"), ("100", "0.02"), (null, "0.01")) },
                },
            },
        };

    private static object[] Tiers(params (string? UpTo, string UnitPrice)[] tiers) =>
        [.. tiers.Select(tier => new { upTo = tier.UpTo, unitPrice = tier.UnitPrice })];

    private static async Task<(int Accepted, int Duplicates, int Conflicts, int Rejected)> SendAsync(
        PolarisClient client,
        IReadOnlyList<LogLine> lines
    )
    {
        var sum = (Accepted: 0, Duplicates: 0, Conflicts: 0, Rejected: 0);
        foreach (var some in lines.Chunk(BatchSize))
        {
            var answer = await client.IngestAsync([.. some.Select(line => line.ToEvent())]);
            sum = (
                sum.Accepted + answer.Accepted,
                sum.Duplicates + answer.Duplicates,
                sum.Conflicts + answer.Conflicts,
                sum.Rejected + answer.Rejected
            );
        }

        return sum;
    }

    private static Task CatchUpAsync(PolarisClient client, int events) =>
        UntilAsync(
            "usage did not catch up",
            async () => await UsageAsync(client, "requests") is var counted && counted == events,
            TimeSpan.FromMilliseconds(50)
        );

    private static async Task ClosePeriodAsync(PolarisClient client, int invoices)
    {
        await client.QueryAsync("mutation($now: DateTime) { setClock(now: $now) { now } }", new { now = AfterPeriodEnds });
        await UntilAsync(
            "the period did not close",
            async () =>
            {
                var answer = await client.QueryAsync("{ clock { duePeriods } invoices(first: 1) { totalCount } }");
                return answer.GetProperty("clock").GetProperty("duePeriods").GetInt32() == 0
                    && answer.GetProperty("invoices").GetProperty("totalCount").GetInt32() >= invoices;
            },
            TimeSpan.FromMilliseconds(200)
        );
    }

    /// <summary>
    /// Duplicates have no visible effect to wait for. An event of another type is sent after them: once it is counted, the pipeline has
    /// processed the duplicates. No figure of the scenario includes it.
    /// </summary>
    private static async Task MarkAsync(PolarisClient client)
    {
        await client.QueryAsync(
            "mutation($input: CreateMeterInput!) { createMeter(input: $input) { id } }",
            new
            {
                input = new
                {
                    key = "marks",
                    eventType = "replay.mark",
                    aggregation = "COUNT",
                },
            }
        );
        await client.IngestAsync([new EventBody("mark-1", "replay.mark", "replay", "2015-05-20T00:00:00Z", [])]);
        await UntilAsync("the mark was not counted", async () => await UsageAsync(client, "marks") == 1, TimeSpan.FromMilliseconds(100));
    }

    private static async Task<decimal> UsageAsync(PolarisClient client, string meter, string? customer = null)
    {
        var answer = await client.QueryAsync(
            "query($meter: String!, $from: DateTime!, $to: DateTime!, $customer: String) { usage(meter: $meter, from: $from, "
                + "to: $to, customer: $customer) { quantity } }",
            new
            {
                meter,
                from = From,
                to = To,
                customer,
            }
        );
        return Number(answer.GetProperty("usage").GetProperty("quantity"));
    }

    private static async Task UntilAsync(string failure, Func<Task<bool>> done, TimeSpan every)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await done())
        {
            if (Stopwatch.GetElapsedTime(began) > Timeout)
                throw new PolarisException($"{failure} within {Timeout.TotalSeconds:0} s");
            await Task.Delay(every);
        }
    }

    private static async Task<List<InvoiceFigures>> CompareAsync(PolarisClient client, JsonElement expected, Comparison comparison)
    {
        var meters = expected.GetProperty("meters");
        foreach (
            var (meter, name) in new[]
            {
                ("requests", "requests"),
                ("egress", "egress"),
                ("pages", "pages_unique_over_org"),
                ("largest_response", "largest_response"),
            }
        )
            comparison.Check($"meter {meter}", meters.GetProperty(name).GetDecimal(), await UsageAsync(client, meter));

        var timeline = (
            await client.QueryAsync(
                "query($from: DateTime!, $to: DateTime!) { usageTimeline(meter: \"requests\", from: $from, to: $to, window: "
                    + "HOUR) { start quantity } }",
                new { from = From, to = To }
            )
        )
            .GetProperty("usageTimeline")
            .EnumerateArray()
            .ToDictionary(point => point.GetProperty("start").GetString()!, point => Number(point.GetProperty("quantity")));
        foreach (var hour in expected.GetProperty("hours").EnumerateObject())
            comparison.Check($"hour/{hour.Name}", hour.Value.GetDecimal(), timeline.GetValueOrDefault(hour.Name));
        comparison.Check("sum of all hours", expected.GetProperty("events").GetDecimal(), timeline.Values.Sum());

        var invoices = await InvoicesAsync(client);
        var sums = expected.GetProperty("invoices");
        comparison.Check("invoices", sums.GetProperty("count").GetDecimal(), invoices.Count);
        comparison.Check(
            "customers with an invoice",
            sums.GetProperty("count").GetDecimal(),
            invoices.Select(invoice => invoice.Customer).Distinct().Count()
        );
        comparison.Check("sum of invoices", Number(sums.GetProperty("sum")), invoices.Sum(invoice => invoice.Total));
        foreach (var line in sums.GetProperty("by_line").EnumerateObject())
            comparison.Check($"sum of line {line.Name}", Number(line.Value), invoices.Sum(invoice => invoice.Lines[line.Name].Amount));
        foreach (var invoice in invoices)
            comparison.Check(
                $"invoice/{invoice.Customer} total equals the sum of its lines",
                invoice.Lines.Values.Sum(line => line.Amount),
                invoice.Total
            );

        foreach (var top in expected.GetProperty("top_customers").EnumerateArray())
            await CompareCustomerAsync(client, top, invoices, comparison);
        return invoices;
    }

    private static async Task CompareCustomerAsync(
        PolarisClient client,
        JsonElement top,
        List<InvoiceFigures> invoices,
        Comparison comparison
    )
    {
        var customer = top.GetProperty("customer").GetString()!;
        foreach (var meter in new[] { "requests", "egress", "pages", "largest_response" })
            comparison.Check(
                $"customer/{customer} {meter}",
                top.GetProperty(meter).GetDecimal(),
                await UsageAsync(client, meter, customer)
            );
        var invoice = invoices.Single(invoice => invoice.Customer == customer);
        foreach (var line in top.GetProperty("lines").EnumerateObject())
            comparison.Check($"customer/{customer} line {line.Name}", Number(line.Value), invoice.Lines[line.Name].Amount);
        comparison.Check($"customer/{customer} total", Number(top.GetProperty("total")), invoice.Total);
    }

    private static async Task<List<InvoiceFigures>> InvoicesAsync(PolarisClient client)
    {
        var invoices = new List<InvoiceFigures>();
        string? after = null;
        while (true)
        {
            var page = (
                await client.QueryAsync(
                    "query($first: Int!, $after: String) { invoices(first: $first, after: $after) { endCursor hasNextPage "
                        + "nodes { id customer: customerKey total lines { charge quantity amount } } } }",
                    new { first = InvoicePage, after }
                )
            ).GetProperty("invoices");
            invoices.AddRange(
                page.GetProperty("nodes")
                    .EnumerateArray()
                    .Select(node => new InvoiceFigures(
                        node.GetProperty("id").GetString()!,
                        node.GetProperty("customer").GetString()!,
                        Number(node.GetProperty("total")),
                        node.GetProperty("lines")
                            .EnumerateArray()
                            .ToDictionary(
                                line => line.GetProperty("charge").GetString()!,
                                line => (Number(line.GetProperty("quantity")), Number(line.GetProperty("amount")))
                            )
                    ))
            );
            if (!page.GetProperty("hasNextPage").GetBoolean())
                return invoices;
            after = page.GetProperty("endCursor").GetString();
        }
    }

    /// <summary>Rebuilds invoices from raw events, those with the highest totals first, since they have the most usage.</summary>
    private async Task RecomputeAsync(PolarisClient client, List<InvoiceFigures> invoices, Comparison comparison)
    {
        var identical = 0;
        var some = invoices
            .OrderByDescending(invoice => invoice.Total)
            .Take(options.Text("--recompute") == "all" ? int.MaxValue : options.Number("--recompute", DefaultRecompute))
            .ToArray();
        foreach (var invoice in some)
        {
            var answer = (
                await client.QueryAsync(
                    "mutation($id: ID!) { recomputeInvoice(id: $id) { identical differences { charge field stored recomputed } } }",
                    new { id = invoice.Id }
                )
            ).GetProperty("recomputeInvoice");
            if (answer.GetProperty("identical").GetBoolean())
                identical++;
            else
                Console.WriteLine($"  {invoice.Customer}: {answer.GetProperty("differences")}");
        }

        comparison.Check("invoices rebuilt from events, identical", some.Length, identical);
    }

    private static decimal Number(JsonElement text) => decimal.Parse(text.GetString()!, CultureInfo.InvariantCulture);
}
