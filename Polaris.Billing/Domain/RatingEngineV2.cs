using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Billing.Domain;

/// <summary>
/// Version 2 of the engine, unchanged so that its invoices can be recomputed. Do not change it. Order for each charge: quantity, minus
/// included units, price, minimum, maximum, one rounding. <see cref="InvoiceStepsV2"/> then adds the invoice-level lines. Amounts have
/// twelve decimal places until they are rounded (<see cref="Exact"/>).
/// </summary>
public static class RatingEngineV2
{
    public const string Version = "2";

    /// <summary>Combinations of dimension values that a line explains individually; the rest are summed in one step.</summary>
    private const int MaxExplainedCombinations = 200;

    /// <summary>Rates with the given engine version. Version 1 supports only totals and whole periods.</summary>
    /// <exception cref="InvalidOperationException">This build does not contain the engine.</exception>
    public static RatedInvoice Rate(
        string engine,
        InvoiceSubject subject,
        PlanVersion plan,
        PeriodUsage usage,
        BilledTimeV2 time,
        int minorUnits
    )
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

    public static RatedInvoice Rate(InvoiceSubject subject, PlanVersion plan, PeriodUsage usage, BilledTimeV2 time, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(usage);
        ArgumentNullException.ThrowIfNull(time);
        usage.Check(plan);
        var lines = new List<RatedLine>(plan.Charges.Count + 4);
        foreach (var charge in plan.Charges)
            lines.Add(RateCharge(charge, usage, time, minorUnits));
        var tax = InvoiceStepsV2.Add(lines, plan.InvoiceTerms, time, minorUnits);
        var total = RatingEngine.RoundToMinorUnits(0, minorUnits);
        foreach (var line in lines)
            total += line.Amount;
        return new RatedInvoice(lines, total, HashOf(subject, plan, lines, total, tax), tax);
    }

    /// <summary>Rates one charge of a whole period by its meter's total.</summary>
    private static RatedLine RateLine(Charge charge, MeterUsage usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var steps = new List<ExplanationStep>(4);
        if (charge.IncludedUnits > 0 && charge.Meter is not null)
            PriceStepsV2.AddBeyondIncluded(steps, charge, usage);
        else
            PriceStepsV2.Add(steps, charge.Price, usage);
        if (charge.Minimum is not null || charge.Maximum is not null)
            AddBounds(steps, charge, TimeShare.All);
        return Line(charge, usage, steps, minorUnits);
    }

    internal static RatedLine Line(
        LineSource source,
        MeterUsage usage,
        List<ExplanationStep> steps,
        int minorUnits,
        LineKind kind = LineKind.Charge
    )
    {
        var unrounded = 0m;
        foreach (var step in steps)
            unrounded += step.Amount;
        return new RatedLine(kind, source, usage, Exact.Checked(unrounded), RatingEngine.RoundToMinorUnits(unrounded, minorUnits), steps);
    }

    private static RatedLine RateCharge(Charge charge, PeriodUsage usage, BilledTimeV2 time, int minorUnits)
    {
        if (charge.Price is FlatPrice flat && charge.Meter is null)
            return RateFee(charge, flat.Amount, time, minorUnits);
        var total = usage.Totals.GetValueOrDefault(charge.Meter!);
        if (charge is { PriceByValues: null, Minimum: null, Maximum: null })
            return RateLine(charge, total, minorUnits);
        var steps = new List<ExplanationStep>(4);
        if (charge.PriceByValues is { } prices)
            total = AddByDimension(steps, charge, prices, usage.ByDimension.GetValueOrDefault(charge.Meter!, []));
        else if (charge.IncludedUnits > 0)
            PriceStepsV2.AddBeyondIncluded(steps, charge, total);
        else
            PriceStepsV2.Add(steps, charge.Price, total);
        AddBounds(steps, charge, time.ShareOfThis(charge.Proration));
        return Line(charge, total, steps, minorUnits);
    }

