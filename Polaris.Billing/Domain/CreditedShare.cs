namespace Polaris.Billing.Domain;

/// <summary>
/// Amount and tax of a credit note as a share of its invoice. Shares are rounded as sums from the first note on, so that notes that take
/// back everything amount to exactly the invoice's total and tax.
/// </summary>
public static class CreditedShare
{
    /// <summary>The tax that an amount contains, in proportion to the invoice's.</summary>
    /// <param name="total">Of the invoice, positive.</param>
    /// <param name="tax">That the total contains.</param>
    /// <param name="earlierAmount">Of all earlier notes.</param>
    /// <param name="earlierTax">Of all earlier notes.</param>
    /// <param name="amount">Of this note.</param>
    /// <param name="minorUnits">Decimal places of the currency.</param>
    public static decimal Tax(decimal total, decimal tax, decimal earlierAmount, decimal earlierTax, decimal amount, int minorUnits) =>
        Round(tax * ((earlierAmount + amount) / total), minorUnits) - earlierTax;

    /// <summary>The amount, with tax, of a part of the invoice's lines.</summary>
    /// <param name="total">Of the invoice, positive.</param>
    /// <param name="lines">Sum of the invoice's lines but taxes, positive.</param>
    /// <param name="earlierLines">Of that, taken back by earlier notes of lines.</param>
    /// <param name="earlierAmount">Of those notes.</param>
    /// <param name="taken">Of the lines, taken back by this note.</param>
    /// <param name="minorUnits">Decimal places of the currency.</param>
    public static decimal Amount(
        decimal total,
        decimal lines,
        decimal earlierLines,
        decimal earlierAmount,
        decimal taken,
        int minorUnits
    ) => Round(total * ((earlierLines + taken) / lines), minorUnits) - earlierAmount;

    private static decimal Round(decimal amount, int minorUnits) => Math.Round(amount, minorUnits, MidpointRounding.AwayFromZero);
}
