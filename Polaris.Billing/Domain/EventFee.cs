namespace Polaris.Billing.Domain;

/// <summary>
/// A fee of each event, measured in place of the property, which is an amount of money: a percentage of it and a fixed amount, together at
/// least the minimum and at most the maximum. The meter's sum is then the fee itself, so that a bucket, a period and an invoice line hold
/// fees that no longer need their events.
/// </summary>
/// <param name="Percent">0 to 100, with at most 10 decimal places.</param>
/// <param name="Fixed">Like the two bounds 0 or more, below 10^12, with at most 9 decimal places.</param>
/// <param name="Minimum">Null for none.</param>
/// <param name="Maximum">Null for none.</param>
public sealed record EventFee(decimal Percent, decimal Fixed, decimal? Minimum, decimal? Maximum)
{
    // Of a percentage, as an integer: 10^10 in one percent, 100 percent in one.
    private const long PercentUnits = 10_000_000_000;
    private static readonly Int128 Divisor = (Int128)PercentUnits * 100;

    /// <summary>
    /// The fee of an amount, rounded once to 9 decimal places, half away from zero, before its bounds. The fee of a negative amount, a
    /// refund, is that of its magnitude, negative.
    /// </summary>
    /// <param name="amount">Countable, see <see cref="Limits.IsCountable"/>.</param>
    public decimal Of(decimal amount)
    {
        // 24 digits by 13 digits: far within 128 bits.
        ExactTotal units = Math.Abs(amount);
        var share = ((units.Units * (long)(Percent * PercentUnits)) + (Divisor / 2)) / Divisor;
        var fee = new ExactTotal(share).ToDecimal() + Fixed;
        if (fee < Minimum)
            fee = Minimum.Value;
        if (fee > Maximum)
            fee = Maximum.Value;
        return amount < 0 ? -fee : fee;
    }
}