    /// <summary>
    /// In arrears: this period's fee. In advance: the next period's fee, on the first invoice this one's too, minus the time that an early
    /// end or a plan change left unused.
    /// </summary>
    private static RatedLine RateFee(Charge charge, decimal fee, BilledTimeV2 time, int minorUnits)
    {
        var steps = new List<ExplanationStep>(2);
        if (!charge.InAdvance || time.IsFirst)
            AddFee("Flat fee", time.ShareOfThis(charge.Proration), 1);
        if (charge.InAdvance && time.Next is { } next)
            AddFee("Flat fee in advance", TimeShare.Between(next.Billed, next.Whole, charge.Proration, time.Zone), 1);
        if (charge.InAdvance && time.UnusedShare(charge.Proration) is { } unused)
            AddFee("Unused time, paid in advance", unused, -1);
        return Line(charge, new MeterUsage(1, 0, 0), steps, minorUnits);

        void AddFee(string label, TimeShare share, int sign) =>
            steps.Add(
                share.IsAll
                    ? new ExplanationStep(label, sign, fee, sign * fee)
                    : new ExplanationStep($"{label}, {share}", sign * share.Part, fee, sign * share.Of(fee), share.Whole)
            );
    }

    /// <summary>
    /// Prices each combination of dimension values as its own quantity, at its own price or else the charge's. Returns the sum.
    /// </summary>
    private static MeterUsage AddByDimension(
        List<ExplanationStep> steps,
        Charge charge,
        IReadOnlyDictionary<string, Price> prices,
        IReadOnlyList<DimensionUsage> usage
    )
    {
        var (quantity, count, digest) = (0m, 0L, 0UL);
        var (others, othersAmount) = (0, 0m);
        foreach (var (values, used) in usage.OrderBy(entry => entry.Values, StringComparer.Ordinal))
        {
            var children = new List<ExplanationStep>(4);
            PriceStepsV2.Add(children, prices.GetValueOrDefault(values, charge.Price), used);
            var amount = 0m;
            foreach (var child in children)
                amount += child.Amount;
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

        if (others > 0)
            steps.Add(new ExplanationStep($"{others} further combinations", 1, othersAmount, othersAmount));
        return new MeterUsage(quantity, count, digest);
    }

    private static void AddBounds(List<ExplanationStep> steps, Charge charge, TimeShare share)
    {
        var amount = 0m;
        foreach (var step in steps)
            amount += step.Amount;
        if (charge.Minimum is { } minimum && share.Of(minimum) is var least && amount < least)
        {
            steps.Add(new ExplanationStep($"Up to the minimum of {RatingEngine.Text(least)}", 1, least - amount, least - amount));
            amount = least;
        }

        if (charge.Maximum is { } maximum && share.Of(maximum) is var most && amount > most)
            steps.Add(new ExplanationStep($"Down to the maximum of {RatingEngine.Text(most)}", 1, most - amount, most - amount));
    }

    private static string HashOf(InvoiceSubject subject, PlanVersion plan, IReadOnlyList<RatedLine> lines, decimal total, decimal tax)
    {
        var text = new StringBuilder()
            .Append("polaris-invoice/2\n")
            .Append(
                CultureInfo.InvariantCulture,
                $"{subject.SubscriptionId}|{subject.Customer.Length}:{subject.Customer}"
                    + $"|{subject.Period.Start.ToUnixTimeTicks()}|{subject.Period.End.ToUnixTimeTicks()}\n"
            )
            .Append(CultureInfo.InvariantCulture, $"{Version}\n{plan.Hash}\n{plan.Currency}\n");
        foreach (var line in lines)
        {
            text.Append(
                    CultureInfo.InvariantCulture,
                    $"{line.Kind}|{line.Charge.Key}|{RatingEngine.Text(line.Usage.Quantity)}|{RatingEngine.Text(line.UnroundedAmount)}|"
                )
                .Append(
                    CultureInfo.InvariantCulture,
                    $"{RatingEngine.Text(line.Amount)}|{line.Usage.EventCount}|{line.Usage.EventDigest:x16}\n"
                );
        }

        text.Append(RatingEngine.Text(total)).Append('|').Append(RatingEngine.Text(tax));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
