namespace Polaris.Billing.Domain;

/// <summary>What a threshold is about, of a subscription's billing period.</summary>
public enum ThresholdOn
{
    /// <summary>The quantity of a meter.</summary>
    Quantity,

    /// <summary>The quantity of a charge, in percent of its included units.</summary>
    IncludedPercent,

    /// <summary>The total of the period's invoice if it ended now.</summary>
    Amount,

    /// <summary>
    /// What the customer's prepaid credits have left once they pay what was used so far: its values are reached from above.
    /// </summary>
    Balance,
}
