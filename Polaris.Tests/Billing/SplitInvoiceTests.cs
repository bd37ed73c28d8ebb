using CsCheck;
using NodaTime;
using Polaris.Billing.Domain;
using Xunit;

namespace Polaris.Tests.Billing;

/// <summary>Periods that a change of plans cuts, by hand and by a naive oracle. CsCheck prints the seed of a failure.</summary>
public sealed class SplitInvoiceTests
{
    private static readonly string[] Zones = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"];
    private static readonly Instant Epoch = Instant.FromUtc(2023, 6, 1, 0, 0);

    private sealed record Fee(decimal Amount, bool InAdvance, Proration Proration);

    /// <summary>A subscription's life: what it costs by which version, and whether its end was known from the beginning.</summary>
    private sealed record Life(PeriodCalendar Calendar, PlanHistory Plans, PlanVersion[] Versions, Instant? PaidUntil)
    {
        public IEnumerable<BillingPeriod> Periods()
        {
            for (var period = Calendar.StartingAt(Calendar.Start); period is { } one; period = Calendar.StartingAt(one.End)) yield return one;
        }

        public RatedInvoice Rate(BillingPeriod period, int changes = int.MaxValue)
        {
            var plans = Plans with { Changes = [.. Plans.Changes.Take(changes)] };
            return SplitInvoice.Rate(RatingEngine.Version, new InvoiceSubject(Guid.Empty, "acme", period), [.. plans.Within(period).Select(one =>
                new PeriodPart(one.Span, Versions.Single(version => version.Id == one.PlanVersionId), PeriodUsage.Empty, BilledTime.Of(Calendar, plans, period, one.Span, PaidUntil)))], 2);
        }
    }

    private static readonly Gen<Fee> AnyFee = Gen.Select(Gen.Int[0, 100_000], Gen.Bool, Gen.Enum<Proration>(), (cents, advance, proration) => new Fee(cents / 100m, advance, proration));

    private static readonly Gen<Life> AnyLife = Gen.Select(
        Gen.Select(Gen.Int[0, 60_000], Gen.Int[1, 20_000], Gen.Int[1, 31], Gen.Int[0, Zones.Length - 1]), Gen.Select(Gen.Int[1, 19_999], Gen.Bool).Array[0, 5], AnyFee.Array[6], Gen.Bool,
        (where, edges, fees, endIsMovedForward) =>
        {
            var (start, length, anchor, zone) = where;
            var calendar = new PeriodCalendar(Epoch + (Buckets.Size * start), Epoch + (Buckets.Size * (start + length)), anchor, DateTimeZoneProviders.Tzdb[Zones[zone]]);
            var versions = fees.Select((fee, i) => new PlanVersion(
                new Guid(i, 0, 0, new byte[8]), "p", "USD", $"h{i}", [new Charge("f", "F", null, new FlatPrice(fee.Amount), InAdvance: fee.InAdvance, Proration: fee.Proration)])).ToArray();
            // Half of the changes come where a period ends.
            var changes = edges.Where(edge => edge.Item1 < length).Select(edge => (At: calendar.Start + (Buckets.Size * edge.Item1), ToEnd: edge.Item2))
                .Select(edge => edge.ToEnd ? calendar.Containing(edge.At)!.Value.End : edge.At).Where(at => at < calendar.End).Distinct().Order()
                .Select((at, i) => new PlanChange(at, versions[i + 1].Id)).ToArray();
            var last = calendar.Containing(calendar.End!.Value - Buckets.Size)!.Value;
            var endAsItWas = (calendar with { End = null }).StartingAt(last.Start)!.Value.End;
            return new Life(calendar, new PlanHistory(versions[0].Id, changes), versions, endIsMovedForward && last.Start > calendar.Start && endAsItWas > last.End ? endAsItWas : null);
        });

