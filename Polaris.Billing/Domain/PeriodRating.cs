using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NodaTime;
using NodaTime.Text;

namespace Polaris.Billing.Domain;

/// <summary>
/// Puts the invoice of a period together: what the period owes with all its fees (also those in advance) and its terms, minus what was
/// billed in advance for it, plus the fees in advance of the next. So a refund carries the discount, cap and tax that the fee was charged
/// with, and a month's terms concern that month only. Each line is that difference.
/// </summary>
internal sealed class PeriodRating(InvoicePeriod period, Func<BilledSpan, PeriodUsage> usageOf, int minorUnits)
{
    public const string CouponPrefix = "coupon:";
    public const string OneOffPrefix = "one_off:";

    private static readonly MeterUsage Once = new(1, 0, 0);
    private static readonly LocalDateTimePattern Minutes = LocalDateTimePattern.CreateWithInvariantCulture("uuuu'-'MM'-'dd HH':'mm");

    private readonly BillingPeriod month = period.This.Billed;
    private readonly List<(Segment Segment, LinePieces Line)> charges = [];
    private readonly List<LinePieces> others = [];
    private readonly List<LinePieces> terms = [];

    private PlanVersion First => period.Parts[0].Plan;

    /// <summary>Where lines of <see cref="InvoicePeriod.NextPlan"/> belong that the last part's version has no equal of.</summary>
    private PartRun AfterLast =>
        new(period.Parts.Count - 1, period.Parts.Count - 1, new BillingPeriod(period.This.Billed.End, period.This.Billed.End));

    public RatedInvoice Rate(InvoiceSubject subject)
    {
        if (period.Parts.Any(part => part.Plan.Currency != First.Currency))
            throw new InvalidOperationException("All plan versions of a subscription have the same currency.");
        AddCharges();
        if (!month.IsEmpty)
        {
            foreach (var single in period.Extras.OneOffs)
                others.Add(
                    new LinePieces(LineKind.Charge, new LineSource(OneOffPrefix + single.Key, single.Name, null), Once, null)
                    {
                        Own = Piece.Of([new ExplanationStep("Single amount", 1, single.Amount, single.Amount)], minorUnits),
                    }
                );
        }

        AddTerms();
        List<RatedLine> lines = [.. charges.Select(one => one.Line).Concat(others).Concat(terms).Select(line => line.ToLine(minorUnits))];
        var (total, tax) = (RatingEngine.RoundToMinorUnits(0, minorUnits), 0m);
        foreach (var line in lines)
        {
            total += line.Amount;
            tax += line.Tax;
        }

        return new RatedInvoice(lines, total, HashOf(subject, lines, total, tax), tax);
    }

    private void AddCharges()
    {
        foreach (var segment in Segments.OfCharges(period.Parts))
        {
            var (charge, run) = segment;
            var (billed, next) = (
                charge.InAdvance && run.First == 0 ? Advance(charge, period.Billed) : null,
                charge.InAdvance && run.Last == period.Parts.Count - 1 && Segments.Find(period.NextPlan, charge) is not null
                    ? Advance(charge, period.Next)
                    : null
            );
            // What lasted no time has only its refund; the invoice at the start only fees in advance.
            if (run.Span.IsEmpty && billed is null && next is null)
                continue;
            var (own, usage) = run.Span.IsEmpty ? (null, Once) : Own(charge, run.Span);
            charges.Add(
                (
                    segment,
                    new LinePieces(LineKind.Charge, Named(charge, run), usage, SpanOf(run))
                    {
                        Own = own,
                        Billed = billed,
                        Next = next,
                    }
                )
            );
        }

        foreach (var charge in period.NextPlan.Charges)
        {
            if (charge.InAdvance && Segments.Find(period.Parts[^1].Plan, charge) is null && Advance(charge, period.Next) is { } due)
                charges.Add((new Segment(charge, AfterLast), Line(LineKind.Charge, charge, AfterLast, line => line.Next = due)));
        }
    }

    private (Piece? Piece, MeterUsage Usage) Own(Charge charge, BillingPeriod span)
    {
        var steps = new List<ExplanationStep>(4);
        var cut = span == month ? (BillingPeriod?)null : month;
        var part = cut is null ? TimeShare.All : TimeShare.OfPart(span, month, charge.Proration, period.Zone);
        if (charge.Price is FlatPrice flat && charge.Meter is null)
        {
            // Without a credit for an early end, what was billed in advance for the whole period stays.
            var until = charge.InAdvance && cut is null && KeptUntil is { } kept ? span with { End = kept } : span;
            ChargeSteps.AddFee(steps, flat.Amount, ShareOf(until, cut, charge.Proration));
            ChargeSteps.AddDiscounts(steps, charge, part);
            return (Piece.Of(steps, minorUnits), Once);
        }

        var (meter, usage) = (charge.Meter!, usageOf(new BilledSpan(span, period.This.Whole)));
        usage.Check(meter);
        var (total, takesShare) = (usage.Totals.GetValueOrDefault(meter), usage.Unsummed.Contains(meter));
        if (charge.PriceByValues is { } prices)
            total = ChargeSteps.AddByDimension(steps, charge, prices, usage.ByDimension.GetValueOrDefault(meter, []), part, takesShare);
        else
            ChargeSteps.Add(steps, charge, takesShare ? ChargeSteps.Take(steps, total, part) : total, part);
        ChargeSteps.AddBounds(steps, charge, ShareOf(span, cut, charge.Proration), part);
        return (Piece.Of(steps, minorUnits), total);
    }

