using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>The invoices that the engine makes of a life, each with what was known when it was made.</summary>
internal sealed class EngineRun(Life life)
{
    private readonly IReadOnlyList<BillingPeriod> periods = LifeRules.PeriodsOf(life);
    private readonly DateTimeZone zone = DateTimeZoneProviders.Tzdb[life.Zone];
    private readonly List<InvoicedPeriod> soFar = [];

    public IReadOnlyList<LifeInvoice> Invoices()
    {
        var invoices = new List<LifeInvoice>();
        for (var number = 0; number < periods.Count; number++)
        {
            var adjustments = new List<AdjustmentLine>();
            for (var earlier = 0; earlier < number; earlier++)
                adjustments.AddRange(Adjust(earlier, Rate(earlier, number)));
            var own = Rate(number, number);
            soFar.Add(new InvoicedPeriod(IdOf(number), $"{number}", [.. own.Lines.Select(Invoiced)]));
            invoices.Add(ToInvoice(number, Adjustments.Seal(own, adjustments)));
        }

        return invoices;
    }

    /// <summary>
    /// Makes all invoices, then one more that takes everything back: no event counts and the subscription ended at its start, with credit,
    /// so that no period is left.
    /// </summary>
    /// <returns>Total and tax of all of them together.</returns>
    public LineMoney Reversed()
    {
        var invoices = Invoices();
        var nothing = new RatedInvoice([], 0, "");
        var last = new List<AdjustmentLine>();
        for (var number = 0; number < periods.Count; number++)
            last.AddRange(Adjust(number, number == 0 ? StartInvoiceOfNoTime() : nothing));
        var reversal = Adjustments.Seal(nothing, last);
        return invoices.Aggregate(
            new LineMoney(reversal.Total, reversal.Tax),
            (all, invoice) => all + new LineMoney(invoice.Total, invoice.Tax)
        );
    }

    /// <summary>All invoices of an ended life, less what its periods owe, without adjustments.</summary>
    public LineMoney AdvanceLeft()
    {
        var left = default(LineMoney);
        for (var number = 0; number < periods.Count; number++)
        {
            var billed = Rate(number, number);
            var owed = Rate(PeriodOf(number, number) with { Billed = null, Next = null }, number, number);
            left += new LineMoney(billed.Total - owed.Total, billed.Tax - owed.Tax);
        }

        return left;
    }

    private RatedInvoice StartInvoiceOfNoTime() =>
        Rate(
            InvoicePeriod.Of(
                new PeriodCalendar(life.Start, life.Start, new BillingCycle(BillingInterval.Month, life.AnchorDay), zone),
                HistoryOn(periods.Count - 1),
                periods[0],
                VersionOf,
                periods[1].End,
                ExtrasOf(periods[0]) with
                {
                    CreditUnused = true,
                }
            ),
            0,
            0
        );

    private IReadOnlyList<AdjustmentLine> Adjust(int earlier, RatedInvoice now)
    {
        var lines = Adjustments.Between(soFar[earlier], now);
        var charges = soFar[earlier].Charges.ToDictionary(charge => charge.Line);
        foreach (var (_, _, id, line) in lines)
        {
            var was = charges.GetValueOrDefault(id) ?? new InvoicedCharge(id, 0, 0, 0, 0, 0);
            charges[id] = new InvoicedCharge(
                id,
                was.Quantity + line.Usage.Quantity,
                was.Amount + line.Amount,
                was.Tax + line.Tax,
                line.Usage.EventCount,
                line.Usage.EventDigest
            );
        }

        soFar[earlier] = soFar[earlier] with { Charges = [.. charges.Values] };
        return lines;
    }

    private RatedInvoice Rate(int number, int asOf) => Rate(PeriodOf(number, asOf), number, asOf);

    private RatedInvoice Rate(InvoicePeriod period, int number, int asOf)
    {
        var needed = RatingEngine.SpansOf(period).ToHashSet();
        return RatingEngine.Rate(
            new InvoiceSubject(IdOf(-1), "customer", periods[number]),
            period,
            span => needed.Contains(span) ? Usage(span, asOf) : throw new InvalidOperationException($"SpansOf does not name {span}."),
            life.MinorUnits
        );
    }

    private InvoicePeriod PeriodOf(int number, int asOf)
    {
        // Known from the invoice of the period that it shortened.
        var early = life.Early is { } decided && asOf > 0 && periods[asOf].End == decided.At ? decided : null;
        var last = periods.LastOrDefault(of => !of.IsEmpty);
        return InvoicePeriod.Of(
            new PeriodCalendar(life.Start, early?.At ?? life.End, new BillingCycle(BillingInterval.Month, life.AnchorDay), zone),
            HistoryOn(asOf),
            periods[number],
            VersionOf,
            early is null ? null : new Boundaries(life.Zone, life.AnchorDay).PeriodFrom(last.Start, life.End).End,
            ExtrasOf(periods[number]) with
            {
                CreditUnused = early?.Credit != false,
            }
        );
    }