    [Fact]
    public void Each_version_s_fee_is_due_for_its_own_days_whenever_it_is_billed() => Check.Sample(AnyLife, life =>
    {
        var lines = life.Periods().SelectMany(period => life.Rate(period).Lines).ToArray();
        Assert.All(lines, Explanations.Hold);
        var (expected, steps) = (new Fraction(0m), lines.Sum(line => line.Steps.Count));
        foreach (var period in life.Periods())
        {
            foreach (var (span, id) in life.Plans.Within(period))
            {
                var charge = life.Versions.Single(version => version.Id == id).Charges[0];
                expected += new Fraction(((FlatPrice)charge.Price).Amount) * Share(span, period, charge.Proration, life.Calendar);
            }
        }

        // Each step was rounded in its twelfth place.
        var difference = lines.Sum(line => line.UnroundedAmount) - Naive.Round(expected, 15);
        Assert.True(Math.Abs(difference) <= (steps + 1) * 0.0000000000005m, $"{difference} too much");
    });

    [Fact]
    public void What_is_invoiced_does_not_know_of_later_changes_or_of_an_earlier_end() => Check.Sample(AnyLife, life =>
    {
        foreach (var period in life.Periods())
        {
            // A change that came after the invoice comes after its period.
            for (var known = 0; known <= life.Plans.Changes.Count; known++)
            {
                if (life.Plans.Changes.Skip(known).All(change => change.At > period.End))
                    Assert.Equal(life.Rate(period).ResultHash, life.Rate(period, known).ResultHash);
            }

            var asItWas = life with { Calendar = life.Calendar with { End = life.PaidUntil }, PaidUntil = null };
            if (life.PaidUntil is not null && period.End < life.Calendar.End) Assert.Equal(asItWas.Rate(period).ResultHash, life.Rate(period).ResultHash);
        }
    });

    [Fact]
    public void Spans_tile_their_period_and_hold_one_version_each() => Check.Sample(AnyLife, life =>
    {
        foreach (var period in life.Periods())
        {
            var spans = life.Plans.Within(period);
            Assert.Equal((period.Start, period.End), (spans[0].Span.Start, spans[^1].Span.End));
            Assert.All(spans.Zip(spans.Skip(1)), pair => Assert.Equal(pair.First.Span.End, pair.Second.Span.Start));
            foreach (var (span, version) in spans)
            {
                Assert.False(span.IsEmpty);
                for (var at = span.Start; at < span.End; at += Duration.FromHours(7)) Assert.Equal(version, life.Plans.At(at));
                Assert.Equal(version, life.Plans.At(span.End - Buckets.Size));
            }
        }
    });

