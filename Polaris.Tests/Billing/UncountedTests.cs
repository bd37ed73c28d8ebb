using CsCheck;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Usage;
using Xunit;
using static Polaris.Tests.Billing.BillingScene;

namespace Polaris.Tests.Billing;

/// <summary>A meter names every event of its type that it does not count, with the reason.</summary>
public sealed class UncountedTests(BillingAloneFixture alone) : PlatformTests, IClassFixture<BillingAloneFixture>
{
    private static readonly MeterDefinition Units = new(Guid.CreateVersion7(), "units", "call", MeterAggregation.Sum, "n", []);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1_000)]
    public async Task All_pages_together_are_what_the_meter_did_not_count_each_with_its_reason(int first)
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")), more: Units with { Id = Guid.CreateVersion7() });
        await scene.SendAsync("counted", March, """{"n":5}""");
        await scene.SendAsync("text", March, """{"n":"12 GB"}""");
        await scene.SendAsync("missing", March, """{"m":1}""");
        await scene.SendAsync("none", March + Duration.FromDays(1));
        await scene.SendAsync("places", March + Duration.FromDays(9), """{"n":"1e-30"}""");
        await scene.SendAsync("large", March + Duration.FromDays(9), """{"n":1000000000000000}""");
        await scene.SendAsync("void", March + Duration.FromDays(10), """{"n":1}""");
        await scene.VoidAsync("void");
        await scene.SendAsync("next", April);
        await alone.Billing.ApplyAsync(alone.Billing.Store.Add(scene.Org, FakeIngestion.Event("other", March, "another")));
        (string, string, string?)[] expected =
        [
            ("missing", "PropertyMissing", "n"),
            ("text", "NotANumber", "n"),
            ("none", "PropertyMissing", "n"),
            ("large", "OutOfRange", "n"),
            ("places", "OutOfRange", "n"),
            ("void", "TakenBack", null),
        ];
        Assert.Equal(expected, await AllAsync(scene, first, "acme"));
        Assert.Equal(expected[..1].Append(("other", "PropertyMissing", "n")).Concat(expected[1..]), await AllAsync(scene, first, null));

        var summary = await SumAsync(scene, "acme");
        Assert.Equal((1, April), (summary.Counted, summary.Through));
        Assert.Equal(
            [("OutOfRange", 2), ("PropertyMissing", 2), ("NotANumber", 1), ("TakenBack", 1)],
            summary.LeftOut.Select(of => (of.Why.Reason.ToString(), of.Events)).OrderByDescending(of => of.Events).ThenBy(of => of.Item1)
        );
    }

    [Fact]
    public async Task What_cannot_be_asked_is_refused()
    {
        var scene = await CreateAsync(alone.Billing, Version("h", "0", PerUnit("1")));
        Assert.Equal(("not_found", null), await RefusalAsync(() => PageAsync(scene, "none", March, April, null, 10, null)));
        Assert.Equal(("empty_span", "to"), await RefusalAsync(() => PageAsync(scene, "calls", April, March, null, 10, null)));
        Assert.Equal(("out_of_range", "first"), await RefusalAsync(() => PageAsync(scene, "calls", March, April, null, 0, null)));
        Assert.Equal(("invalid_cursor", "after"), await RefusalAsync(() => PageAsync(scene, "calls", March, April, null, 1, "x")));
    }

    [Fact]
    public void There_is_a_reason_exactly_when_nothing_is_measured()
    {
        string[] texts =
        [
            "",
            "{}",
            """{"f":"a"}""",
            """{"f":"b","n":1}""",
            """{"f":"a","n":1}""",
            """{"f":"a","n":"-2.5"}""",
            """{"f":"a","n":"x"}""",
            """{"f":"a","n":true}""",
            """{"f":"a","n":1e14}""",
            """{"f":"a","n":1e15}""",
            """{"f":"a","n":"1e-9"}""",
            """{"f":"a","n":"1e-10"}""",
            """{"f":"a","n":"1e-40"}""",
            """{"f":"a","n":"1e400"}""",
            """{"f":"a","n":""}""",
        ];
        Gen.Select(Gen.Enum<MeterAggregation>(), Gen.Bool, Gen.Int[0, texts.Length - 1])
            .Sample(
                (aggregation, filtered, index) =>
                {
                    var meter = Units with { Aggregation = aggregation, Filters = filtered ? [new MeterFilter("f", "a")] : [] };
                    var bytes = System.Text.Encoding.UTF8.GetBytes(texts[index]);
                    return (meter.Measure("call", bytes) is null) == (meter.WhyNot(bytes) is not null);
                }
            );
    }

    private async Task<List<(string, string, string?)>> AllAsync(BillingScene scene, int first, string? customer)
    {
        var rows = new List<(string, string, string?)>();
        string? after = null;
        while (true)
        {
            var page = await PageAsync(scene, "units", March, April, customer, first, after);
            Assert.True(page.Rows.Count <= first);
            rows.AddRange(page.Rows.Select(row => (row.IdempotencyKey, row.Why.Reason.ToString(), row.Why.Property)));
            if (!page.HasNextPage)
                return rows;
            after = page.EndCursor;
        }
    }

    private Task<UncountedPage> PageAsync(
        BillingScene scene,
        string meter,
        Instant from,
        Instant to,
        string? customer,
        int first,
        string? after
    ) =>
        alone.Billing.InOrgAsync<ReadUncounted, UncountedPage>(
            scene.Org,
            read => read.PageAsync(new UncountedQuestion(meter, from, to, customer), first, after, default)
        );

    private Task<UncountedSummary> SumAsync(BillingScene scene, string customer) =>
        alone.Billing.InOrgAsync<ReadUncounted, UncountedSummary>(
            scene.Org,
            read => read.SumAsync(new UncountedQuestion("units", March, April, customer), default)
        );
}
