using System.Text;
using CsCheck;
using Google.Protobuf;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Counting;
using Polaris.Usage.V1;
using Xunit;

namespace Polaris.Tests.Billing;

public sealed class FoldUsageTests
{
    private static readonly Guid Org = Guid.Parse("0192e4a0-0000-7000-8000-000000000001");
    private static readonly MeterDefinition Count = Meter(1, "count", MeterAggregation.Count, "");
    private static readonly MeterDefinition Sum = Meter(2, "sum", MeterAggregation.Sum, "bytes");
    private static readonly MeterDefinition Max = Meter(3, "max", MeterAggregation.Max, "bytes");
    private static readonly MeterDefinition Unique = Meter(4, "unique", MeterAggregation.UniqueCount, "path");
    private static readonly MeterDefinition[] Meters = [Count, Sum, Max, Unique];

    [Fact]
    public void Order_and_grouping_of_events_never_change_a_figure() =>
        Check.Sample(
            Gen.Select(
                Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[0, 4000], Gen.Int[-50, 5000]).Array[1, 40],
                Gen.Int[1, 10],
                Gen.Int
            ),
            (events, batchSize, seed) =>
            {
                var all = events
                    .Select((one, i) => Event($"k{i}", $"c{one.Item1}", one.Item3, $$"""{"bytes":{{one.Item4}},"path":"/{{one.Item2}}"}"""))
                    .ToArray();
                var shuffled = all.ToArray();
                new Random(seed).Shuffle(shuffled);
                Assert.Equal(Figures(Fold(all, all.Length)), Figures(Fold(shuffled, batchSize)));
            }
        );

    [Fact]
    public void Only_events_that_a_meter_can_read_count_for_it()
    {
        var fold = Fold(
            [
                Event("a", "c", 0, """{"bytes":10,"path":"/x"}"""),
                Event("b", "c", 0, """{"bytes":"2.5","path":"/x"}"""), // numbers may be JSON strings
                Event("c", "c", 0, """{"bytes":"many"}"""),
                Event("d", "c", 0, ""),
            ],
            10
        );
        Assert.Equal(4, Of(fold, Count).Quantity);
        Assert.Equal((12.5m, 2L), (Of(fold, Sum).Quantity, Of(fold, Sum).EventCount));
        Assert.Equal(10, Of(fold, Max).Quantity);
        Assert.Equal((1m, 2L), (Of(fold, Unique).Quantity, Of(fold, Unique).EventCount));
    }

    [Fact]
    public void A_filter_lets_only_its_value_through()
    {
        var meter = Count with { Filters = [new MeterFilter("status", "200"), new MeterFilter("ok", "true")] };
        Assert.NotNull(meter.Measure("t", """{"ok":true,"status":200}"""u8));
        Assert.NotNull(meter.Measure("t", """{"ok":true,"status":"200"}"""u8));
        Assert.Null(meter.Measure("t", """{"ok":true,"status":404}"""u8));
        Assert.Null(meter.Measure("t", """{"status":200}"""u8));
        Assert.Null(meter.Measure("other", """{"ok":true,"status":200}"""u8));
    }

    [Theory]
    [InlineData("7", "7")]
    [InlineData("-0", "0")]
    [InlineData("0.123456789000000000000000000000000000000", "0.123456789")]
    [InlineData("1e3", "1000")]
    [InlineData("1E-07", "0.0000001")]
    [InlineData("999999999999999.999999999", "999999999999999.999999999")]
    [InlineData("0.0000000001", null)]
    [InlineData("0.00000000000000000000000000000000000004", null)]
    [InlineData("4e-38", null)]
    [InlineData("1e-400", null)]
    [InlineData("7.00000000000000000000000000000000000001", null)]
    [InlineData("999999999999999.99999999999999999999", null)]
    [InlineData("1000000000000000", null)]
    [InlineData("-1e15", null)]
    [InlineData("1e29", null)]
    [InlineData("1e99999999999", null)]
    [InlineData("0x10", null)]
    [InlineData("1,5", null)]
    [InlineData(" 1", null)]
    [InlineData("", null)]
    [InlineData("NaN", null)]
    public void A_text_counts_as_exactly_the_number_it_says_or_not_at_all(string text, string? value)
    {
        foreach (var aggregation in Enum.GetValues<MeterAggregation>())
        {
            if (aggregation is MeterAggregation.Count or MeterAggregation.UniqueCount)
                continue;
            var measured = Meter(9, "m", aggregation, "p").Measure("t", Encoding.UTF8.GetBytes($$"""{"p":"{{text}}"}"""));
            Assert.Equal(value, measured is { } counted ? Polaris.Billing.Domain.RatingEngine.Text(counted.Value) : null);
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(899_999_999, 0)]
    [InlineData(900_000_000, 900_000_000)]
    [InlineData(-1, -900_000_000)]
    [InlineData(-900_000_000, -900_000_000)]
    public void A_bucket_holds_its_start_and_not_its_end(long at, long start) => Assert.Equal(start, Buckets.StartOf(at));

    [Fact]
    public void A_record_that_is_no_batch_says_why()
    {
        Assert.Null(FoldUsage.Parse([]).Batch);
        Assert.NotNull(FoldUsage.Parse([0xff, 0xff, 0xff]).Reason);
        Assert.NotNull(FoldUsage.Parse(new UsageBatch { BatchId = ByteString.CopyFrom(new byte[3]) }.ToByteArray()).Reason);
        Assert.NotNull(FoldUsage.Parse(Batch([new UsageEvent { IdempotencyKey = "k" }]).ToByteArray()).Reason);
        Assert.Null(FoldUsage.Parse(Batch([Event("k", "c", 0, "")]).ToByteArray()).Reason);
    }

    private static MeterUsage Of(FoldUsage fold, MeterDefinition meter) =>
        fold.Aggregates.Single(pair => pair.Key.MeterId == meter.Id).Value.ToUsage(meter.Aggregation);

    private static string[] Figures(FoldUsage fold) =>
        [
            .. fold
                .Aggregates.Select(pair =>
                    $"{pair.Key} {pair.Value.EventCount} {pair.Value.Total} {pair.Value.Max} "
                    + $"{pair.Value.Digest} {string.Join(',', pair.Value.Uniques.Order())}"
                )
                .Order(),
            .. fold.BucketTotals.Select(pair => $"{pair.Key} {pair.Value.EventCount} {pair.Value.Digest}").Order(),
        ];

    private static FoldUsage Fold(UsageEvent[] events, int batchSize)
    {
        var fold = new FoldUsage(new Dictionary<Guid, IReadOnlyList<MeterDefinition>> { [Org] = Meters });
        foreach (var some in events.Chunk(batchSize))
            fold.Add(Batch(some));
        return fold;
    }

    private static UsageBatch Batch(UsageEvent[] events)
    {
        var batch = new UsageBatch
        {
            OrgId = ByteString.CopyFrom(Org.ToByteArray(bigEndian: true)),
            BatchId = ByteString.CopyFrom(new byte[16]),
        };
        batch.Events.AddRange(events);
        return batch;
    }

    private static UsageEvent Event(string key, string customer, int atSecond, string properties) =>
        new()
        {
            IdempotencyKey = key,
            Type = "t",
            Customer = customer,
            TimestampUs = atSecond * 1_000_000L,
            Properties = ByteString.CopyFromUtf8(properties),
            ContentHash = ByteString.CopyFrom(
                System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(key + customer + properties)).AsSpan(0, 16)
            ),
        };

    private static MeterDefinition Meter(int id, string key, MeterAggregation aggregation, string property) =>
        new(new Guid(id, 0, 0, new byte[8]), key, "t", aggregation, property, []);
}