    /// <summary>The end of the time that stays billed although the subscription ended earlier.</summary>
    private Instant? KeptUntil =>
        !period.Extras.CreditUnused && period.Billed is { } billed && billed.Billed.End > month.End ? billed.Billed.End : null;

    private TimeShare ShareOf(BillingPeriod span, BillingPeriod? cut, Proration proration) =>
        TimeShare.OfAmount(span, cut, period.This.Whole, proration, period.Zone);

    /// <summary>A fee in advance for a period; null when none is due.</summary>
    private Piece? Advance(Charge charge, BilledSpan? span)
    {
        if (span is not { } due || charge.Price is not FlatPrice flat || charge.Meter is not null)
            return null;
        var steps = new List<ExplanationStep>(2);
        ChargeSteps.AddFee(steps, flat.Amount, TimeShare.Between(due.Billed, due.Whole, charge.Proration, period.Zone));
        ChargeSteps.AddDiscounts(steps, charge, TimeShare.All);
        return Piece.Of(steps, minorUnits);
    }

    private void AddTerms()
    {
        var runs = Segments.OfTerms(period.Parts);
        var bases = new TermsBase[runs.Count];
        foreach (var (segment, line) in charges)
        {
            foreach (var (run, amount) in Apportion(segment, line.Own?.Amount ?? 0, runs))
                bases[run] = bases[run] with
                {
                    Bounded = bases[run].Bounded + amount,
                    Metered = bases[run].Metered + (line.IsMetered ? amount : 0),
                };
        }

        bases[^1] = bases[^1] with { Others = others.Sum(line => line.Own!.Amount) };
        for (var i = 0; i < runs.Count; i++)
        {
            var (isFirst, isLast, lines) = (i == 0, i == runs.Count - 1, new List<LinePieces>());
            if (!month.IsEmpty)
                Merge(Own(runs, i, bases[i]), (line, piece) => line.Own = piece);
            if (isFirst && period.Billed is { } billed)
                Merge(InAdvance(First, billed, line => line.Billed), (line, piece) => line.Billed = piece);
            if (isLast && period.Next is { } next)
            {
                var due = InAdvance(period.NextPlan, next, line => line.Next);
                if (Segments.SameTerms(period.Parts[^1].Plan, period.NextPlan))
                    Merge(due, (line, piece) => line.Next = piece);
                else
                    lines.AddRange(due.Select(one => Line(one.Kind, one.Source, AfterLast, line => line.Next = one.Piece)));
            }

            terms.AddRange(lines);

            void Merge(IReadOnlyList<(LineKind Kind, LineSource Source, Piece Piece)> pieces, Action<LinePieces, Piece> set)
            {
                foreach (var (kind, source, piece) in pieces)
                {
                    if (lines.Find(line => line.Kind == kind && line.Key == source.Key) is { } line)
                        set(line, piece);
                    else
                    {
                        // A coupon that begins with the next period comes before the taxes too.
                        var taxes = kind == LineKind.Tax ? -1 : lines.FindIndex(line => line.Kind == LineKind.Tax);
                        lines.Insert(taxes < 0 ? lines.Count : taxes, Line(kind, source, runs[i], added => set(added, piece)));
                    }
                }
            }
        }
    }

    private LinePieces Line(LineKind kind, LineSource source, PartRun run, Action<LinePieces> set)
    {
        var line = new LinePieces(kind, Named(source, run), Once, SpanOf(run));
        set(line);
        return line;
    }

    private IReadOnlyList<(LineKind Kind, LineSource Source, Piece Piece)> Own(List<PartRun> runs, int index, TermsBase on)
    {
        var (span, proration) = (runs[index].Span, period.Parts[runs[index].First].Plan.InvoiceTerms.Proration);
        var cut = runs.Count == 1 ? (BillingPeriod?)null : month;
        var bound = ShareOf(span, cut, proration);
        return new InvoiceSteps(
            period.Parts[runs[index].First].Plan.InvoiceTerms,
            new TermsShares(
                bound,
                cut is null && KeptUntil is { } kept ? ShareOf(span with { End = kept }, null, proration) : bound,
                cut is null ? TimeShare.All : TimeShare.OfPart(span, month, proration, period.Zone)
            ),
            minorUnits
        ).Apply(on, CouponsOf(IsForMonth), inAdvance: false);
    }

