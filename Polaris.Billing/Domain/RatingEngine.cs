using System.Globalization;

namespace Polaris.Billing.Domain;

/// <summary>
/// Quantities, a plan version and a subscription's time in, lines out. Pure: the same input gives the same invoice, for ever, under one version.
/// A charge is rated in this order: quantity, less included units, price, minimum, maximum, one rounding. <see cref="InvoiceSteps"/> then
/// add what concerns the invoice as a whole. Amounts have twelve decimal places until they are rounded (<see cref="Exact"/>).
/// </summary>
public static class RatingEngine
{
    /// <summary>Changes whenever the same input could give another result. <see cref="RatingEngineV1"/> is the one before.</summary>
    public const string Version = "2";

    /// <summary>Every engine that this build can rate by.</summary>
    public static readonly string[] Versions = [RatingEngineV1.Version, Version];

    /// <summary>Combinations of dimension values that a line explains one by one; the rest stand in one step.</summary>
    public const int MaxExplainedCombinations = 200;

    /// <summary>Rates by the engine that made an invoice. The first one knew totals and whole periods only.</summary>
    /// <exception cref="InvalidOperationException">This build does not hold the engine.</exception>
    public static RatedInvoice Rate(string engine, InvoiceSubject subject, PlanVersion plan, PeriodUsage usage, BilledTime time, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(usage);
        ArgumentNullException.ThrowIfNull(plan);
        usage.Check(plan);
        return engine switch
        {
            Version => Rate(subject, plan, usage, time, minorUnits),
            RatingEngineV1.Version => RatingEngineV1.Rate(subject, plan, usage.Totals, minorUnits),
            _ => throw new InvalidOperationException($"This build does not hold the rating engine '{engine}'."),
        };
    }

    /// <param name="subject">Whose invoice this is.</param>
    /// <param name="plan">What is charged.</param>
    /// <param name="usage">Quantity by meter key; a meter without an entry counts as zero.</param>
    /// <param name="minorUnits">Decimal places of the plan's currency (ISO 4217).</param>
    public static RatedInvoice Rate(InvoiceSubject subject, PlanVersion plan, IReadOnlyDictionary<string, MeterUsage> usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        return Rate(subject, plan, new PeriodUsage(usage), BilledTime.Alone(subject.Period), minorUnits);
    }

    public static RatedInvoice Rate(InvoiceSubject subject, PlanVersion plan, PeriodUsage usage, BilledTime time, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(usage);
        ArgumentNullException.ThrowIfNull(time);
        usage.Check(plan);
        var lines = new List<RatedLine>(plan.Charges.Count + 4);
        foreach (var charge in plan.Charges) lines.Add(RateCharge(charge, usage, time, minorUnits));
        var tax = InvoiceSteps.Add(lines, plan.InvoiceTerms, time, minorUnits);
        var total = RoundToMinorUnits(0, minorUnits);
        foreach (var line in lines) total += line.Amount;
        return new RatedInvoice(lines, total, RatedInvoice.HashOf(Version, subject, plan, lines, total, tax), tax);
    }

    /// <summary>One charge of a whole period, by its meter's total.</summary>
    public static RatedLine RateLine(Charge charge, MeterUsage usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var steps = new List<ExplanationStep>(4);
        if (charge.IncludedUnits > 0 && charge.Meter is not null) PriceSteps.AddBeyondIncluded(steps, charge, usage);
        else PriceSteps.Add(steps, charge.Price, usage);
        if (charge.Minimum is not null || charge.Maximum is not null) AddBounds(steps, charge, TimeShare.All);
        return Line(charge, usage, steps, minorUnits);
    }

    /// <summary>Half away from zero, always with the currency's decimal places ("5.00").</summary>
    public static decimal RoundToMinorUnits(decimal amount, int minorUnits) =>
        decimal.Round(amount, minorUnits, MidpointRounding.AwayFromZero) + new decimal(0, 0, 0, false, checked((byte)minorUnits));

    /// <summary>Without trailing zeros, so that 1.50 and 1.5 hash and read alike.</summary>
    internal static string Text(decimal value) => Exact.Trim(value).ToString(CultureInfo.InvariantCulture);

