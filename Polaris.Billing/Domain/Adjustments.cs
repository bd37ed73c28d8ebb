using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Billing.Domain;

/// <summary>What was invoiced of one charge of an earlier period: its line and the adjustments of it that are final.</summary>
public sealed record InvoicedCharge(string Charge, decimal Quantity, decimal Amount, long EventCount, ulong EventDigest);

/// <summary>An earlier, final invoice, as far as its charges were invoiced by now.</summary>
public sealed record InvoicedPeriod(Guid InvoiceId, string Number, IReadOnlyList<InvoicedCharge> Charges);

/// <summary>
/// A line that corrects a charge of an earlier invoice: differences in quantity and amount (negative for a credit), with the count and
/// digest of all events that the charge counts now.
/// </summary>
public sealed record AdjustmentLine(Guid AdjustsInvoiceId, string AdjustsNumber, RatedLine Line);

/// <summary>An invoice's own charges and what it corrects of earlier ones. Total and hash are over both.</summary>
public sealed record AdjustedInvoice(RatedInvoice Own, IReadOnlyList<AdjustmentLine> Adjustments, decimal Total, string ResultHash);

/// <summary>A final invoice never changes: what its period comes to by now and what was invoiced of it differ by these lines. Pure, like rating.</summary>
public static class Adjustments
{
    /// <param name="invoiced">What the customer was charged already.</param>
    /// <param name="now">The same period, plan version and engine, rated with the usage known now.</param>
    /// <returns>A line for each charge of which anything differs, be it only which events are behind it; in the order of the plan.</returns>
    public static IReadOnlyList<AdjustmentLine> Between(InvoicedPeriod invoiced, RatedInvoice now)
    {
        ArgumentNullException.ThrowIfNull(invoiced);
        ArgumentNullException.ThrowIfNull(now);
        var lines = new List<AdjustmentLine>();
        foreach (var line in now.Lines)
        {
            var was = invoiced.Charges.SingleOrDefault(charge => charge.Charge == line.Charge.Key) ?? new InvoicedCharge(line.Charge.Key, 0, 0, 0, 0);
            if (line.Usage == new MeterUsage(was.Quantity, was.EventCount, was.EventDigest) && line.Amount == was.Amount) continue;
            var difference = line.Amount - was.Amount;
            lines.Add(new AdjustmentLine(invoiced.InvoiceId, invoiced.Number, new RatedLine(
                LineKind.Adjustment, line.Charge with { Name = $"{line.Charge.Name}, correction of {invoiced.Number}" },
                line.Usage with { Quantity = Exact.Add(line.Usage.Quantity, -was.Quantity) }, difference, difference, Explain(was, line))));
        }

        return lines;
    }

    /// <summary>Without adjustments the invoice is what rating made of it, to the same hash.</summary>
    public static AdjustedInvoice Seal(RatedInvoice own, IReadOnlyList<AdjustmentLine> adjustments)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(adjustments);
        if (adjustments.Count == 0) return new AdjustedInvoice(own, adjustments, own.Total, own.ResultHash);
        var total = adjustments.Aggregate(own.Total, (sum, adjustment) => sum + adjustment.Line.Amount);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"polaris-adjusted-invoice/1\n{own.ResultHash}\n");
        foreach (var (id, number, line) in adjustments)
        {
            text.Append(CultureInfo.InvariantCulture, $"{id}|{number}|{line.Charge.Key}|{RatingEngine.Text(line.Usage.Quantity)}|{RatingEngine.Text(line.Amount)}|")
                .Append(CultureInfo.InvariantCulture, $"{line.Usage.EventCount}|{line.Usage.EventDigest:x16}\n");
        }

        text.Append(RatingEngine.Text(total));
        return new AdjustedInvoice(own, adjustments, total, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))));
    }

    /// <summary>What it is now, step by step and rounded as an invoice rounds it, less what was invoiced: together they are the difference.</summary>
    private static List<ExplanationStep> Explain(InvoicedCharge was, RatedLine now)
    {
        var steps = new List<ExplanationStep> { new($"Was: {RatingEngine.Text(was.Quantity)}, already invoiced", -1, was.Amount, -was.Amount) };
        steps.AddRange(now.Steps.Select(step => step with { Label = $"Is now: {step.Label}" }));
        if (now.Steps.Count == 0) steps.Add(new ExplanationStep("Is now: nothing used", 0, 0, 0));
        var rounding = now.Amount - now.UnroundedAmount;
        if (rounding != 0) steps.Add(new ExplanationStep("Is now: rounding", 1, rounding, rounding));
        return steps;
    }
}
