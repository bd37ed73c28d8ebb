using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Polaris.Bench.Load;

namespace Polaris.Bench;

/// <summary>Whether rate, freshness and current usage stay the same as the number of stored events grows tenfold and more.</summary>
internal sealed class GrowthCommand(Options options)
{
    public static readonly string[] Switches = ["--to", "--orgs", "--seconds", "--connections"];

    private const int Million = 1_000_000;
    private const int FillBatch = 1_000;
    private const int CurrentUsageQueries = 200;
    private const int Days = 30;
    private static readonly TimeSpan CatchUp = TimeSpan.FromMinutes(20);

    private sealed record Mark(
        long Events,
        double Rate,
        double CaughtUp,
        double FreshP50,
        double FreshP99,
        double UsageP50,
        double UsageP99
    );

    public async Task<int> RunAsync()
    {
        var to = options.Number("--to", 10 * Million);
        var orgs = new List<BenchOrg>();
        try
        {
            if (options.Number("--orgs", 40) < options.Number("--connections", 8))
                throw new PolarisException("--orgs must be at least --connections.");
            for (var i = 0; i < options.Number("--orgs", 40); i++)
                orgs.Add(await CreateOrgAsync());
            await SubscribeAsync(orgs[0]);
            var (marks, half) = (new List<Mark>(), 0.0);
            foreach (var goal in new[] { Million, 10 * Million, to }.Where(goal => goal <= to).Distinct())
            {
                var (before, began) = (orgs.Sum(org => org.Sent), Stopwatch.GetTimestamp());
                await FillAsync(orgs, before, goal, to);
                foreach (var org in orgs)
                    await org.CatchUpAsync("calls", org.Sent, CatchUp, Days);
                var (stored, seconds) = (orgs.Sum(org => org.Sent), Stopwatch.GetElapsedTime(began).TotalSeconds);
                var filled = stored - before;
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"  {stored} events stored; the last {filled} took {seconds:0.0} s until they were counted, {filled / seconds:0}/s"
                    )
                );
                // The same load at every mark: half the first mark's rate.
                var (rate, caughtUp) = await RateAsync(orgs[0]);
                if (half == 0)
                    half = rate / 2;
                marks.Add(await MeasureAsync(orgs[0], stored, rate, caughtUp, half));
            }

