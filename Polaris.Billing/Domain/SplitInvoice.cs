using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NodaTime;
using NodaTime.Text;

namespace Polaris.Billing.Domain;

/// <summary>A part of an invoice's period, or all of it, with what rating must know of it.</summary>
public sealed record PeriodPart(BillingPeriod Span, PlanVersion Plan, PeriodUsage Usage, BilledTime Time);

/// <summary>
/// A period in which the plan changed is rated part by part, each as a shortened period of its own version: the quantities of the part, tiers
/// and included units from their beginning, the version's own terms. The invoice is all their lines. Pure, like rating.
/// </summary>
public static class SplitInvoice
{
    private static readonly LocalDateTimePattern Minutes = LocalDateTimePattern.CreateWithInvariantCulture("uuuu'-'MM'-'dd HH':'mm");

    /// <param name="engine">The engine that made the invoice, or is to make it.</param>
    /// <param name="subject">Whose invoice this is, and of which period.</param>
    /// <param name="parts">They tile the period, in order of time; one currency. A single one is rated as it is, to the hash that it has alone.</param>
    /// <param name="minorUnits">Decimal places of the currency (ISO 4217).</param>
    public static RatedInvoice Rate(string engine, InvoiceSubject subject, IReadOnlyList<PeriodPart> parts, int minorUnits)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 1) return RateOne(parts[0]);
        var lines = new List<RatedLine>();
        var (total, tax) = (RatingEngine.RoundToMinorUnits(0, minorUnits), 0m);
        var text = new StringBuilder().Append("polaris-split-invoice/1\n")
            .Append(CultureInfo.InvariantCulture, $"{subject.Period.Start.ToUnixTimeTicks()}|{subject.Period.End.ToUnixTimeTicks()}\n");
        foreach (var part in parts)
        {
            if (part.Plan.Currency != parts[0].Plan.Currency) throw new InvalidOperationException("A subscription has one currency: no change of plans to another one is let pass.");
            var rated = RateOne(part);
            lines.AddRange(rated.Lines.Select(line => line with
            {
                Charge = line.Charge with { Name = $"{line.Charge.Name}, {Local(part.Span.Start)} to {Local(part.Span.End)}" },
                Span = new PlanSpan(part.Span, part.Plan.Id),
            }));
            total += rated.Total;
            tax += rated.Tax;
            text.Append(CultureInfo.InvariantCulture, $"{part.Plan.Hash}|{rated.ResultHash}\n");

            string Local(Instant at) => Minutes.Format(at.InZone(part.Time.Zone).LocalDateTime).Replace(" 00:00", "", StringComparison.Ordinal);
        }

        text.Append(RatingEngine.Text(total)).Append('|').Append(RatingEngine.Text(tax));
        return new RatedInvoice(lines, total, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))), tax);

        RatedInvoice RateOne(PeriodPart part) => RatingEngine.Rate(engine, subject with { Period = part.Span }, part.Plan, part.Usage, part.Time, minorUnits);
    }
}