    private PlanVersion VersionOf(Guid id) => life.Versions.FirstOrDefault(version => version.Id == id) ?? life.Version(null);

    private PlanHistory HistoryOn(int asOf) =>
        new(
            life.Versions[0].Id,
            [
                .. life
                    .Changes.Where(change => change.At < periods[asOf].End || (change.At == periods[asOf].End && !change.AfterBilling))
                    .Select(change => new PlanChange(change.At, life.Version(change.Version).Id, change.AfterBilling)),
            ]
        );

    private InvoiceExtras ExtrasOf(BillingPeriod period) =>
        new(life.Coupons, [.. life.OneOffs.Where(of => of.At >= period.Start && of.At < period.End).Select(of => of.Amount)]);

    private PeriodUsage Usage(BilledSpan span, int asOf)
    {
        var usage = PeriodUsage.New();
        foreach (var meter in life.Meters)
        {
            var events = life.Events.Where(of => of.Meter == meter.Key && of.CountsOn(asOf) && of.At < span.Billed.End).ToArray();
            var combinations = meter.Dimensions == 0 ? [] : events.GroupBy(of => of.Dimensions);
            usage.Add(
                meter.Key,
                Fold(meter, events, span).Usage,
                [
                    .. combinations
                        .Select(of => (Values: of.Key, Of: Fold(meter, [.. of], span)))
                        .Where(of => of.Of.Usage.EventCount > 0 || of.Of.Opening != default)
                        .Select(of => new DimensionUsage(of.Values, of.Of.Usage)),
                ]
            );
            if (meter.Aggregation is not (MeterAggregation.Count or MeterAggregation.Sum or MeterAggregation.WeightedSum))
                usage.AddUnsummed(meter.Key);
        }

        return usage;
    }

    private static (MeterUsage Usage, ExactTotal Opening) Fold(LifeMeter meter, IReadOnlyList<LifeEvent> events, BilledSpan span)
    {
        var isLevel = meter.Aggregation == MeterAggregation.WeightedSum;
        var (inside, opening) = (new UsageTotals { Aggregation = meter.Aggregation }, default(ExactTotal));
        foreach (var of in events)
        {
            if (of.At < span.Billed.Start)
            {
                opening += isLevel ? of.Value : default(ExactTotal);
                continue;
            }

            var distinct = meter.Aggregation == MeterAggregation.UniqueCount;
            inside.Add(
                new Measurement(
                    distinct || meter.Aggregation == MeterAggregation.Count ? 0 : of.Value,
                    distinct ? Hash(of.Value) : Guid.Empty,
                    of.At.ToUnixTimeTicks() / 10,
                    isLevel,
                    of.Dimensions
                ),
                (ulong)of.Number
            );
        }

        return (inside.ToUsage(meter.Aggregation, span, opening), opening);
    }

    private LifeInvoice ToInvoice(int number, AdjustedInvoice sealedInvoice)
    {
        var (lines, adjustments) = (new SortedDictionary<LineName, LineMoney>(), new SortedDictionary<(int, LineName), LineMoney>());
        foreach (var line in sealedInvoice.Own.Lines)
        {
            var span = line.Span?.Span;
            var name = new LineName(line.Kind, line.Charge.Key, span == periods[number] ? null : span);
            if (line.Amount != 0 || line.Tax != 0 || PeriodRules.IsShown(name, periods[number]))
                lines.Add(name, new LineMoney(line.Amount, line.Tax));
        }

        foreach (var (_, adjusts, id, line) in sealedInvoice.Adjustments.Where(of => of.Line.Amount != 0 || of.Line.Tax != 0))
        {
            var earlier = int.Parse(adjusts);
            // An adjustment names the start of its line's span, and whether it is empty.
            BillingPeriod? span = id.From is { } from ? new BillingPeriod(from, id.IsEmptySpan ? from : Instant.MaxValue) : null;
            adjustments.Add((earlier, new LineName(id.Kind, id.Charge, span)), new LineMoney(line.Amount, line.Tax));
        }

        return new LifeInvoice(periods[number], lines, adjustments, sealedInvoice.Total, sealedInvoice.Tax);
    }

    private static InvoicedCharge Invoiced(RatedLine line) =>
        new(LineId.Of(line), line.Usage.Quantity, line.Amount, line.Tax, line.Usage.EventCount, line.Usage.EventDigest);

    private static Guid IdOf(int number) => new(number + 1, 0, 0, new byte[8]);

    private static Guid Hash(decimal value) => new((int)(value * 1000), 1, 0, new byte[8]);
}
