using CsCheck;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Voids and replacements on a real database: in any order, the aggregates equal those of the events that still count.</summary>
public sealed class CorrectionTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly Instant Start = Instant.FromUtc(2026, 3, 1, 0, 0);
    private static readonly MeterDefinition[] Meters =
    [
        new(Guid.Parse("0192e4a0-0000-7000-8000-000000000001"), "count", "call", MeterAggregation.Count, "", []),
        new(Guid.Parse("0192e4a0-0000-7000-8000-000000000002"), "sum", "call", MeterAggregation.Sum, "n", []),
        new(Guid.Parse("0192e4a0-0000-7000-8000-000000000003"), "max", "call", MeterAggregation.Max, "n", []),
        new(Guid.Parse("0192e4a0-0000-7000-8000-000000000004"), "unique", "call", MeterAggregation.UniqueCount, "n", []),
    ];

    private readonly BillingAlone billing = alone.Billing;

    /// <summary>
    /// One event: its customer, bucket and value; what it does to which earlier one (0 nothing, 1 voids, 2 replaces); whether it ends its
    /// batch.
    /// </summary>
    private sealed record Step(int Customer, int Bucket, int Value, int Does, int Earlier, bool LastOfBatch);

    private static readonly Gen<Step[]> Steps = Gen.Select(
            Gen.Int[0, 1],
            Gen.Int[0, 2],
            Gen.Int[-3, 9],
            Gen.Int[0, 2],
            Gen.Int[0, 100],
            Gen.Bool
        )
        .Select(tuple => new Step(tuple.Item1, tuple.Item2, tuple.Item3, tuple.Item4, tuple.Item5, tuple.Item6))
        .Array[2, 14];

    [Fact]
    public Task Any_order_of_batches_with_corrections_ends_with_the_figures_of_the_events_that_stand() =>
        Gen.Select(Steps, Gen.Int)
            .SampleAsync(
                async (steps, seed) =>
                {
                    var org = await billing.NewOrgAsync(Meters);
                    var batches = Store(org, steps);
                    var random = new Random(seed);
                    // Every batch at least once, some twice, in any order, some in one transaction; dirty buckets are rebuilt at any time.
                    var deliveries = batches.Concat(batches.Where(_ => random.Next(3) == 0)).ToArray();
                    random.Shuffle(deliveries);
                    var applied = new HashSet<UsageBatch>();
                    for (var i = 0; i < deliveries.Length; )
                    {
                        var some = deliveries[i..Math.Min(deliveries.Length, i + random.Next(1, 4))];
                        await billing.ApplyAsync(some);
                        applied.UnionWith(some);
                        i += some.Length;
                        if (random.Next(3) > 0)
                            continue;
                        await billing.RebuildAsync();
                        Assert.Equal(Naive(applied), await FiguresAsync(org));
                    }

                    await billing.RebuildAsync();
                    Assert.Equal(Naive(batches), await FiguresAsync(org));
                },
                iter: 40,
                threads: 1
            );

    [Fact]
    public async Task An_event_and_its_void_applied_at_the_same_moment_leave_nothing()
    {
        for (var round = 0; round < 20; round++)
        {
            var org = await billing.NewOrgAsync(Meters);
            var earlier = FakeIngestion.Event("k", Start, properties: """{"n":5}""");
            var first = billing.Store.Add(org, earlier);
            var second = billing.Store.Add(
                org,
                FakeIngestion.Event("void", Start, corrects: FakeIngestion.Of(first, earlier, replaces: false))
            );
            await Task.WhenAll(billing.ApplyAsync(first), billing.ApplyAsync(second), billing.RebuildAsync());
            await billing.RebuildAsync();
            Assert.Empty(await FiguresAsync(org));
        }
    }

    [Fact]
    public async Task Corrected_events_stay_in_the_digests_that_are_compared_with_the_store()
    {
        var org = await billing.NewOrgAsync(Meters);
        var earlier = FakeIngestion.Event("k", Start, properties: """{"n":5}""");
        var first = billing.Store.Add(org, earlier);
        await billing.ApplyAsync(
            first,
            billing.Store.Add(org, FakeIngestion.Event("void", Start, corrects: FakeIngestion.Of(first, earlier, replaces: false)))
        );
        await billing.RebuildAsync();
        Assert.Equal(new[] { "2" }, await RowsAsync(org, "SELECT event_count::text FROM usage_buckets WHERE org_id = $1"));
        Assert.Empty(await RowsAsync(org, "SELECT 'a mark is left' FROM dirty_buckets WHERE org_id = $1"));
    }

    [Fact]
    public async Task An_event_can_be_located_before_and_after_it_is_corrected()
    {
        var org = await billing.NewOrgAsync(Meters);
        var earlier = FakeIngestion.Event("k", Start, properties: """{"n":5}""");
        var first = billing.Store.Add(org, earlier);
        var (of, locate) = (
            new EventToLocate("k", FoldUsage.IdOf(first), "acme", earlier.TimestampUs, "call", earlier.Properties.Memory),
            billing.Of<LocateEvents>()
        );
        Assert.Equal((false, false, 0), Seen((await locate.HandleAsync(org, [of], default))[0]));
        await billing.ApplyAsync(first);
        var counted = (await locate.HandleAsync(org, [of], default))[0];
        Assert.Equal((true, false, 4), Seen(counted));
        Assert.All(counted.Counted, counting => Assert.Equal(Start, counting.BucketStart));
        var second = billing.Store.Add(
            org,
            FakeIngestion.Event("void", Start, corrects: FakeIngestion.Of(first, earlier, replaces: false))
        );
        await billing.ApplyAsync(second);
        var after = await locate.HandleAsync(org, [of, of with { IdempotencyKey = "void", BatchId = FoldUsage.IdOf(second) }], default);
        Assert.Equal([(true, true, 0), (true, false, 0)], after.Select(Seen));

        static (bool, bool, int) Seen(LocatedEvent located) => (located.Applied, located.Corrected, located.Counted.Count);
    }

    [Fact]
    public void A_correction_that_names_no_event_is_poison()
    {
        var batch = new FakeIngestion().Add(
            Guid.CreateVersion7(),
            FakeIngestion.Event("k", Start, corrects: new Correction { IdempotencyKey = "earlier", Customer = "acme" })
        );
        Assert.NotNull(FoldUsage.Parse(Google.Protobuf.MessageExtensions.ToByteArray(batch)).Reason);
    }

    private List<UsageBatch> Store(Guid org, Step[] steps)
    {
        var (batches, standing) = (new List<UsageBatch>(), new List<(UsageBatch Batch, UsageEvent Event)>());
        var open = billing.Store.Add(org);
        foreach (var (step, i) in steps.Select((step, i) => (step, i)))
        {
            Correction? corrects = null;
            if (step.Does > 0 && standing.Count > 0)
            {
                // As in the store: an event is corrected at most once, and a void never.
                var earlier = standing[step.Earlier % standing.Count];
                standing.Remove(earlier);
                corrects = FakeIngestion.Of(earlier.Batch, earlier.Event, replaces: step.Does == 2);
            }

            var next = FakeIngestion.Event(
                $"k{i}",
                Start + Duration.FromMinutes(15 * step.Bucket + 1),
                $"c{step.Customer}",
                $$"""{"n":{{step.Value}}}""",
                corrects
            );
            open.Events.Add(next);
            if (corrects is not { Replaces: false })
                standing.Add((open, next));
            if (!batches.Contains(open))
                batches.Add(open);
            if (step.LastOfBatch)
                open = billing.Store.Add(org);
        }

        return batches;
    }

    /// <summary>The expected figures: events of applied batches, without voids and events that an applied one corrects.</summary>
    private static string[] Naive(IReadOnlyCollection<UsageBatch> applied)
    {
        var events = applied.SelectMany(batch => batch.Events).ToArray();
        var gone = events
            .Where(usageEvent => usageEvent.Corrects is not null)
            .Select(usageEvent => usageEvent.Corrects.IdempotencyKey)
            .ToHashSet();
        return
        [
            .. events
                .Where(usageEvent => usageEvent.Corrects is not { Replaces: false } && !gone.Contains(usageEvent.IdempotencyKey))
                .SelectMany(usageEvent => Meters.Select(meter => (usageEvent, meter)))
                .GroupBy(pair => (pair.usageEvent.Customer, pair.meter, Bucket: Buckets.StartOf(pair.usageEvent.TimestampUs)))
                .Select(group =>
                {
                    var values = group
                        .Select(pair =>
                            pair.meter.Aggregation is MeterAggregation.Sum or MeterAggregation.Max ? NumberOf(pair.usageEvent) : 0
                        )
                        .ToArray();
                    var uniques =
                        group.Key.meter.Aggregation == MeterAggregation.UniqueCount
                            ? group.Select(pair => NumberOf(pair.usageEvent)).Distinct().Count()
                            : 0;
                    return $"{group.Key.Customer} {group.Key.meter.Key} {group.Key.Bucket} "
                        + $"{values.Length} {values.Sum()} {values.Max()} {uniques}";
                })
                .Order(StringComparer.Ordinal),
        ];
    }

    private static decimal NumberOf(UsageEvent usageEvent) => decimal.Parse(EventProperty.Find(usageEvent.Properties.Span, "n")!);

    private async Task<string[]> FiguresAsync(Guid org) =>
        [
            .. (
                await RowsAsync(
                    org,
                    """
                    SELECT concat_ws(' ', a.customer_key, m.key, (extract(epoch FROM a.bucket_start) * 1000000)::bigint,
                      a.event_count, a.total, a.max_value,
                        (SELECT count(*) FROM usage_uniques u WHERE u.org_id = a.org_id AND u.customer_key = a.customer_key
                          AND u.meter_id = a.meter_id AND u.bucket_start = a.bucket_start))
                    FROM usage_aggregates a JOIN meters m ON m.org_id = a.org_id AND m.id = a.meter_id WHERE a.org_id = $1
                    """
                )
            ).Order(StringComparer.Ordinal),
        ];

    private async Task<List<string>> RowsAsync(Guid org, string sql)
    {
        await using var tx = await billing.Database.BeginOrgAsync(org, default);
        await using var command = tx.Command(sql);
        command.Bind(org);
        var rows = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return rows;
    }
}