    private IReadOnlyList<(LineKind Kind, LineSource Source, Piece Piece)> InAdvance(
        PlanVersion plan,
        BilledSpan span,
        Func<LinePieces, Piece?> piece
    )
    {
        // Without fees in advance nothing is billed ahead, so no term has a part in it.
        if (!plan.Charges.Any(charge => charge.InAdvance))
            return [];
        var share = TimeShare.Between(span.Billed, span.Whole, plan.InvoiceTerms.Proration, period.Zone);
        return new InvoiceSteps(plan.InvoiceTerms, new TermsShares(share, share, TimeShare.All), minorUnits).Apply(
            new TermsBase(charges.Sum(one => piece(one.Line)?.Amount ?? 0), 0, 0),
            CouponsOf(coupon => coupon.IsForAdvance(span.Billed)),
            inAdvance: true
        );
    }

    private bool IsForMonth(SubscriptionDiscount coupon) => !month.IsEmpty && coupon.IsFor(month);

    private IEnumerable<Discount> CouponsOf(Func<SubscriptionDiscount, bool> apply) => period.Extras.Discounts.Where(apply).Select(Keyed);

    private static Discount Keyed(SubscriptionDiscount coupon) => coupon.Discount with { Key = CouponPrefix + coupon.Discount.Key };

    /// <summary>Divides a line among the runs of terms that it spans, by time; the last takes the rest, so that sums are exact.</summary>
    private IEnumerable<(int Run, decimal Amount)> Apportion(Segment segment, decimal amount, List<PartRun> runs)
    {
        var (last, rest) = (runs.FindLastIndex(segment.Run.Overlaps), amount);
        for (var i = 0; i < last; i++)
        {
            if (!segment.Run.Overlaps(runs[i]))
                continue;
            var share = TimeShare.OfPart(segment.Run.With(runs[i]), segment.Run.Span, segment.Charge.Proration, period.Zone);
            var part = RatingEngine.RoundToMinorUnits(share.Of(amount), minorUnits);
            rest -= part;
            yield return (i, part);
        }

        yield return (last, rest);
    }

    /// <summary>Null when the run covers the whole period.</summary>
    private PlanSpan? SpanOf(PartRun run) =>
        run.Span == month ? null
        : run == AfterLast ? new PlanSpan(run.Span, period.NextPlan.Id)
        : new PlanSpan(run.Span, period.Parts[run.Last].Plan.Id);

    private LineSource Named(LineSource source, PartRun run) =>
        run.Span == month ? source
        : run == AfterLast ? source with { Name = $"{source.Name}, from {Local(run.Span.Start)}" }
        : run.Span.IsEmpty ? source with { Name = $"{source.Name}, until {Local(run.Span.Start)}" }
        : source with { Name = $"{source.Name}, {Local(run.Span.Start)} to {Local(run.Span.End)}" };

    private string Local(Instant at) =>
        Minutes.Format(at.InZone(period.Zone).LocalDateTime).Replace(" 00:00", "", StringComparison.Ordinal);

    private string HashOf(InvoiceSubject subject, List<RatedLine> lines, decimal total, decimal tax)
    {
        var text = new StringBuilder()
            .Append("polaris-invoice/3\n")
            .Append(
                CultureInfo.InvariantCulture,
                $"{subject.SubscriptionId}|{subject.Customer.Length}:{subject.Customer}"
                    + $"|{subject.Period.Start.ToUnixTimeTicks()}|{subject.Period.End.ToUnixTimeTicks()}\n"
            )
            .Append(CultureInfo.InvariantCulture, $"{RatingEngine.Version}\n{First.Currency}\n");
        foreach (var (span, plan) in period.Parts)
            text.Append(CultureInfo.InvariantCulture, $"{span.Start.ToUnixTimeTicks()}|{span.End.ToUnixTimeTicks()}|{plan.Hash}\n");
        if (period.NextPlan.Id != period.Parts[^1].Plan.Id)
            text.Append(CultureInfo.InvariantCulture, $"{period.NextPlan.Hash}\n");
        foreach (var line in lines)
        {
            var id = LineId.Of(line);
            text.Append(CultureInfo.InvariantCulture, $"{line.Kind}|{line.Charge.Key}|{id.From?.ToUnixTimeTicks()}|{id.IsEmptySpan}|")
                .Append(
                    CultureInfo.InvariantCulture,
                    $"{RatingEngine.Text(line.Usage.Quantity)}|{RatingEngine.Text(line.UnroundedAmount)}|{RatingEngine.Text(line.Amount)}|"
                )
                .Append(
                    CultureInfo.InvariantCulture,
                    $"{RatingEngine.Text(line.Tax)}|{line.Usage.EventCount}|{line.Usage.EventDigest:x16}\n"
                );
        }

        text.Append(RatingEngine.Text(total)).Append('|').Append(RatingEngine.Text(tax));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