    internal static RatedLine Line(LineSource source, MeterUsage usage, List<ExplanationStep> steps, int minorUnits, LineKind kind = LineKind.Charge)
    {
        var unrounded = 0m;
        foreach (var step in steps) unrounded += step.Amount;
        return new RatedLine(kind, source, usage, Exact.Checked(unrounded), RoundToMinorUnits(unrounded, minorUnits), steps);
    }

    private static RatedLine RateCharge(Charge charge, PeriodUsage usage, BilledTime time, int minorUnits)
    {
        if (charge.Price is FlatPrice flat && charge.Meter is null) return RateFee(charge, flat.Amount, time, minorUnits);
        var total = usage.Totals.GetValueOrDefault(charge.Meter!);
        if (charge is { PriceByValues: null, Minimum: null, Maximum: null }) return RateLine(charge, total, minorUnits);
        var steps = new List<ExplanationStep>(4);
        if (charge.PriceByValues is { } prices)
            total = AddByDimension(steps, charge, prices, usage.ByDimension.GetValueOrDefault(charge.Meter!, []));
        else if (charge.IncludedUnits > 0) PriceSteps.AddBeyondIncluded(steps, charge, total);
        else PriceSteps.Add(steps, charge.Price, total);
        AddBounds(steps, charge, time.ShareOfThis(charge.Proration));
        return Line(charge, total, steps, minorUnits);
    }

    /// <summary>In arrears: this period's fee. In advance: the next one's, the first one's own too, and back what an early end or a change of plans left unused.</summary>
    private static RatedLine RateFee(Charge charge, decimal fee, BilledTime time, int minorUnits)
    {
        var steps = new List<ExplanationStep>(2);
        if (!charge.InAdvance || time.IsFirst) AddFee("Flat fee", time.ShareOfThis(charge.Proration), 1);
        if (charge.InAdvance && time.Next is { } next) AddFee("Flat fee in advance", TimeShare.Between(next.Billed, next.Whole, charge.Proration, time.Zone), 1);
        if (charge.InAdvance && time.UnusedShare(charge.Proration) is { } unused) AddFee("Unused time, paid in advance", unused, -1);
        return Line(charge, new MeterUsage(1, 0, 0), steps, minorUnits);

        void AddFee(string label, TimeShare share, int sign) => steps.Add(share.IsAll
            ? new ExplanationStep(label, sign, fee, sign * fee)
            : new ExplanationStep($"{label}, {share}", sign * share.Part, fee, sign * share.Of(fee), share.Whole));
    }

    /// <summary>Each combination of values is a quantity of its own, at its own price or else at the charge's. Returns their sum.</summary>
    private static MeterUsage AddByDimension(List<ExplanationStep> steps, Charge charge, IReadOnlyDictionary<string, Price> prices, IReadOnlyList<DimensionUsage> usage)
    {
        var (quantity, count, digest) = (0m, 0L, 0UL);
        var (others, othersAmount) = (0, 0m);
        foreach (var (values, used) in usage.OrderBy(one => one.Values, StringComparer.Ordinal))
        {
            var children = new List<ExplanationStep>(4);
            PriceSteps.Add(children, prices.GetValueOrDefault(values, charge.Price), used);
            var amount = 0m;
            foreach (var child in children) amount += child.Amount;
            quantity = Exact.Add(quantity, used.Quantity);
            count += used.EventCount;
            digest = unchecked(digest + used.EventDigest);
            if (steps.Count < MaxExplainedCombinations)
            {
                steps.Add(new ExplanationStep(DimensionValues.Show(values), used.Quantity, 0, amount, Children: children));
                continue;
            }

            others++;
            othersAmount += amount;
        }

        if (others > 0) steps.Add(new ExplanationStep($"{others} further combinations", 1, othersAmount, othersAmount));
        return new MeterUsage(quantity, count, digest);
    }

    private static void AddBounds(List<ExplanationStep> steps, Charge charge, TimeShare share)
    {
        var amount = 0m;
        foreach (var step in steps) amount += step.Amount;
        if (charge.Minimum is { } minimum && share.Of(minimum) is var least && amount < least)
        {
            steps.Add(new ExplanationStep($"Up to the minimum of {Text(least)}", 1, least - amount, least - amount));
            amount = least;
        }

        if (charge.Maximum is { } maximum && share.Of(maximum) is var most && amount > most)
            steps.Add(new ExplanationStep($"Down to the maximum of {Text(most)}", 1, most - amount, most - amount));
    }
}
