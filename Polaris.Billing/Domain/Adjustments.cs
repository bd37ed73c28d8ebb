using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>
/// Identifies a line of an invoice. The charge key alone does not: a charge, a discount and a tax may share a key, and a plan change within
/// the period gives a charge several lines.
/// </summary>
/// <param name="Kind">The kind of line.</param>
/// <param name="Charge">The key of the charge, discount or tax.</param>
/// <param name="From">Start of the line's part of the period; null when the line covers the whole period.</param>
/// <param name="IsEmptySpan">
/// The part is empty: at the period's start, the line gives back what the version before a change had billed in advance; at its end, it
/// bills in advance what the version after a change begins with.
/// </param>
public readonly record struct LineId(LineKind Kind, string Charge, Instant? From, bool IsEmptySpan = false)
{
    public static LineId Of(RatedLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        return new LineId(line.Kind, line.Charge.Key, line.Span?.Span.Start, line.Span?.Span.IsEmpty == true);
    }
}

/// <summary>What was invoiced so far for one line of an earlier period: the line plus its finalized adjustments.</summary>
public sealed record InvoicedCharge(LineId Line, decimal Quantity, decimal Amount, decimal Tax, long EventCount, ulong EventDigest);

/// <summary>An earlier, finalized invoice with what was invoiced so far for each of its charges.</summary>
public sealed record InvoicedPeriod(Guid InvoiceId, string Number, IReadOnlyList<InvoicedCharge> Charges);

/// <summary>
/// A line that corrects a charge of an earlier invoice: differences in quantity and amount (negative for a credit). Count and digest are
/// those of all events that the charge counts now.
/// </summary>
public sealed record AdjustmentLine(Guid AdjustsInvoiceId, string AdjustsNumber, LineId Adjusts, RatedLine Line);

/// <summary>An invoice's own charges and its adjustments of earlier invoices. Total, tax and hash cover both.</summary>
public sealed record AdjustedInvoice(
    RatedInvoice Own,
    IReadOnlyList<AdjustmentLine> Adjustments,
    decimal Total,
    decimal Tax,
    string ResultHash
);

/// <summary>
/// Computes the adjustment lines of a finalized invoice, which itself never changes: the period as rated now minus what was invoiced for
/// it. Pure.
/// </summary>
public static class Adjustments
{
    /// <param name="invoiced">What the customer was already charged.</param>
    /// <param name="now">The same period, plan version and engine, rated with the usage known now.</param>
    /// <returns>
    /// A line for each charge with a difference, even if only the set of counted events differs, in plan order; then for each that is gone.
    /// </returns>
    public static IReadOnlyList<AdjustmentLine> Between(InvoicedPeriod invoiced, RatedInvoice now)
    {
        ArgumentNullException.ThrowIfNull(invoiced);
        ArgumentNullException.ThrowIfNull(now);
        var lines = new List<AdjustmentLine>();
        foreach (var line in now.Lines)
        {
            var id = LineId.Of(line);
            var was = invoiced.Charges.SingleOrDefault(charge => charge.Line == id) ?? new InvoicedCharge(id, 0, 0, 0, 0, 0);
            if (
                line.Usage == new MeterUsage(was.Quantity, was.EventCount, was.EventDigest)
                && line.Amount == was.Amount
                && line.Tax == was.Tax
            )
                continue;
            var difference = line.Amount - was.Amount;
            lines.Add(
                new AdjustmentLine(
                    invoiced.InvoiceId,
                    invoiced.Number,
                    id,
                    new RatedLine(
                        LineKind.Adjustment,
                        line.Charge with
                        {
                            Name = $"{line.Charge.Name}, correction of {invoiced.Number}",
                        },
                        line.Usage with
                        {
                            Quantity = Exact.Add(line.Usage.Quantity, -was.Quantity),
                        },
                        difference,
                        difference,
                        Explain(was, line)
                    )
                    {
                        Tax = line.Tax - was.Tax,
                        Span = line.Span,
                    }
                )
            );
        }

        // A line that is no longer there: all of it goes back.
        var left = now.Lines.Select(LineId.Of).ToHashSet();
        foreach (var was in invoiced.Charges.Where(charge => !left.Contains(charge.Line) && (charge.Amount != 0 || charge.Tax != 0)))
            lines.Add(Reverse(invoiced, was));
        return lines;
    }

    private static AdjustmentLine Reverse(InvoicedPeriod invoiced, InvoicedCharge was)
    {
        var (line, quantity, amount, tax, _, _) = was;
        return new AdjustmentLine(
            invoiced.InvoiceId,
            invoiced.Number,
            line,
            new RatedLine(
                LineKind.Adjustment,
                new LineSource(line.Charge, $"{line.Charge}, correction of {invoiced.Number}", null),
                new MeterUsage(-quantity, 0, 0),
                -amount,
                -amount,
                [new ExplanationStep($"Was: {RatingEngine.Text(quantity)}, already invoiced", -1, amount, -amount)]
            )
            {
                Tax = -tax,
            }
        );
    }

    /// <summary>Computes total and hash. Without adjustments the hash equals that of <paramref name="own"/>.</summary>
    public static AdjustedInvoice Seal(RatedInvoice own, IReadOnlyList<AdjustmentLine> adjustments)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(adjustments);
        if (adjustments.Count == 0)
            return new AdjustedInvoice(own, adjustments, own.Total, own.Tax, own.ResultHash);
        var total = adjustments.Aggregate(own.Total, (sum, adjustment) => sum + adjustment.Line.Amount);
        var tax = adjustments.Aggregate(own.Tax, (sum, adjustment) => sum + adjustment.Line.Tax);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"polaris-adjusted-invoice/1\n{own.ResultHash}\n");
        foreach (var (id, number, adjusts, line) in adjustments)
        {
            text.Append(
                    CultureInfo.InvariantCulture,
                    $"{id}|{number}|{line.Charge.Key}|{RatingEngine.Text(line.Usage.Quantity)}|{RatingEngine.Text(line.Amount)}|"
                )
                .Append(CultureInfo.InvariantCulture, $"{line.Usage.EventCount}|{line.Usage.EventDigest:x16}");
            // Appended only when needed, so that hashes of invoices without these fields stay valid.
            if (adjusts.From is { } from)
                text.Append(CultureInfo.InvariantCulture, $"|from {from.ToUnixTimeTicks()}{(adjusts.IsEmptySpan ? "|credit" : "")}");
            if (line.Tax != 0 && line.Tax != line.Amount)
                text.Append(CultureInfo.InvariantCulture, $"|tax {RatingEngine.Text(line.Tax)}");
            text.Append('\n');
        }

        text.Append(RatingEngine.Text(total));
        return new AdjustedInvoice(
            own,
            adjustments,
            total,
            tax,
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))
        );
    }

    /// <summary>Explains the difference: the charge as rated and rounded now, minus what was invoiced.</summary>
    private static List<ExplanationStep> Explain(InvoicedCharge was, RatedLine now)
    {
        var steps = new List<ExplanationStep>
        {
            new($"Was: {RatingEngine.Text(was.Quantity)}, already invoiced", -1, was.Amount, -was.Amount),
        };
        steps.AddRange(now.Steps.Select(step => step with { Label = $"Is now: {step.Label}" }));
        if (now.Steps.Count == 0)
            steps.Add(new ExplanationStep("Is now: nothing used", 0, 0, 0));
        var rounding = now.Amount - now.UnroundedAmount;
        if (rounding != 0)
            steps.Add(new ExplanationStep("Is now: rounding", 1, rounding, rounding));
        return steps;
    }
}