    [Theory]
    // A month end, a day that the clock shortens, and a change in the middle of a day, which belongs to the span that it ends in.
    [InlineData("Europe/Berlin", "2026-02-28T00:00:00+01:00", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", 27, 28)]
    [InlineData("Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", 28, 31)]
    [InlineData("America/New_York", "2026-11-01T23:45:00-05:00", "2026-10-31T00:00:00-04:00", "2026-11-30T00:00:00-05:00", 1, 30)]
    public void Days_are_counted_in_the_subscription_s_zone(string zone, string change, string start, string end, int days, int whole)
    {
        var anchor = PublicFormat.At(start).InZone(DateTimeZoneProviders.Tzdb[zone]).Day;
        var versions = new[] { Flat(0, 100), Flat(1, 200) };
        var life = new Life(
            new PeriodCalendar(PublicFormat.At("2025-01-31T00:00:00Z"), null, anchor, DateTimeZoneProviders.Tzdb[zone]),
            new PlanHistory(versions[0].Id, [new PlanChange(PublicFormat.At(change), versions[1].Id)]), versions, null);
        var period = life.Calendar.Containing(PublicFormat.At(change))!.Value;
        Assert.Equal((PublicFormat.At(start), PublicFormat.At(end)), (period.Start, period.End));
        var invoice = life.Rate(period);
        Explanations.Hold(invoice);
        Assert.Equal([Exact.Divide(100, days, whole), Exact.Divide(200, whole - days, whole)], invoice.Lines.Select(line => line.UnroundedAmount));
    }

    [Fact]
    public void Each_part_has_its_own_quantity_tiers_bounds_discounts_and_taxes()
    {
        var (before, after) = (PublicFormat.Period("2026-11-01T00:00:00Z", "2026-11-11T00:00:00Z"), PublicFormat.Period("2026-11-11T00:00:00Z", "2026-12-01T00:00:00Z"));
        var old = PublicFormat.PlanOf("""{"model":"GRADUATED","tiers":[{"upTo":"10","unitPrice":"1"},{"unitPrice":"0.5"}]}""", terms: """{"minimum":"30","discounts":[{"key":"d","percent":"50"}]}""");
        var next = PublicFormat.PlanOf("""{"model":"GRADUATED","tiers":[{"upTo":"10","unitPrice":"2"},{"unitPrice":"1"}]}""", terms: """{"minimum":"60","taxes":[{"key":"t","percent":"10"}]}""");
        var plans = new PlanHistory(Guid.Empty, [new PlanChange(after.Start, Guid.AllBitsSet)]);
        var calendar = new PeriodCalendar(PublicFormat.At("2026-01-01T00:00:00Z"), null, 1, DateTimeZone.Utc);
        PeriodPart Part(BillingPeriod span, PlanVersion plan, decimal used, ulong digest = 7) =>
            new(span, plan, new PeriodUsage(new Dictionary<string, MeterUsage> { ["m"] = new(used, 1, digest) }), BilledTime.Of(calendar, plans, PublicFormat.November, span, null));
        RatedInvoice Rate(params PeriodPart[] parts) => SplitInvoice.Rate(RatingEngine.Version, new InvoiceSubject(Guid.Empty, "acme", PublicFormat.November), parts, 2);
        var invoice = Rate(Part(before, old, 14), Part(after, next, 14));
        Explanations.Hold(invoice);
        // 10 + 4 × 0.5 = 12 is above 10 of 30 days of 30; half off. 20 + 4 = 24 is below 20 of 30 days of 60; 10 % tax.
        Assert.Equal([12m, 0m, -6m, 24m, 16m, 4m], invoice.Lines.Select(line => line.Amount));
        Assert.Equal((50m, 4m), (invoice.Total, invoice.Tax));
        Assert.All(invoice.Lines, (line, i) => Assert.Equal(i < 3 ? before : after, line.Span!.Value.Span));

        // The hash is over each part, its version and its place.
        Assert.NotEqual(invoice.ResultHash, Rate(Part(before, old with { Hash = "other" }, 14), Part(after, next, 14)).ResultHash);
        Assert.NotEqual(invoice.ResultHash, Rate(Part(before, old, 14), Part(after, next with { Hash = "other" }, 14)).ResultHash);
        Assert.NotEqual(invoice.ResultHash, Rate(Part(before, old, 14, digest: 8), Part(after, next, 14)).ResultHash);
        Assert.NotEqual(invoice.ResultHash, Rate(Part(before, old, 14), Part(after, next, 14, digest: 8)).ResultHash);
        var alone = BilledTime.Alone(PublicFormat.November);
        Assert.Equal(
            RatingEngine.Rate(new InvoiceSubject(Guid.Empty, "acme", PublicFormat.November), old, PeriodUsage.Empty, alone, 2).ResultHash,
            Rate(new PeriodPart(PublicFormat.November, old, PeriodUsage.Empty, alone)).ResultHash);
    }

    private static PlanVersion Flat(int id, decimal fee) =>
        new(new Guid(id, 0, 0, new byte[8]), "p", "USD", $"h{id}", [new Charge("f", "F", null, new FlatPrice(fee), Proration: Proration.Days)]);

    /// <summary>How much of a fee a span is due, by the words of docs/pricing.md.</summary>
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

    /// <summary>Days that end in a span, one after another.</summary>
    private static long Midnights(BillingPeriod span, DateTimeZone zone)
    {
        var count = 0L;
        for (var day = span.Start.InZone(zone).Date; ; day = day.PlusDays(1))
        {
            var midnight = zone.AtStartOfDay(day).ToInstant();
            if (midnight > span.End) return count;
            if (midnight > span.Start) count++;
        }
    }
}
