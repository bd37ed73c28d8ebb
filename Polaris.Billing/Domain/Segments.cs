namespace Polaris.Billing.Domain;

/// <summary>A run of consecutive parts of a period in which something is the same; both indexes inclusive.</summary>
/// <param name="First">The first part.</param>
/// <param name="Last">The last part.</param>
/// <param name="Span">Their time.</param>
internal readonly record struct PartRun(int First, int Last, BillingPeriod Span)
{
    public bool Overlaps(PartRun other) => First <= other.Last && other.First <= Last;

    public BillingPeriod With(PartRun other) =>
        new(
            NodaTime.Instant.Max(Span.Start, other.Span.Start),
            NodaTime.Instant.Max(NodaTime.Instant.Max(Span.Start, other.Span.Start), NodaTime.Instant.Min(Span.End, other.Span.End))
        );
}

/// <summary>A charge and the longest run of parts that has it unchanged; named as in the last of them.</summary>
internal sealed record Segment(Charge Charge, PartRun Run);

/// <summary>
/// Joins the parts of a period where a plan change changed nothing: what is the same in adjacent versions is rated once. Names may differ.
/// </summary>
internal static class Segments
{
    /// <summary>In the order of the parts, and of the charges in each.</summary>
    public static List<Segment> OfCharges(IReadOnlyList<PlanPart> parts)
    {
        var segments = new List<Segment>();
        for (var first = 0; first < parts.Count; first++)
        {
            foreach (var begun in parts[first].Plan.Charges)
            {
                if (first > 0 && Find(parts[first - 1].Plan, begun) is not null)
                    continue;
                var (charge, last) = (begun, first);
                while (last + 1 < parts.Count && Find(parts[last + 1].Plan, begun) is { } same)
                    (charge, last) = (same, last + 1);
                segments.Add(new Segment(charge, Run(parts, first, last)));
            }
        }

        return segments;
    }

    /// <summary>Runs of parts with the same terms.</summary>
    public static List<PartRun> OfTerms(IReadOnlyList<PlanPart> parts)
    {
        var runs = new List<PartRun>();
        for (var first = 0; first < parts.Count; )
        {
            var last = first;
            while (last + 1 < parts.Count && Same(parts[first].Plan.InvoiceTerms, parts[last + 1].Plan.InvoiceTerms))
                last++;
            runs.Add(Run(parts, first, last));
            first = last + 1;
        }

        return runs;
    }

    private static PartRun Run(IReadOnlyList<PlanPart> parts, int first, int last) =>
        new(first, last, new BillingPeriod(parts[first].Span.Start, parts[last].Span.End));

    public static bool SameTerms(PlanVersion one, PlanVersion other) => Same(one.InvoiceTerms, other.InvoiceTerms);

    /// <summary>The plan's charge that is the same; null when it has none.</summary>
    public static Charge? Find(PlanVersion plan, Charge charge)
    {
        foreach (var other in plan.Charges)
        {
            if (other.Key == charge.Key)
                return Same(other, charge) ? other : null;
        }

        return null;
    }

    private static bool Same(Charge one, Charge other) =>
        ReferenceEquals(one, other)
        || (
            one.Key == other.Key
            && one.Meter == other.Meter
            && one.InAdvance == other.InAdvance
            && one.Proration == other.Proration
            && one.IncludedUnits == other.IncludedUnits
            && one.Minimum == other.Minimum
            && one.Maximum == other.Maximum
            && Same(one.Price, other.Price)
            && Same(one.DimensionPrices ?? [], other.DimensionPrices ?? [], Same)
            && Same(one.Discounts ?? [], other.Discounts ?? [], Same)
        );

    private static bool Same(DimensionPrice one, DimensionPrice other) =>
        one.Values.SequenceEqual(other.Values) && Same(one.Price, other.Price);

    // Records compare lists by reference.
    private static bool Same(Price one, Price other) =>
        (one, other) switch
        {
            (GraduatedPrice a, GraduatedPrice b) => a.FlatFeeAtZero == b.FlatFeeAtZero && a.Tiers.SequenceEqual(b.Tiers),
            (VolumePrice a, VolumePrice b) => a.FlatFeeAtZero == b.FlatFeeAtZero && a.Tiers.SequenceEqual(b.Tiers),
            (StairStepPrice a, StairStepPrice b) => a.FlatFeeAtZero == b.FlatFeeAtZero && a.Tiers.SequenceEqual(b.Tiers),
            _ => one == other,
        };

    private static bool Same(PlanTerms one, PlanTerms other) =>
        ReferenceEquals(one, other)
        || (
            (one.Proration == other.Proration || IsEmpty(one))
            && one.Commitment == other.Commitment
            && one.Minimum == other.Minimum
            && one.Maximum == other.Maximum
            && (one.TaxesIncluded == other.TaxesIncluded || one.Taxes.Count == 0)
            && Same(one.Discounts, other.Discounts, Same)
            && Same(one.Taxes, other.Taxes, (tax, with) => tax.Key == with.Key && tax.Rate == with.Rate)
        );

    // Without any amounts it does not matter how they would be prorated; a pause is such a part.
    private static bool IsEmpty(PlanTerms terms) =>
        terms is { Commitment: null, Minimum: null, Maximum: null, Discounts.Count: 0, Taxes.Count: 0 };

    private static bool Same(Discount one, Discount other) => one with { Name = "" } == other with { Name = "" };

    private static bool Same<T>(IReadOnlyList<T> ones, IReadOnlyList<T> others, Func<T, T, bool> same)
    {
        if (ones.Count != others.Count)
            return false;
        for (var i = 0; i < ones.Count; i++)
        {
            if (!same(ones[i], others[i]))
                return false;
        }

        return true;
    }
}
