using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>
/// What goes back is what was charged; a month's terms concern that month; what is no sum counts once a month; a level is averaged over the
/// whole period. Each case is a wrong invoice of an earlier engine with its right value.
/// </summary>
public sealed class MoneyCasesTests
{
    private const string March = "2026-03-01T00:00:00Z";
    private const string April = "2026-04-01T00:00:00Z";
    private const string MidApril = "2026-04-11T00:00:00Z";
    private const string May = "2026-05-01T00:00:00Z";
    private const string June = "2026-06-01T00:00:00Z";

    private static int next;

    /// <summary>A fee in advance and a charge of 1 a unit.</summary>
    private static PlanVersion Fee(string terms, string fee = "30") =>
        PublicFormat.Plan(
            $$$"""
            [{"key":"fee","timing":"ADVANCE","price":{"model":"FLAT","amount":"{{{fee}}}"}},
            {"key":"u","meter":"sum","price":{"model":"PER_UNIT","unitPrice":"1"}}]
            """,
            terms
        ) with
        {
            Id = NewId(),
        };

    private static PlanVersion Metered(string meter, string unitPrice, string around = "") =>
        PublicFormat.Plan(
            $$$"""[{"key":"c","meter":"{{{meter}}}","price":{"model":"PER_UNIT","unitPrice":"{{{unitPrice}}}"}{{{around}}}}]"""
        ) with
        {
            Id = NewId(),
        };

    private static Guid NewId() => new(Interlocked.Increment(ref next), 0, 0, new byte[8]);

    [Theory]
    // F1a: April was paid with 0.00, so 0 can go back. F1b: with 27.00; 20 of 30 days of it.
    [InlineData("""{"proration":"DAYS","discounts":[{"key":"free","percent":"100"}]}""", 0)]
    [InlineData("""{"proration":"DAYS","discounts":[{"key":"ten","percent":"10"}]}""", -18)]
    // F2b: April 1-10 owes 10.00 of fee, above 8.33; the unused 20.00 go back.
    [InlineData("""{"proration":"DAYS","minimum":"25"}""", -20)]
    // Capped at 15 a month: paid 15, owed 5.
    [InlineData("""{"proration":"DAYS","maximum":"15"}""", -10)]
    [InlineData("""{"proration":"DAYS","taxes":[{"key":"vat","percent":"19"}]}""", -23.8)]
    [InlineData("""{"proration":"NONE"}""", 0)]
    public void An_early_end_gives_back_what_was_paid_for_the_rest(string terms, double total)
    {
        var life = Life.From(March, Fee(terms)).End(MidApril);
        Assert.Equal((decimal)total, life.Rate(April, MidApril).Total);
    }

    [Theory]
    // F1d: 40 for 20 of 30 days and 60 for May; nothing was paid, so nothing goes back. F2d: -20 + 40 + 60.
    [InlineData("""{"proration":"DAYS","discounts":[{"key":"free","percent":"100"}]}""", 100)]
    [InlineData("""{"proration":"DAYS","minimum":"25"}""", 80)]
    [InlineData("""{"proration":"DAYS"}""", 80)]
    [InlineData("""{"proration":"NONE"}""", 80)]
    public void A_change_gives_back_what_was_paid_for_the_rest_and_bills_the_other_plan(string terms, int total)
    {
        var life = Life.From(March, Fee(terms)).Change(MidApril, Fee("""{"proration":"DAYS"}""", "60"));
        Assert.Equal(total, life.Rate(April, May).Total);
    }

    [Fact]
    public void A_minimum_counts_the_fee_that_was_billed_before_F2a() =>
        Assert.Equal(0, Life.From(March, Fee("""{"minimum":"25"}"""), May).Rate(April, May).Total);

    [Theory]
    // F2f: three months at the minimum of 40. F3a: each month's 30 is below its cap of 35.
    [InlineData("""{"minimum":"40","proration":"DAYS"}""", "30 40 40 10")]
    [InlineData("""{"maximum":"35","proration":"DAYS"}""", "30 30 30 0")]
    [InlineData("""{"maximum":"25","proration":"DAYS"}""", "25 25 25 0")]
    [InlineData("""{"discounts":[{"key":"d","amount":"5"}]}""", "25 25 25 0")]
    public void Terms_are_a_month_s(string terms, string totals) =>
        Assert.Equal(totals, string.Join(' ', Life.From(March, Fee(terms), June).Totals().Select(total => $"{total:0.##}")));

    /// <summary>A level of 31 from March on.</summary>
    private static PeriodUsage Level(BilledSpan span, decimal level, Instant since)
    {
        var totals = new UsageTotals { Aggregation = MeterAggregation.WeightedSum };
        if (span.Billed.Contains(since))
            totals.Add(new Measurement(level, Guid.Empty, since.ToUnixTimeTicks() / 10, ChangesLevel: true), 1);
        return new PeriodUsage(
            new Dictionary<string, MeterUsage>
            {
                ["ws"] = totals.ToUsage(MeterAggregation.WeightedSum, span, since < span.Billed.Start ? level : 0),
            }
        );
    }

