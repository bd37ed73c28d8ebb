using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Polaris.Billing.Domain;

/// <summary>What a line is.</summary>
public enum LineKind
{
    Charge,
    Commitment,
    Minimum,
    Maximum,
    Discount,
    Tax,

    /// <summary>A difference to a line of an earlier invoice.</summary>
    Adjustment,
}

/// <summary>
/// A node of a line's explanation. A leaf is arithmetic: <c>Quantity × UnitPrice ÷ Divisor = Amount</c>, in at most twelve decimal places. A
/// node with children is their sum.
/// </summary>
/// <param name="Label">What it is, in words.</param>
/// <param name="Quantity">Units, money or time.</param>
/// <param name="UnitPrice">Price or rate; 0 on a node with children.</param>
/// <param name="Amount">Unrounded.</param>
/// <param name="Divisor">1 but for shares of a period and taxes contained in a price.</param>
/// <param name="Children">Null on a leaf.</param>
public sealed record ExplanationStep(string Label, decimal Quantity, decimal UnitPrice, decimal Amount, decimal Divisor = 1, IReadOnlyList<ExplanationStep>? Children = null);

/// <summary>A line, rated: the steps sum to <paramref name="UnroundedAmount"/>, which rounds once to <paramref name="Amount"/>.</summary>
public sealed record RatedLine(LineKind Kind, LineSource Charge, MeterUsage Usage, decimal UnroundedAmount, decimal Amount, IReadOnlyList<ExplanationStep> Steps)
{
    /// <summary>How much tax it stands for, added or contained; 0 on a line that is not of a tax.</summary>
    public decimal Tax { get; init; }

    /// <summary>The part of the period that it is of, and its version, where the plan changed within the period. Else null.</summary>
    public PlanSpan? Span { get; init; }
}

/// <summary>Whose usage is rated, and of when; part of the result hash.</summary>
public sealed record InvoiceSubject(Guid SubscriptionId, string Customer, BillingPeriod Period);

/// <summary>All lines of a period, which sum to the total. The hash is over everything a customer is shown and every count and digest behind it.</summary>
/// <param name="Lines">Charges in the plan's order, then the steps of the invoice in theirs.</param>
/// <param name="Total">What is due.</param>
/// <param name="ResultHash">Lower-case hex SHA-256.</param>
/// <param name="Tax">How much of the total is tax, whether it was added or contained.</param>
public sealed record RatedInvoice(IReadOnlyList<RatedLine> Lines, decimal Total, string ResultHash, decimal Tax = 0)
{
    internal static string HashOf(string engine, InvoiceSubject subject, PlanVersion plan, IReadOnlyList<RatedLine> lines, decimal total, decimal tax)
    {
        var text = new StringBuilder().Append("polaris-invoice/2\n")
            .Append(CultureInfo.InvariantCulture, $"{subject.SubscriptionId}|{subject.Customer.Length}:{subject.Customer}|{subject.Period.Start.ToUnixTimeTicks()}|{subject.Period.End.ToUnixTimeTicks()}\n")
            .Append(CultureInfo.InvariantCulture, $"{engine}\n{plan.Hash}\n{plan.Currency}\n");
        foreach (var line in lines)
        {
            text.Append(CultureInfo.InvariantCulture, $"{line.Kind}|{line.Charge.Key}|{RatingEngine.Text(line.Usage.Quantity)}|{RatingEngine.Text(line.UnroundedAmount)}|")
                .Append(CultureInfo.InvariantCulture, $"{RatingEngine.Text(line.Amount)}|{line.Usage.EventCount}|{line.Usage.EventDigest:x16}\n");
        }

        text.Append(RatingEngine.Text(total)).Append('|').Append(RatingEngine.Text(tax));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
