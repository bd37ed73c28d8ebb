using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.GraphQL;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Tests.Tenancy;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Usage reports against a naive reading of the same events, through the tables.</summary>
public sealed partial class UsageReportTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Duration Quarter = Duration.FromMinutes(15);

    /// <summary>Clocks change in each of them in March or April 2025, in some at half hours or at midnight.</summary>
    private static readonly string[] Zones =
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Cairo",
        "America/Havana",
        "Pacific/Chatham",
    ];

    private static readonly Instant Start = Instant.FromUtc(2025, 3, 1, 0, 0);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_report_is_what_a_naive_reading_of_the_events_gives(int seed)
    {
        var random = new Random(seed);
        MeterDefinition[] meters = [.. Enum.GetValues<MeterAggregation>().Select(Meter)];
        var org = await alone.Billing.NewOrgAsync(meters);
        var events = Events(random);
        foreach (var batch in events.Chunk(40))
            await alone.Billing.ApplyAsync(alone.Billing.Store.Add(org, [.. batch.Select((one, i) => ToUsage(one, i))]));
        await CheckpointAsync(org, meters.Single(meter => meter.Aggregation == MeterAggregation.WeightedSum), random);

        for (var n = 0; n < 60; n++)
        {
            var meter = meters[random.Next(meters.Length)];
            var asked = Question(random, meter);
            var report = await alone.Billing.Of<ReportUsage>().HandleAsync(org, asked, default);
            var expected = NaiveReport.Lines(meter.Aggregation, events, asked).Order(StringComparer.Ordinal).ToArray();
            Assert.Equal(
                (Show(asked), string.Join('\n', expected)),
                (Show(asked), string.Join('\n', NaiveReport.Lines(report).Order(StringComparer.Ordinal)))
            );
            Assert.Equal(
                report.Groups.Where(group => !group.IsOthers).Select(group => group.Total.Quantity).OrderDescending(),
                report.Groups.Where(group => !group.IsOthers).Select(group => group.Total.Quantity)
            );
        }
    }

    [Theory]
    // Clocks go forward on 30 March and back on 26 October.
    [InlineData("2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z", ReportWindow.Day, new[] { 23 })]
    [InlineData("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z", ReportWindow.Day, new[] { 25 })]
    [InlineData("2025-10-26T00:00:00Z", "2025-10-26T02:00:00Z", ReportWindow.Hour, new[] { 1, 1 })]
    [InlineData("2025-02-28T23:00:00Z", "2025-03-31T22:00:00Z", ReportWindow.Month, new[] { 743 })]
    [InlineData("2025-03-26T23:00:00Z", "2025-04-02T22:00:00Z", ReportWindow.Week, new[] { 95, 72 })]
    public void A_window_is_as_long_as_the_zones_calendar_says(string from, string to, ReportWindow window, int[] hours)
    {
        var (first, end) = (PublicFormat.At(from), PublicFormat.At(to));
        var starts = UsageWindows.Cut(first, end, window, DateTimeZoneProviders.Tzdb["Europe/Berlin"], 100);
        Assert.Equal(hours, starts.Zip(starts.Skip(1).Append(end), (start, next) => (int)(next - start).TotalHours));
    }

    [Theory]
    [InlineData("2025-03-31T22:00:00Z", "2025-04-30T22:00:00Z", "2025-02-28T23:00:00Z")] // April: before it is March.
    [InlineData("2025-03-30T22:00:00Z", "2025-03-31T22:00:00Z", "2025-03-29T23:00:00Z")] // A day: before it is one of 23 hours.
    [InlineData("2025-03-30T12:00:00Z", "2025-03-31T12:00:00Z", "2025-03-29T12:00:00Z")] // No days of the zone: 24 hours.
    public void The_period_before_is_as_many_months_or_days_or_exactly_as_long(string from, string to, string before) =>
        Assert.Equal(
            PublicFormat.At(before),
            UsageWindows.StartOfPrevious(PublicFormat.At(from), PublicFormat.At(to), DateTimeZoneProviders.Tzdb["Europe/Berlin"])
        );

    [Fact]
    public async Task A_report_that_is_too_large_or_cannot_be_is_refused_with_its_rule()
    {
        var (sum, max) = (Meter(MeterAggregation.Sum), Meter(MeterAggregation.Max));
        var org = await alone.Billing.NewOrgAsync(sum, max);
        await alone.Billing.ApplyAsync(
            alone.Billing.Store.Add(
                org,
                [.. Enumerable.Range(0, 201).Select(i => ToUsage(new ReportedEvent($"c{i}", Start, 1, "eu", "gold"), i))]
            )
        );
        var day = new UsageQuestion("Sum", Start, Start + Duration.FromDays(1));
        Task<(string Code, string? Path)> RefusalAsync(UsageQuestion asked) =>
            BillingScene.RefusalAsync(() => alone.Billing.Of<ReportUsage>().HandleAsync(org, asked, default));

        string[] customers = [ReportUsage.ByCustomer];
        // 200 customers of 25 points would be 5,000.
        var hours = day with
        {
            To = Start + Duration.FromHours(25),
            Window = ReportWindow.Hour,
            GroupBy = customers,
        };
        Assert.Equal(("too_many_points", "input.window"), await RefusalAsync(hours));
        Assert.Equal(200, (await alone.Billing.Of<ReportUsage>().HandleAsync(org, hours with { Top = 199 }, default)).Groups.Count);
        Assert.Equal(("too_many_points", "input.window"), await RefusalAsync(hours with { Top = 200 }));
        Assert.Equal(
            ("too_many_points", "input.window"),
            await RefusalAsync(day with { To = Start + Duration.FromDays(53), Window = ReportWindow.QuarterHour })
        );
        Assert.Equal(("not_summable", "input.top"), await RefusalAsync(day with { Meter = "Max", GroupBy = customers, Top = 3 }));
        Assert.Equal(("not_grouped", "input.top"), await RefusalAsync(day with { Top = 3 }));
        Assert.Equal(("out_of_range", "input.top"), await RefusalAsync(day with { GroupBy = customers, Top = 0 }));
        Assert.Equal(("unknown_dimension", "input.groupBy[1]"), await RefusalAsync(day with { GroupBy = ["region", "planet"] }));
        Assert.Equal(("duplicate", "input.groupBy[1]"), await RefusalAsync(day with { GroupBy = ["region", "region"] }));
        Assert.Equal(
            ("unknown_dimension", "input.filters[0].dimension"),
            await RefusalAsync(day with { Filters = [new UsageFilter("planet", ["mars"])] })
        );
        Assert.Equal(("count", "input.filters[0].in"), await RefusalAsync(day with { Filters = [new UsageFilter("region", [])] }));
        Assert.Equal(("count", "input.customers"), await RefusalAsync(day with { Customers = [] }));
        Assert.Equal(("unknown_time_zone", "input.timeZone"), await RefusalAsync(day with { TimeZone = "Mars/Olympus" }));
        Assert.Equal(("not_aligned", "input.from"), await RefusalAsync(day with { From = Start + Duration.FromMinutes(1) }));
        Assert.Equal(("not_found", null), await RefusalAsync(day with { Meter = "none" }));
    }

    [Fact]
    public async Task A_level_does_not_sum_a_history_that_a_checkpoint_covers()
    {
        var meter = Meter(MeterAggregation.WeightedSum);
        var org = await alone.Billing.NewOrgAsync(meter);
        await alone.Billing.ApplyAsync(
            alone.Billing.Store.Add(
                org,
                ToUsage(new ReportedEvent("a", Start, 5, "eu", "gold"), 0),
                ToUsage(new ReportedEvent("a", Start + Duration.FromDays(20), 2, "eu", "gold"), 1)
            )
        );
        await StoreAsync(org, meter, "a", Start + Duration.FromDays(30));
        // What no service does: the earlier bucket changes, and the checkpoint stays.
        await using (var tx = await alone.Billing.Database.BeginOrgAsync(org, default))
        {
            await using var command = tx.Command(
                "UPDATE usage_aggregates SET total = total + 1000 WHERE org_id = $1 AND bucket_start = $2"
            );
            command.Parameters.AddWithValue(org);
            command.Parameters.AddWithValue(Start);
            Assert.Equal(1, await command.ExecuteNonQueryAsync());
            await tx.CommitAsync(default);
        }

        // Both before the checkpoint, but after that bucket, and after the checkpoint.
        foreach (var (days, level) in new[] { (10, 5m), (40, 7m) })
        {
            var from = Start + Duration.FromDays(days);
            var asked = new UsageQuestion("WeightedSum", from, from + Duration.FromDays(1), GroupBy: [ReportUsage.ByCustomer]);
            Assert.Equal(level, (await alone.Billing.Of<ReportUsage>().HandleAsync(org, asked, default)).Groups.Single().Total.Quantity);
            Assert.Equal(
                level,
                (await alone.Billing.Of<ReadUsage>().TotalAsync(org, "WeightedSum", asked.From, asked.To, null, default)).Quantity
            );
        }
    }

    [Fact]
    public async Task The_documents_reports_are_what_its_events_give()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(SourceText.Root, "docs/usage.md"));
        var org = await alone.Billing.NewOrgAsync(new MeterDefinition(Guid.CreateVersion7(), "gb", "call", MeterAggregation.Sum, "n", []));
        var rows = DocumentRow().Matches(page);
        Assert.Equal(7, rows.Count);
        foreach (var row in rows.Select(row => row.Groups))
            await alone.Billing.ApplyAsync(
                alone.Billing.Store.Add(
                    org,
                    FakeIngestion.Event(row[2].Value, PublicFormat.At(row[2].Value), row[1].Value, $$"""{"n":{{row[3].Value}}}""")
                )
            );
        var examples = DocumentExample().Matches(page);
        Assert.Equal(2, examples.Count);
        foreach (var example in examples.Select(example => example.Groups))
        {
            var input = JsonDocument.Parse(example[1].Value).RootElement;
            string[]? List(string name) =>
                input.TryGetProperty(name, out var list) ? [.. list.EnumerateArray().Select(one => one.GetString()!)] : null;
            var report = await alone
                .Billing.Of<ReportUsage>()
                .HandleAsync(
                    org,
                    new UsageQuestion(
                        input.GetProperty("meter").GetString()!,
                        PublicFormat.At(input.GetProperty("from").GetString()!),
                        PublicFormat.At(input.GetProperty("to").GetString()!),
                        Enum.Parse<ReportWindow>(input.GetProperty("window").GetString()!, ignoreCase: true),
                        input.GetProperty("timeZone").GetString(),
                        List("groupBy"),
                        List("customers"),
                        ComparePrevious: input.TryGetProperty("comparePrevious", out _),
                        Top: input.TryGetProperty("top", out var top) ? top.GetInt32() : null
                    ),
                    default
                );
            var shown = UsageReportType.Of(report);
            var answer = new
            {
                previousFrom = shown.PreviousFrom?.ToString(),
                groups = shown.Groups.Select(group => new
                {
                    customer = group.Customer,
                    others = group.Others,
                    quantity = RatingEngine.Text(group.Quantity),
                    eventCount = group.EventCount,
                    previousQuantity = group.PreviousQuantity is { } before ? RatingEngine.Text(before) : null,
                    change = group.Change is { } change ? RatingEngine.Text(change) : null,
                    points = group.Points.Select(point => new
                    {
                        start = point.Start.ToString(),
                        end = point.End.ToString(),
                        quantity = RatingEngine.Text(point.Quantity),
                    }),
                }),
            };
            Assert.Equal(JsonSerializer.Serialize(JsonDocument.Parse(example[2].Value).RootElement), JsonSerializer.Serialize(answer));
        }
    }

    [GeneratedRegex(@"^\| (\w+) \| (2026-\S+) \| (\S+) \|$", RegexOptions.Multiline)]
    private static partial Regex DocumentRow();

    [GeneratedRegex("```json input\n(.*?)```.*?```json answer\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex DocumentExample();

    private static MeterDefinition Meter(MeterAggregation aggregation) =>
        new(
            Guid.CreateVersion7(),
            $"{aggregation}",
            "call",
            aggregation,
            aggregation == MeterAggregation.Count ? "" : "n",
            [],
            ["region", "tier"]
        );

    /// <summary>No two in the same microsecond, so that the latest one is sure.</summary>
    private static ReportedEvent[] Events(Random random) =>
        [
            .. Enumerable
                .Range(0, 240)
                .Select(i => new ReportedEvent(
                    $"c{random.Next(4)}",
                    Start + Duration.FromMinutes(random.Next(0, 60 * 24 * 75)) + Duration.FromMilliseconds(i),
                    random.Next(-3, 10),
                    random.Next(3) switch
                    {
                        0 => "",
                        1 => "eu",
                        _ => "us",
                    },
                    random.Next(2) == 0 ? "gold" : "free"
                )),
        ];

    private static Polaris.Usage.V1.UsageEvent ToUsage(ReportedEvent one, int i) =>
        FakeIngestion.Event(
            $"{one.At}-{one.Customer}-{i}",
            one.At,
            one.Customer,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"n\":{one.Value}{(one.Region.Length == 0 ? "" : $",\"region\":\"{one.Region}\"")},\"tier\":\"{one.Tier}\"}}"
            )
        );

    private static UsageQuestion Question(Random random, MeterDefinition meter)
    {
        var zone = Zones[random.Next(Zones.Length)];
        var tz = DateTimeZoneProviders.Tzdb[zone];
        var window = (ReportWindow)random.Next(6);
        var from = Start + (Quarter * random.Next(-200, 60 * 96));
        var to =
            from
            + (
                Quarter
                * random.Next(
                    1,
                    window == ReportWindow.QuarterHour ? 150
                        : window == ReportWindow.Hour ? 600
                        : 5_000
                )
            );
        if (random.Next(2) == 0)
            (from, to) = (
                from.InZone(tz).Date.AtStartOfDayInZone(tz).ToInstant(),
                to.InZone(tz).Date.PlusDays(1).AtStartOfDayInZone(tz).ToInstant()
            );
        else if (random.Next(3) == 0)
            (from, to) = (
                from.InZone(tz).Date.With(DateAdjusters.StartOfMonth).AtStartOfDayInZone(tz).ToInstant(),
                from.InZone(tz).Date.With(DateAdjusters.StartOfMonth).PlusMonths(random.Next(1, 3)).AtStartOfDayInZone(tz).ToInstant()
            );
        string[][] groupings =
        [
            [],
            [ReportUsage.ByCustomer],
            ["region"],
            ["tier", "region"],
            [ReportUsage.ByCustomer, "tier"],
        ];
        var groupBy = groupings[random.Next(groupings.Length)];
        if (
            (to - from).TotalHours > (window == ReportWindow.QuarterHour ? 100 : 400)
            && window is ReportWindow.QuarterHour or ReportWindow.Hour
        )
            window = ReportWindow.Day;
        return new UsageQuestion(
            meter.Key,
            from,
            to,
            window,
            zone,
            groupBy,
            random.Next(3) == 0 ? ["c1", "c3", "nobody"] : null,
            random.Next(3) == 0 ? [new UsageFilter("region", ["", "eu"])] : null,
            random.Next(2) == 0,
            groupBy.Length > 0 && meter.Aggregation is MeterAggregation.Count or MeterAggregation.Sum && random.Next(2) == 0
                ? random.Next(1, 4)
                : null
        );
    }

    private async Task CheckpointAsync(Guid org, MeterDefinition meter, Random random)
    {
        foreach (var customer in (string[])["c0", "c1"])
            await StoreAsync(org, meter, customer, Start + (Quarter * random.Next(0, 75 * 96)));
    }

    private async Task StoreAsync(Guid org, MeterDefinition meter, string customer, Instant before)
    {
        await using var tx = await alone.Billing.Database.BeginOrgAsync(org, default);
        await LevelCheckpoints.StoreAsync(tx, org, [(customer, before)], [meter.Id], default);
        await tx.CommitAsync(default);
    }

    private static string Show(UsageQuestion asked) =>
        $"{asked.Meter} {asked.From}–{asked.To} {asked.Window} {asked.TimeZone} by {string.Join(',', asked.GroupBy ?? [])} "
        + $"of {string.Join(',', asked.Customers ?? [])} filters {asked.Filters?.Count} top {asked.Top} compare {asked.ComparePrevious}";
}
