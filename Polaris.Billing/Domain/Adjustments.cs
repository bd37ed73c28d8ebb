using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>Which line of an invoice: a charge, discount and tax may have the same key, and a change of plans within the period gives a charge several lines.</summary>
/// <param name="Kind">What the line is.</param>
/// <param name="Charge">Its key.</param>
/// <param name="From">Where the line's part of the period begins; null when it is of the whole period.</param>
public readonly record struct LineId(LineKind Kind, string Charge, Instant? From)
{
    public static LineId Of(RatedLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return new LineId(line.Kind, line.Charge.Key, line.Span?.Span.Start);
    }
}

/// <summary>What was invoiced of one line of an earlier period: the line and the adjustments of it that are final.</summary>
public sealed record InvoicedCharge(LineId Line, decimal Quantity, decimal Amount, decimal Tax, long EventCount, ulong EventDigest);

/// <summary>An earlier, final invoice, as far as its charges were invoiced by now.</summary>
public sealed record InvoicedPeriod(Guid InvoiceId, string Number, IReadOnlyList<InvoicedCharge> Charges);

/// <summary>
/// A line that corrects a charge of an earlier invoice: differences in quantity and amount (negative for a credit), with the count and
/// digest of all events that the charge counts now.
/// </summary>
public sealed record AdjustmentLine(Guid AdjustsInvoiceId, string AdjustsNumber, LineId Adjusts, RatedLine Line);

/// <summary>An invoice's own charges and what it corrects of earlier ones. Total, tax and hash are over both.</summary>
public sealed record AdjustedInvoice(RatedInvoice Own, IReadOnlyList<AdjustmentLine> Adjustments, decimal Total, decimal Tax, string ResultHash);

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
            var id = LineId.Of(line);
            var was = invoiced.Charges.SingleOrDefault(charge => charge.Line == id) ?? new InvoicedCharge(id, 0, 0, 0, 0, 0);
            if (line.Usage == new MeterUsage(was.Quantity, was.EventCount, was.EventDigest) && line.Amount == was.Amount && line.Tax == was.Tax) continue;
            var difference = line.Amount - was.Amount;
            lines.Add(new AdjustmentLine(invoiced.InvoiceId, invoiced.Number, id, new RatedLine(
                LineKind.Adjustment, line.Charge with { Name = $"{line.Charge.Name}, correction of {invoiced.Number}" },
                line.Usage with { Quantity = Exact.Add(line.Usage.Quantity, -was.Quantity) }, difference, difference, Explain(was, line))
            {
                Tax = line.Tax - was.Tax,
                Span = line.Span,
            }));
        }

        return lines;
    }

    /// <summary>Without adjustments the invoice is what rating made of it, to the same hash.</summary>
    public static AdjustedInvoice Seal(RatedInvoice own, IReadOnlyList<AdjustmentLine> adjustments)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(adjustments);
        if (adjustments.Count == 0) return new AdjustedInvoice(own, adjustments, own.Total, own.Tax, own.ResultHash);
        var total = adjustments.Aggregate(own.Total, (sum, adjustment) => sum + adjustment.Line.Amount);
        var tax = adjustments.Aggregate(own.Tax, (sum, adjustment) => sum + adjustment.Line.Tax);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"polaris-adjusted-invoice/1\n{own.ResultHash}\n");
        foreach (var (id, number, adjusts, line) in adjustments)
        {
            text.Append(CultureInfo.InvariantCulture, $"{id}|{number}|{line.Charge.Key}|{RatingEngine.Text(line.Usage.Quantity)}|{RatingEngine.Text(line.Amount)}|")
                .Append(CultureInfo.InvariantCulture, $"{line.Usage.EventCount}|{line.Usage.EventDigest:x16}");
            // Only what the line before could not say, so that earlier hashes stand: of which part it is, and tax that its amount is not.
            if (adjusts.From is { } from) text.Append(CultureInfo.InvariantCulture, $"|from {from.ToUnixTimeTicks()}");
            if (line.Tax != 0 && line.Tax != line.Amount) text.Append(CultureInfo.InvariantCulture, $"|tax {RatingEngine.Text(line.Tax)}");
            text.Append('\n');
        }

        text.Append(RatingEngine.Text(total));
        return new AdjustedInvoice(own, adjustments, total, tax, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))));
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
