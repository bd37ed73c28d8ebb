using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>A line of a charge: parts <paramref name="First"/> to <paramref name="Last"/>, in which it is the same.</summary>
internal sealed record ChargeSegment(Charge Charge, int First, int Last, BillingPeriod Span);

/// <summary>Adjacent parts with the same terms.</summary>
internal sealed record TermsRun(PlanTerms Terms, int First, int Last, BillingPeriod Span);

/// <summary>What an invoice bills for its period: T(M) − A(M) + A(next), line by line, as docs/pricing.md says.</summary>
/// <param name="facts">M and what is known of it.</param>
/// <param name="boundaries">Months and days.</param>
/// <param name="coupons">All of the subscription.</param>
/// <param name="oneOffs">Those of M.</param>
/// <param name="usage">Quantities of a metered charge in a span.</param>
/// <param name="minorUnits">Of the currency.</param>
internal sealed class PeriodRules(
    PeriodFacts facts,
    Boundaries boundaries,
    IReadOnlyList<SubscriptionDiscount> coupons,
    IReadOnlyList<OneOff> oneOffs,
    Func<Charge, BillingPeriod, IReadOnlyList<(string Values, Used Used)>> usage,
    int minorUnits
)
{
    private readonly SortedDictionary<LineName, LineMoney> lines = [];
    private readonly List<ChargeSegment> segments = SegmentsOf(facts.Parts);
    private readonly List<TermsRun> runs = RunsOf(facts.Parts);

    public SortedDictionary<LineName, LineMoney> Lines()
    {
        if (!facts.Period.IsEmpty)
            AddOwed();
        if (facts.Billed is { } billed)
            AddAdvance(facts.Parts[0].Plan, billed, facts.Whole, 0, subtract: true);
        if (facts.Next is { } next)
            AddAdvance(facts.NextPlan, next, facts.NextWhole, facts.Parts.Count - 1, subtract: false);
        var zeros = lines.Where(line => line.Value.IsZero && !IsShown(line.Key, facts.Period));
        foreach (var zero in zeros.Select(line => line.Key).ToArray())
            lines.Remove(zero);
        return lines;
    }

    /// <summary>
    /// Terms of a month have their line even if it changes nothing. The page does not say so of terms that only the next month has, such as
    /// a coupon that begins with it.
    /// </summary>
    public static bool IsShown(LineName line, BillingPeriod period) =>
        line.Kind != LineKind.Charge
        && !period.IsEmpty
        && line.Span != EndOf(period)
        && !line.Key.StartsWith("coupon:", StringComparison.Ordinal);

    private void AddOwed()
    {
        var (metered, fixedFees) = (new Fraction[runs.Count], new Fraction[runs.Count]);
        foreach (var segment in segments)
        {
            var amount = segment.Span.IsEmpty ? Fraction.Zero : CostOf(segment).Round(minorUnits);
            Add(LineKind.Charge, segment.Charge.Key, segment.Span, amount);
            Divide(segment, amount, segment.Charge.Meter is null ? fixedFees : metered);
        }

        for (var i = 0; i < runs.Count; i++)
            AddTerms(runs[i], metered[i], metered[i] + fixedFees[i], i == runs.Count - 1);
    }

    private Fraction CostOf(ChargeSegment segment)
    {
        var (charge, span) = (segment.Charge, segment.Span);
        var part = boundaries.PartShare(span, facts.Period, charge.Proration);
        var amount = boundaries.AmountShare(span, facts.Period, facts.Whole, charge.Proration);
        if (facts.OldEnd is { } oldEnd && charge.InAdvance && span == facts.Period)
        {
            var paid = span with { End = oldEnd };
            amount = boundaries.AmountShare(paid, paid, facts.Whole, charge.Proration);
        }

        return PriceRules.Cost(charge, charge.Meter is null ? [] : usage(charge, span), part, amount);
    }

    // A line whose segment spans several runs is divided among them; the last gets the rest.
    private void Divide(ChargeSegment segment, Fraction amount, Fraction[] byRun)
    {
        var left = amount;
        for (var i = 0; i < runs.Count; i++)
        {
            if (runs[i].Last < segment.First || runs[i].First > segment.Last)
                continue;
            var share = left;
            if (runs[i].Last < segment.Last)
            {
                var from = NodaTime.Instant.Max(runs[i].Span.Start, segment.Span.Start);
                var within = new BillingPeriod(from, runs[i].Span.End);
                share = PriceRules.Exact12(amount * boundaries.TimeShare(within, segment.Span, segment.Charge.Proration)).Round(minorUnits);
            }

            byRun[i] += share;
            left -= share;
        }
    }

    private void AddTerms(TermsRun run, Fraction metered, Fraction sum, bool isLast)
    {
        var (terms, span) = (run.Terms, run.Span);
        var bound = boundaries.AmountShare(span, facts.Period, facts.Whole, terms.Proration);
        var part = boundaries.PartShare(span, facts.Period, terms.Proration);
        if (terms.Commitment is { } commitment)
        {
            var committed = PriceRules.Exact12(commitment.Amount * bound);
            var added =
                metered < committed
                    ? committed - metered
                    : PriceRules.Exact12((metered - committed) * ((Fraction)commitment.OverageFactor - 1));
            sum += Add(LineKind.Commitment, "commitment", span, added.Round(minorUnits));
        }

        if (terms.Minimum is { } minimum)
        {
            var raised = Fraction.Max(sum, PriceRules.Exact12(minimum * bound));
            sum += Add(LineKind.Minimum, "minimum", span, (raised - sum).Round(minorUnits));
        }

        var forMaximum = bound;
        if (facts.OldEnd is { } oldEnd && runs.Count == 1)
        {
            var paid = span with { End = oldEnd };
            forMaximum = boundaries.AmountShare(paid, paid, facts.Whole, terms.Proration);
        }

        sum += AddMaximum(terms, sum, forMaximum, span, 1);
        if (isLast)
        {
            foreach (var single in oneOffs)
                sum += Add(LineKind.Charge, $"one_off:{single.Key}", null, ((Fraction)single.Amount).Round(minorUnits));
        }

        AddDiscountsAndTaxes(terms, sum, part, span, coupons.Where(coupon => IsValid(coupon, facts.Period)), 1);
    }

    // A(M) or A(next): fees of the version for the time, its maximum, discounts, coupons and taxes. They are on the lines of the part where
    // its version has the same, else at the end of M.
    private void AddAdvance(PlanVersion plan, BillingPeriod time, BillingPeriod whole, int part, bool subtract)
    {
        var (sign, sum, atEnd) = (subtract ? -1 : 1, Fraction.Zero, EndOf(facts.Period));
        foreach (var charge in plan.Charges.Where(charge => charge.InAdvance))
        {
            var share = boundaries.AmountShare(time, time, whole, charge.Proration);
            var fee = PriceRules.Cost(charge, [], Fraction.One, share).Round(minorUnits);
            var segment = segments.SingleOrDefault(of => of.Charge.Key == charge.Key && of.First <= part && of.Last >= part);
            var isSame = segment is not null && Sameness.Of(segment.Charge) == Sameness.Of(charge);
            Add(LineKind.Charge, charge.Key, isSame ? segment!.Span : atEnd, fee * sign);
            sum += fee;
        }

        var terms = plan.Terms ?? PlanTerms.None;
        var run = runs.Single(of => of.First <= part && of.Last >= part);
        var span = Sameness.Of(run.Terms) == Sameness.Of(terms) ? run.Span : atEnd;
        sum += AddMaximum(terms, sum, boundaries.AmountShare(time, time, whole, terms.Proration), span, sign);
        var valid = coupons.Where(coupon => IsValid(coupon, time) && coupon.AppliedAt <= time.Start);
        AddDiscountsAndTaxes(terms, sum, Fraction.One, span, valid, sign);
    }

    private static BillingPeriod EndOf(BillingPeriod period) => new(period.End, period.End);

    private Fraction AddMaximum(PlanTerms terms, Fraction sum, Fraction share, BillingPeriod span, long sign)
    {
        if (terms.Maximum is not { } maximum)
            return Fraction.Zero;
        var change = (PriceRules.Clamp(sum, PriceRules.Exact12(maximum * share)) - sum).Round(minorUnits);
        Add(LineKind.Maximum, "maximum", span, change * sign);
        return change;
    }

    private void AddDiscountsAndTaxes(
        PlanTerms terms,
        Fraction sum,
        Fraction share,
        BillingPeriod span,
        IEnumerable<SubscriptionDiscount> valid,
        long sign
    )
    {
        var discounts = terms
            .Discounts.Select(discount => (discount.Key, Discount: discount))
            .Concat(valid.Select(coupon => (Key: $"coupon:{coupon.Discount.Key}", coupon.Discount)));
        foreach (var (key, discount) in discounts)
        {
            var off = PriceRules.Off(discount, sum, share).Round(minorUnits);
            Add(LineKind.Discount, key, span, -off * sign);
            sum -= off;
        }

        var percents = terms.Taxes.Aggregate(Fraction.One, (all, tax) => all + tax.Rate);
        foreach (var tax in terms.Taxes)
        {
            var rate = terms.TaxesIncluded ? tax.Rate / percents : tax.Rate;
            var amount = PriceRules.Exact12(sum * rate).Round(minorUnits) * sign;
            Add(LineKind.Tax, tax.Key, span, terms.TaxesIncluded ? Fraction.Zero : amount, amount);
        }
    }

    private Fraction Add(LineKind kind, string key, BillingPeriod? span, Fraction amount, Fraction tax = default)
    {
        var name = new LineName(kind, key, span == facts.Period ? null : span);
        lines[name] = lines.GetValueOrDefault(name) + new LineMoney(amount, tax);
        return amount;
    }

    private static bool IsValid(SubscriptionDiscount coupon, BillingPeriod period) =>
        coupon.AppliedAt < period.End && !(coupon.Until <= period.Start);

    private static List<ChargeSegment> SegmentsOf(IReadOnlyList<Part> parts)
    {
        var all = new List<ChargeSegment>();
        foreach (var key in parts.SelectMany(part => part.Plan.Charges).Select(charge => charge.Key).Distinct())
        {
            ChargeSegment? open = null;
            for (var i = 0; i < parts.Count; i++)
            {
                var charge = parts[i].Plan.Charges.FirstOrDefault(of => of.Key == key);
                var continues = open is not null && charge is not null && Sameness.Of(charge) == Sameness.Of(open.Charge);
                if (open is not null && !continues)
                    all.Add(open);
                open =
                    charge is null ? null
                    : continues ? new ChargeSegment(charge, open!.First, i, open.Span with { End = parts[i].Span.End })
                    : new ChargeSegment(charge, i, i, parts[i].Span);
            }

            if (open is not null)
                all.Add(open);
        }

        return all;
    }

    private static List<TermsRun> RunsOf(IReadOnlyList<Part> parts)
    {
        var all = new List<TermsRun>();
        for (var i = 0; i < parts.Count; i++)
        {
            var terms = parts[i].Plan.Terms ?? PlanTerms.None;
            if (all.Count > 0 && Sameness.Of(all[^1].Terms) == Sameness.Of(terms))
                all[^1] = all[^1] with { Last = i, Span = all[^1].Span with { End = parts[i].Span.End } };
            else
                all.Add(new TermsRun(terms, i, i, parts[i].Span));
        }

        return all;
    }
}
