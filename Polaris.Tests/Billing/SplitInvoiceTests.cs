using CsCheck;
using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Periods with plan changes, compared with worked figures and a naive oracle. CsCheck prints the seed of a failure.</summary>
public sealed class SplitInvoiceTests
{
    private static readonly string[] Zones =
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Africa/Cairo",
    ];
    private static readonly Instant Epoch = Instant.FromUtc(2023, 6, 1, 0, 0);
    private static readonly Guid One = new(1, 0, 0, new byte[8]);

    private sealed record Fee(decimal Amount, bool InAdvance, Proration Proration);

    private static readonly Gen<Fee> AnyFee = Gen.Select(
        Gen.Int[0, 100_000],
        Gen.Bool,
        Gen.Enum<Proration>(),
        (cents, advance, proration) => new Fee(cents / 100m, advance, proration)
    );

    private static readonly Gen<Life> AnyLife = Gen.Select(
        Gen.Select(Gen.Int[0, 60_000], Gen.Int[1, 20_000], Gen.Int[1, 31], Gen.Int[0, Zones.Length - 1]),
        Gen.Select(Gen.Int[1, 19_999], Gen.Bool).Array[0, 5],
        AnyFee.Array[6],
        Gen.Bool,
        (where, edges, fees, endIsMovedForward) =>
        {
            var (start, length, anchor, zone) = where;
            var calendar = new PeriodCalendar(
                Epoch + (Buckets.Size * start),
                Epoch + (Buckets.Size * (start + length)),
                new BillingCycle(BillingInterval.Month, anchor),
                DateTimeZoneProviders.Tzdb[Zones[zone]]
            );
            var versions = fees.Select(
                    (fee, i) =>
                        new PlanVersion(
                            new Guid(i + 1, 0, 0, new byte[8]),
                            "p",
                            "USD",
                            $"h{i}",
                            [new Charge("f", "F", null, new FlatPrice(fee.Amount), InAdvance: fee.InAdvance, Proration: fee.Proration)]
                        )
                )
                .ToArray();
            // Half of the changes are at a period's end.
            var changes = edges
                .Where(edge => edge.Item1 < length)
                .Select(edge => (At: calendar.Start + (Buckets.Size * edge.Item1), ToEnd: edge.Item2))
                .Select(edge => edge.ToEnd ? calendar.Containing(edge.At)!.Value.End : edge.At)
                .Where(at => at < calendar.End)
                .Distinct()
                .Order()
                .Select((at, i) => new PlanChange(at, versions[i + 1].Id))
                .ToArray();
            var last = calendar.Containing(calendar.End!.Value - Buckets.Size)!.Value;
            var endAsItWas = (calendar with { End = null }).StartingAt(last.Start)!.Value.End;
            return new Life(
                calendar,
                new PlanHistory(versions[0].Id, changes),
                versions,
                endIsMovedForward && endAsItWas > last.End ? endAsItWas : null
            );
        }
    );

    [Fact]
    public void Each_version_s_fee_is_due_for_its_own_days_whenever_it_is_billed() =>
        Check.Sample(
            AnyLife,
            life =>
            {
                // What is billed in advance is settled to the cent, so only each version's own part counts.
                var expected = 0m;
                foreach (var period in life.Periods())
                {
                    var (spans, charges) = (
                        life.Plans.Within(period),
                        life.Plans.Within(period)
                            .Select(part => life.Versions.Single(version => version.Id == part.PlanVersionId).Charges[0])
                            .ToArray()
                    );
                    for (var i = 0; i < spans.Count; )
                    {
                        // The same fee in adjacent parts is one.
                        var last = i;
                        while (last + 1 < spans.Count && charges[last + 1] == charges[i])
                            last++;
                        var span = new BillingPeriod(spans[i].Span.Start, spans[last].Span.End);
                        var due =
                            new Fraction(((FlatPrice)charges[i].Price).Amount) * Share(span, period, charges[i].Proration, life.Calendar);
                        expected += Naive.Round(due, 2);
                        i = last + 1;
                    }
                }

                Assert.Equal(expected, life.Totals().Sum());
            }
        );

    [Fact]
    public void What_is_invoiced_does_not_know_of_later_changes_or_of_an_earlier_end() =>
        Check.Sample(
            AnyLife,
            life =>
            {
                foreach (var period in life.Invoices())
                {
                    // A change made after the invoice takes effect after its period.
                    for (var known = 0; known <= life.Plans.Changes.Count; known++)
                    {
                        if (life.Plans.Changes.Skip(known).All(change => change.At > period.End))
                            Assert.Equal(life.Rate(period).ResultHash, life.Rate(period, known).ResultHash);
                    }

                    var asItWas = life with { Calendar = life.Calendar with { End = life.PaidUntil }, PaidUntil = null };
                    if (life.PaidUntil is not null && period.End < life.Calendar.End)
                        Assert.Equal(asItWas.Rate(period).ResultHash, life.Rate(period).ResultHash);
                }
            }
        );

    [Fact]
    public void Spans_tile_their_period_and_hold_one_version_each() =>
        Check.Sample(
            AnyLife,
            life =>
            {
                foreach (var period in life.Periods())
                {
                    var spans = life.Plans.Within(period);
                    Assert.Equal((period.Start, period.End), (spans[0].Span.Start, spans[^1].Span.End));
                    Assert.All(spans.Zip(spans.Skip(1)), pair => Assert.Equal(pair.First.Span.End, pair.Second.Span.Start));
                    foreach (var (span, version) in spans)
                    {
                        Assert.False(span.IsEmpty);
                        for (var at = span.Start; at < span.End; at += Duration.FromHours(7))
                            Assert.Equal(version, life.Plans.At(at));
                        Assert.Equal(version, life.Plans.At(span.End - Buckets.Size));
                    }
                }
            }
        );

    [Theory]
    // A month end, a day that a clock change shortens, and a change within a day, which belongs to the span in which it ends.
    [InlineData("Europe/Berlin", "2026-02-28T00:00:00+01:00", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", 27, 28)]
    [InlineData("Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", 28, 31)]
    [InlineData("America/New_York", "2026-11-01T23:45:00-05:00", "2026-10-31T00:00:00-04:00", "2026-11-30T00:00:00-05:00", 1, 30)]
    public void Days_are_counted_in_the_subscription_s_zone(string zone, string change, string start, string end, int days, int whole)
    {
        var anchor = PublicFormat.At(start).InZone(DateTimeZoneProviders.Tzdb[zone]).Day;
        var versions = new[] { Flat(0, 100), Flat(1, 200) };
        var life = new Life(
            new PeriodCalendar(
                PublicFormat.At("2025-01-31T00:00:00Z"),
                null,
                new BillingCycle(BillingInterval.Month, anchor),
                DateTimeZoneProviders.Tzdb[zone]
            ),
            new PlanHistory(versions[0].Id, [new PlanChange(PublicFormat.At(change), versions[1].Id)]),
            versions
        );
        var period = life.Calendar.Containing(PublicFormat.At(change))!.Value;
        Assert.Equal((PublicFormat.At(start), PublicFormat.At(end)), (period.Start, period.End));
        var invoice = life.Rate(period);
        Explanations.Hold(invoice);
        Assert.Equal(
            [Exact.Divide(100, days, whole), Exact.Divide(200, whole - days, whole)],
            invoice.Lines.Select(line => line.UnroundedAmount)
        );
    }

    [Fact]
    public void Each_part_has_its_own_quantity_tiers_bounds_discounts_and_taxes()
    {
        var (before, after) = (
            PublicFormat.Period("2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z"),
            PublicFormat.Period("2026-11-11T00:00:00Z", "2026-12-01T00:00:00Z")
        );
        var old = PublicFormat.PlanOf(
            """{"model":"GRADUATED","tiers":[{"upTo":"10","unitPrice":"1"},{"unitPrice":"0.5"}]}""",
            terms: """{"minimum":"30","discounts":[{"key":"d","percent":"50"}]}"""
        );
        var next = PublicFormat.PlanOf(
            """{"model":"GRADUATED","tiers":[{"upTo":"10","unitPrice":"2"},{"unitPrice":"1"}]}""",
            terms: """{"minimum":"60","taxes":[{"key":"t","percent":"10"}]}"""
        );
        var plans = new PlanHistory(One, [new PlanChange(after.Start, Guid.AllBitsSet)]);
        var calendar = new PeriodCalendar(
            PublicFormat.At("2026-01-01T00:00:00Z"),
            null,
            new BillingCycle(BillingInterval.Month, 1),
            DateTimeZone.Utc
        );
        var digest = 7UL;
        RatedInvoice Rate(PlanVersion first, PlanVersion second) =>
            new Life(
                calendar,
                plans,
                [first with { Id = One }, second with { Id = Guid.AllBitsSet }],
                Usage: span => new PeriodUsage(new Dictionary<string, MeterUsage> { ["m"] = new(14, 1, digest) })
            ).Rate(PublicFormat.November);
        var invoice = Rate(old, next);
        // 10 + 4 × 0.5 = 12 is above 10 of 30 days of 30; half off. 20 + 4 = 24 is below 20 of 30 days of 60; 10 % tax.
        Assert.Equal([12m, 24m, 0m, -6m, 16m, 4m], invoice.Lines.Select(line => line.Amount));
        Assert.Equal((50m, 4m), (invoice.Total, invoice.Tax));
        Assert.Equal([before, after, before, before, after, after], invoice.Lines.Select(line => line.Span!.Value.Span));

        // The hash covers each part's version and usage.
        Assert.NotEqual(invoice.ResultHash, Rate(old with { Hash = "other" }, next).ResultHash);
        Assert.NotEqual(invoice.ResultHash, Rate(old, next with { Hash = "other" }).ResultHash);
        digest = 8;
        Assert.NotEqual(invoice.ResultHash, Rate(old, next).ResultHash);
    }

    private static PlanVersion Flat(int id, decimal fee) =>
        new(
            new Guid(id + 1, 0, 0, new byte[8]),
            "p",
            "USD",
            $"h{id}",
            [new Charge("f", "F", null, new FlatPrice(fee), Proration: Proration.Days)]
        );

    /// <summary>The share of a fee for a span, as docs/pricing.md words it.</summary>
    private static Fraction Share(BillingPeriod span, BillingPeriod period, Proration proration, PeriodCalendar calendar)
    {
        static Fraction Of(long part, long whole) => new(part, whole);
        long Days(BillingPeriod of) => Midnights(of, calendar.Zone);
        var whole = calendar.WholeContaining(period.Start);
        return proration switch
        {
            Proration.Days => Of(Days(span), Days(whole)),
            Proration.Seconds => Of((long)(span.End - span.Start).TotalSeconds, (long)(whole.End - whole.Start).TotalSeconds),
            _ when span == period => Of(1, 1),
            _ when Days(period) > 0 => Of(Days(span), Days(period)),
            _ => Of((long)(span.End - span.Start).TotalSeconds, (long)(period.End - period.Start).TotalSeconds),
        };
    }

    /// <summary>Counts the days that end in a span, one by one.</summary>
    private static long Midnights(BillingPeriod span, DateTimeZone zone)
    {
        var count = 0L;
        for (var day = span.Start.InZone(zone).Date; ; day = day.PlusDays(1))
        {
            var midnight = zone.AtStartOfDay(day).ToInstant();
            if (midnight > span.End)
                return count;
            if (midnight > span.Start)
                count++;
        }
    }
}
