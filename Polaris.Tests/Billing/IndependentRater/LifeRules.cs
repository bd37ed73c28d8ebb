using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>All invoices of a life, with the adjustments of earlier ones.</summary>
internal sealed class LifeRules(Life life)
{
    private readonly Boundaries boundaries = new(life.Zone, life.AnchorDay);

    /// <summary>
    /// The empty period of the start invoice, the billed periods, and for a life with an end an empty one after it, which has only
    /// adjustments.
    /// </summary>
    public static IReadOnlyList<BillingPeriod> PeriodsOf(Life life)
    {
        var boundaries = new Boundaries(life.Zone, life.AnchorDay);
        var periods = new List<BillingPeriod> { new(life.Start, life.Start) };
        var end = life.Early?.At ?? life.End;
        while (periods.Count <= life.Periods && !(periods[^1].End >= end))
            periods.Add(boundaries.PeriodFrom(periods[^1].End, end));
        if (periods[^1].End == end)
            periods.Add(new BillingPeriod(end.Value, end.Value));
        return periods;
    }

    public IReadOnlyList<LifeInvoice> Invoices()
    {
        var periods = PeriodsOf(life);
        var invoices = new List<LifeInvoice>();
        var soFar = new List<SortedDictionary<LineName, LineMoney>>();
        for (var number = 0; number < periods.Count; number++)
        {
            var own = Lines(periods, number, number);
            var adjustments = new SortedDictionary<(int, LineName), LineMoney>();
            for (var earlier = 0; earlier < number; earlier++)
            {
                if (!life.Events.Any(of => of.CountsOn(number) != of.CountsOn(number - 1)))
                    break;
                var now = Lines(periods, earlier, number);
                foreach (var line in now.Keys.Union(soFar[earlier].Keys))
                {
                    var difference = now.GetValueOrDefault(line) - soFar[earlier].GetValueOrDefault(line);
                    // An adjustment names the start of its line's span, and whether it is empty.
                    var name = line with
                    {
                        Span = line.Span is { IsEmpty: false } of ? of with { End = Instant.MaxValue } : line.Span,
                    };
                    if (!difference.IsZero)
                        adjustments.Add((earlier, name), difference);
                }

                soFar[earlier] = now;
            }

            soFar.Add(own);
            var all = own.Values.Concat(adjustments.Values).Aggregate(default(LineMoney), (sum, line) => sum + line);
            invoices.Add(new LifeInvoice(periods[number], own, adjustments, all.Amount, all.Tax));
        }

        return invoices;
    }

    /// <summary>The lines of an invoice, with the events that count when another one, or itself, is made.</summary>
    private SortedDictionary<LineName, LineMoney> Lines(IReadOnlyList<BillingPeriod> periods, int number, int asOf)
    {
        var period = periods[number];
        if (period.IsEmpty && number > 0)
            return [];
        var events = life.Events.Where(of => of.CountsOn(asOf)).OrderBy(of => of.At).ThenBy(of => of.Number).ToArray();
        var whole = boundaries.Whole(period.Start);
        return new PeriodRules(
            PeriodFacts.Of(life, boundaries, period),
            boundaries,
            life.Coupons,
            [.. life.OneOffs.Where(single => single.At >= period.Start && single.At < period.End).Select(single => single.Amount)],
            (charge, span) => Usage(charge, span, period, whole, events),
            life.MinorUnits
        ).Lines();
    }

    private List<(string Values, Used Used)> Usage(
        Charge charge,
        BillingPeriod span,
        BillingPeriod period,
        BillingPeriod whole,
        IReadOnlyList<LifeEvent> events
    )
    {
        var meter = life.Meters.Single(of => of.Key == charge.Meter);
        var counted = events.Where(of => of.Meter == meter.Key && of.At < span.End).ToArray();
        var part = boundaries.PartShare(span, period, charge.Proration);
        if (charge.DimensionPrices is not { Count: > 0 })
            return [("", Quantity(meter.Aggregation, counted, span, whole, part))];
        return [.. counted.GroupBy(of => of.Dimensions).Select(of => (of.Key, Quantity(meter.Aggregation, [.. of], span, whole, part)))];
    }

    /// <param name="aggregation">Of the meter.</param>
    /// <param name="events">All before the end of the span, by time.</param>
    /// <param name="span">The segment.</param>
    /// <param name="whole">W.</param>
    /// <param name="part">p.</param>
    private static Used Quantity(
        MeterAggregation aggregation,
        IReadOnlyList<LifeEvent> events,
        BillingPeriod span,
        BillingPeriod whole,
        Fraction part
    )
    {
        var inside = events.Where(of => of.At >= span.Start).ToArray();
        var sum = inside.Aggregate(Fraction.Zero, (all, of) => all + of.Value);
        var unsummed = aggregation switch
        {
            MeterAggregation.Count => inside.Length,
            MeterAggregation.Sum => sum,
            MeterAggregation.WeightedSum => PriceRules.Exact12(Area(events, span) / Ticks(whole.End, whole.Start)),
            _ when inside.Length == 0 => Fraction.Zero,
            MeterAggregation.Max => inside.Max(of => of.Value),
            MeterAggregation.Min => inside.Min(of => of.Value),
            MeterAggregation.Average => PriceRules.Exact12(sum / inside.Length),
            MeterAggregation.UniqueCount => inside.Select(of => of.Value).Distinct().Count(),
            MeterAggregation.Latest => inside[^1].Value,
            _ => throw new ArgumentOutOfRangeException(nameof(aggregation)),
        };
        var isSum = aggregation is MeterAggregation.Count or MeterAggregation.Sum or MeterAggregation.WeightedSum;
        return new Used(isSum ? unsummed : PriceRules.Exact12(unsummed * part), inside.Length);
    }

    // The level of all changes before and within the span, each from its time, or the start of the span, on.
    private static Fraction Area(IReadOnlyList<LifeEvent> changes, BillingPeriod span) =>
        changes.Aggregate(
            Fraction.Zero,
            (area, of) => area + ((Fraction)of.Value * Ticks(span.End, of.At < span.Start ? span.Start : of.At))
        );

    private static long Ticks(Instant later, Instant earlier) => later.ToUnixTimeTicks() - earlier.ToUnixTimeTicks();
}
