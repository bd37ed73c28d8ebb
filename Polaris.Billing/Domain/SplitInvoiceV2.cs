using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NodaTime;
using NodaTime.Text;

namespace Polaris.Billing.Domain;

/// <summary>An invoice's period, or a part of it, with the input for rating it.</summary>
public sealed record PeriodPartV2(BillingPeriod Span, PlanVersion Plan, PeriodUsage Usage, BilledTimeV2 Time);

/// <summary>
/// Engine versions 1 and 2, unchanged so that their invoices can be recomputed; do not change it. Rates a period in which the plan
/// changed. Each part is rated as a shortened period of its own plan version: its own quantities, tiers and included units from the
/// start, its own terms. The invoice has the lines of all parts. Pure.
/// </summary>
public static class SplitInvoiceV2
{
    private static readonly LocalDateTimePattern Minutes = LocalDateTimePattern.CreateWithInvariantCulture("uuuu'-'MM'-'dd HH':'mm");

    /// <param name="engine">Version of the engine.</param>
    /// <param name="subject">Subscription, customer and the whole period.</param>
    /// <param name="parts">
    /// Tile the period, ordered by time, in one currency. A single part gives the same hash as without splitting.
    /// </param>
    /// <param name="minorUnits">Decimal places of the currency (ISO 4217).</param>
    public static RatedInvoice Rate(string engine, InvoiceSubject subject, IReadOnlyList<PeriodPartV2> parts, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 1)
            return RateOne(parts[0]);
        var lines = new List<RatedLine>();
        var (total, tax) = (RatingEngine.RoundToMinorUnits(0, minorUnits), 0m);
        var text = new StringBuilder()
            .Append("polaris-split-invoice/1\n")
            .Append(CultureInfo.InvariantCulture, $"{subject.Period.Start.ToUnixTimeTicks()}|{subject.Period.End.ToUnixTimeTicks()}\n");
        foreach (var part in parts)
        {
            if (part.Plan.Currency != parts[0].Plan.Currency)
                throw new InvalidOperationException("All plan versions of a subscription have the same currency.");
            var rated = RateOne(part);
            lines.AddRange(
                rated.Lines.Select(line =>
                    line with
                    {
                        Charge = line.Charge with { Name = $"{line.Charge.Name}, {Local(part.Span.Start)} to {Local(part.Span.End)}" },
                        Span = new PlanSpan(part.Span, part.Plan.Id),
                    }
                )
            );
            total += rated.Total;
            tax += rated.Tax;
            text.Append(CultureInfo.InvariantCulture, $"{part.Plan.Hash}|{rated.ResultHash}\n");

            string Local(Instant at) =>
                Minutes.Format(at.InZone(part.Time.Zone).LocalDateTime).Replace(" 00:00", "", StringComparison.Ordinal);
        }

        text.Append(RatingEngine.Text(total)).Append('|').Append(RatingEngine.Text(tax));
        return new RatedInvoice(lines, total, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))), tax);

        RatedInvoice RateOne(PeriodPartV2 part) =>
            RatingEngineV2.Rate(engine, subject with { Period = part.Span }, part.Plan, part.Usage, part.Time, minorUnits);
    }
}