            Print(marks);
            return 0;
        }
        finally
        {
            foreach (var org in orgs)
                org.Dispose();
        }
    }

    private async Task<BenchOrg> CreateOrgAsync()
    {
        var org = await BenchOrg.CreateAsync(options.Url, "growth");
        await org.CreateMeterAsync("calls", "COUNT", null, "api.call");
        await org.CreateMeterAsync("tokens", "SUM", "tokens", "api.call");
        await org.CreateMeterAsync("probes", "COUNT", null, "probe");
        return org;
    }

    private static async Task SubscribeAsync(BenchOrg org)
    {
        // The current month, so that nothing is invoiced during the run.
        var start = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-01T00:00:00Z", CultureInfo.InvariantCulture);
        await org.Client.QueryAsync(
            "mutation($input: CreatePlanInput!) { createPlan(input: $input) { id } }",
            new
            {
                input = new
                {
                    key = "growth",
                    name = "Growth",
                    currency = "USD",
                    interval = "MONTH",
                    publish = true,
                    charges = new object[]
                    {
                        new
                        {
                            key = "calls",
                            name = "Calls",
                            meter = "calls",
                            price = new { model = "PER_UNIT", unitPrice = "0.01" },
                        },
                        new
                        {
                            key = "tokens",
                            name = "Tokens",
                            meter = "tokens",
                            price = new { model = "PER_UNIT", unitPrice = "0.0001" },
                        },
                    },
                },
            }
        );
        var customers = Enumerable.Range(0, EventBodies.Customers).Select(i => $"customer-{i}").ToArray();
        await org.Client.QueryAsync(
            "mutation($input: [CreateCustomerInput!]!) { createCustomers(input: $input) { id } }",
            new { input = customers.Select(key => new { key }) }
        );
        await org.Client.QueryAsync(
            "mutation($input: [CreateSubscriptionInput!]!) { createSubscriptions(input: $input) { id } }",
            new
            {
                input = customers.Select(customer => new
                {
                    customer,
                    plan = "growth",
                    start,
                    anchorDay = 1,
                    timeZone = "UTC",
                }),
            }
        );
    }

    /// <summary>Batches of 1,000 for all orgs in turn, with timestamps that advance through the last thirty days.</summary>
    private async Task FillAsync(List<BenchOrg> orgs, long from, long to, long last)
    {
        var (run, next, now, connections) = (
            RandomNumberGenerator.GetHexString(8, lowercase: true),
            from,
            TimeProvider.System.GetUtcNow(),
            options.Number("--connections", 8)
        );
        await Task.WhenAll(
            Enumerable
                .Range(0, connections)
                .Select(index =>
                    Task.Run(async () =>
                    {
                        var own = orgs.Where((_, i) => i % connections == index)
                            .Select(org => (Org: org, Http: new LoadConnection(options.Url, org.ApiKey)))
                            .ToArray();
                        for (var turn = 0; Interlocked.Add(ref next, FillBatch) is var number && number <= to; turn++)
                        {
                            var (org, http) = own[turn % own.Length];
                            var body = new EventBodies(
                                $"{run}-{index}",
                                FillBatch,
                                now - TimeSpan.FromDays(Days) * (1 - (double)number / last)
                            );
                            LoadAnswer answer;
                            while (
                                (answer = await http.PostAsync(body.From((long)turn * FillBatch), CancellationToken.None)).Status
                                    is 0
                                        or 429
                                        or 503
                            )
                                await Task.Delay(200);
                            if (answer.Accepted + answer.Duplicates != FillBatch)
                                throw new PolarisException($"A batch of {FillBatch} was answered {answer}.");
                            org.Sent += FillBatch;
                        }

                        foreach (var (_, http) in own)
                            http.Dispose();
                    })
                )
        );
    }

    private async Task<(double Rate, double CaughtUp)> RateAsync(BenchOrg org)
    {
        var result = await new LoadRun(
            options.Url,
            org.ApiKey,
            100,
            options.Number("--connections", 8),
            TimeSpan.FromSeconds(options.Number("--seconds", 10))
        ).RunAsync();
        org.Sent += result.Accepted;
        return (result.Rate, await org.CatchUpAsync("calls", org.Sent, CatchUp, Days));
    }

    private async Task<Mark> MeasureAsync(BenchOrg org, long stored, double rate, double caughtUp, double half)
    {
        var before = await org.UsageAsync("calls", days: Days);
        var (fresh, _, missed) = await FreshnessCommand.MeasureAsync(
            options.Url,
            org,
            100,
            options.Number("--connections", 8),
            TimeSpan.FromSeconds(options.Number("--seconds", 10)),
            half
        );
        if (missed > 0)
            throw new PolarisException($"{missed} probes were not counted.");
        // Only accepted events are counted, and nothing else sends: the difference is what the freshness run sent.
        org.Sent += (long)(await SettledAsync(org) - before);
        var latencies = new List<double>();
        for (var i = 0; i < CurrentUsageQueries; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await org.Client.QueryAsync(
                "query($customer: String!) { currentUsage(customer: $customer) { meter quantity amount } }",
                new { customer = $"customer-{i % EventBodies.Customers}" }
            );
            latencies.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        latencies.Sort();
        return new Mark(
            stored,
            rate,
            caughtUp,
            LoadRun.Percentile(fresh, 0.5),
            LoadRun.Percentile(fresh, 0.99),
            LoadRun.Percentile([.. latencies], 0.5),
            LoadRun.Percentile([.. latencies], 0.99)
        );
    }

    /// <summary>The count once it has not changed for a second.</summary>
    private static async Task<decimal> SettledAsync(BenchOrg org)
    {
        var last = -1m;
        while (await org.UsageAsync("calls", days: Days) is var now && now != last)
        {
            last = now;
            await Task.Delay(1_000);
        }

        return last;
    }

    private static void Print(List<Mark> marks)
    {
        Console.WriteLine(
            $"\n  {"stored", 10} {"events/s", 9} {"of first", 8} {"caught up s", 12} {"fresh p50 ms", 13} {"of first", 8} "
                + $"{"p99 ms", 8} {"current usage p50 ms", 21} {"of first", 8} {"p99 ms", 8}"
        );
        foreach (var mark in marks)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {mark.Events, 10} {mark.Rate, 9:0} {mark.Rate / marks[0].Rate, 8:0.00} {mark.CaughtUp, 12:0.00} "
                        + $"{mark.FreshP50, 13:0} {mark.FreshP50 / marks[0].FreshP50, 8:0.00} {mark.FreshP99, 8:0} "
                        + $"{mark.UsageP50, 21:0.0} {mark.UsageP50 / marks[0].UsageP50, 8:0.00} {mark.UsageP99, 8:0.0}"
                )
            );
        }
    }
}
