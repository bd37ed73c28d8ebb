using System.Globalization;

namespace Polaris.Billing.Domain;

/// <summary>
/// Rates usage by a plan version. Pure: the same input gives the same invoice under the same engine version. Order for each charge:
/// quantity, minus included units, price, the charge's discounts, minimum, maximum, one rounding. <see cref="PeriodRating"/> puts a
/// period's invoice together, <see cref="InvoiceSteps"/> its invoice-level lines. Amounts have twelve decimal places until they are rounded
/// (<see cref="Exact"/>).
/// </summary>
public static class RatingEngine
{
    /// <summary>
    /// Changes whenever the same input could give a different result. <see cref="RatingEngineV2"/> is the previous version.
    /// </summary>
    public const string Version = "3";

    /// <summary>All engine versions in this build.</summary>
    public static readonly string[] Versions = [RatingEngineV1.Version, RatingEngineV2.Version, Version];

    /// <summary>Combinations of dimension values that a line explains individually; the rest are summed in one step.</summary>
    public const int MaxExplainedCombinations = 200;

    /// <param name="subject">Subscription, customer and period.</param>
    /// <param name="period">The period with its plan versions.</param>
    /// <param name="usage">
    /// Returns the usage of each span of <see cref="SpansOf"/>; levels are averaged over its whole period.
    /// </param>
    /// <param name="minorUnits">Decimal places of the currency (ISO 4217).</param>
    /// <exception cref="OverflowException">A quantity or an amount does not fit an invoice.</exception>
    public static RatedInvoice Rate(InvoiceSubject subject, InvoicePeriod period, Func<BilledSpan, PeriodUsage> usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(period);
        ArgumentNullException.ThrowIfNull(usage);
        return new PeriodRating(period, usage, minorUnits).Rate(subject);
    }

    /// <summary>Rates a whole period that stands alone, by totals.</summary>
    /// <param name="subject">Subscription, customer and period.</param>
    /// <param name="plan">The charges and terms.</param>
    /// <param name="usage">Quantity by meter key; a missing meter counts as zero.</param>
    /// <param name="minorUnits">Decimal places of the plan's currency (ISO 4217).</param>
    public static RatedInvoice Rate(InvoiceSubject subject, PlanVersion plan, IReadOnlyDictionary<string, MeterUsage> usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        var used = new PeriodUsage(usage);
        return Rate(subject, InvoicePeriod.Alone(subject.Period, plan), _ => used, minorUnits);
    }

    /// <summary>The spans whose usage a period needs, without empty ones.</summary>
    public static IEnumerable<BilledSpan> SpansOf(InvoicePeriod period)
    {
        ArgumentNullException.ThrowIfNull(period);
        return Segments
            .OfCharges(period.Parts)
            .Where(segment => segment.Charge.Meter is not null && !segment.Run.Span.IsEmpty)
            .Select(segment => new BilledSpan(segment.Run.Span, period.This.Whole))
            .Distinct();
    }

    /// <summary>Rates one charge of a whole period by its meter's total.</summary>
    public static RatedLine RateLine(Charge charge, MeterUsage usage, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(charge);
        var steps = new List<ExplanationStep>(4);
        ChargeSteps.Add(steps, charge, usage, TimeShare.All);
        ChargeSteps.AddBounds(steps, charge, TimeShare.All, TimeShare.All);
        var unrounded = Exact.Sum(steps);
        return new RatedLine(LineKind.Charge, charge, usage, unrounded, RoundToMinorUnits(unrounded, minorUnits), steps);
    }

    /// <summary>Rounds half away from zero to the currency's decimal places and keeps trailing zeros ("5.00").</summary>
    public static decimal RoundToMinorUnits(decimal amount, int minorUnits) =>
        decimal.Round(amount, minorUnits, MidpointRounding.AwayFromZero) + new decimal(0, 0, 0, false, checked((byte)minorUnits));

    /// <summary>Without trailing zeros, so that 1.50 and 1.5 have the same text and hash.</summary>
    internal static string Text(decimal value) => Exact.Trim(value).ToString(CultureInfo.InvariantCulture);
}