    [Theory]
    [InlineData("03-06 03-11 03-16 03-21 03-26")] // F4a
    [InlineData("03-16")] // F4b
    [InlineData("")]
    public void A_level_of_a_month_costs_the_same_in_parts(string changes)
    {
        foreach (var same in new[] { true, false })
        {
            // Two prices of which the mean is 1, or twice the same.
            var plans = new[] { Metered("ws", "1"), Metered("ws", same ? "1" : "1.0000") };
            if (!same)
                plans[1] = plans[1] with { Charges = [plans[1].Charges[0] with { IncludedUnits = 0.0000001m }] };
            var life = Life.From(March, plans[0]) with { Versions = plans, Usage = span => Level(span, 31, PublicFormat.At(March)) };
            var to = 1;
            foreach (var day in changes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                life = life.Change($"2026-{day}T00:00:00Z", plans[to++ % 2]);
            var invoice = life.Rate(March, April);
            Assert.Equal(31, invoice.Total);
            Assert.Equal(same || changes.Length == 0 ? 1 : changes.Split(' ').Length + 1, invoice.Lines.Count);
        }
    }

    [Fact]
    public void A_level_of_a_short_first_period_is_divided_by_the_whole_one_F4d()
    {
        var since = PublicFormat.At("2026-01-31T00:00:00Z");
        var life = Life.From("2026-01-31T00:00:00Z", Metered("ws", "0.10")) with { Usage = span => Level(span, 1000, since) };
        Assert.Equal(3.23m, life.Rate("2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z").Total);
    }

    private static PlanVersion Seats(string seat = "10") =>
        PublicFormat.Plan(
            $$$"""
            [{"key":"seats","meter":"seat","price":{"model":"PER_UNIT","unitPrice":"{{{seat}}}"}},
            {"key":"peak","meter":"mx","price":{"model":"PER_UNIT","unitPrice":"1"}},
            {"key":"la","meter":"la","price":{"model":"PER_UNIT","unitPrice":"1"}}]
            """
        ) with
        {
            Id = NewId(),
        };

    [Fact]
    public void What_is_no_sum_counts_once_a_month_F5a()
    {
        var usage = new PeriodUsage(
            new Dictionary<string, MeterUsage>
            {
                ["seat"] = new(10, 10, 1),
                ["mx"] = new(7, 1, 2),
                ["la"] = new(3, 1, 3),
            }
        );
        foreach (var meter in usage.Totals.Keys)
            usage.AddUnsummed(meter);
        var life = Life.From("2026-01-01T00:00:00Z", Seats()) with { Usage = _ => usage };
        var january = life.Change("2026-01-21T00:00:00Z", Seats()).Rate("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        Assert.Equal([100m, 7m, 3m], january.Lines.Select(line => line.Amount));
        Assert.All(january.Lines, line => Assert.Null(line.Span));

        // Seats cost 31 from the 21st on: each part by its share of days, and the others are not split.
        var dearer = life.Change("2026-01-21T00:00:00Z", Seats("31")).Rate("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        Assert.Equal([64.52m, 7m, 3m, 110m], dearer.Lines.Select(line => line.Amount));
        Assert.Equal([true, false, false, true], dearer.Lines.Select(line => line.Span is not null));
    }

    [Fact]
    public void Included_units_are_a_month_s_whatever_plans_it_had_F5b()
    {
        var sent = new[] { 2, 6, 10, 14, 18, 22 }.Select(day => Instant.FromUtc(2026, 1, day, 0, 0)).ToArray();
        PeriodUsage Usage(BilledSpan span) =>
            new(new Dictionary<string, MeterUsage> { ["sum"] = new(50 * sent.Count(span.Billed.Contains), 1, 0) });
        PlanVersion[] plans = [.. new[] { "50", "50", "50.0" }.Select(units => Metered("sum", "1", $",\"includedUnits\":\"{units}\""))];
        var life = Life.From("2026-01-01T00:00:00Z", plans[0]) with { Usage = Usage };
        var (same, other, to) = (life, life, 1);
        var dearer = Metered("sum", "2", ",\"includedUnits\":\"50\"");
        foreach (var day in new[] { "04", "08", "12", "16", "20" })
        {
            same = same.Change($"2026-01-{day}T00:00:00Z", plans[to % 2]);
            other = other.Change($"2026-01-{day}T00:00:00Z", to++ % 2 == 1 ? dearer : plans[0]);
        }

        Assert.Equal(250, same.Rate("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z").Total);
        // Three parts of 3, 4 and 4 days at 1 and three of 4, 4 and 12 days at 2, each with its days' share of 50 included.
        var split = other.Rate("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        Assert.Equal([45.16m, 87.10m, 43.55m, 87.10m, 43.55m, 61.29m], split.Lines.Select(line => line.Amount));
    }
}
