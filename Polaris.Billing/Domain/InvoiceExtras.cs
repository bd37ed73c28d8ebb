using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>A coupon: a discount of one subscription, applied after the plan's discounts and before taxes.</summary>
/// <param name="Discount">Its key, name, and rate or amount.</param>
/// <param name="AppliedAt">Valid from the period that contains this time.</param>
/// <param name="Until">The end of the last period it is valid for; null for ever.</param>
public sealed record SubscriptionDiscount(Discount Discount, Instant AppliedAt, Instant? Until = null)
{
    /// <summary>Whether a non-empty period has it.</summary>
    internal bool IsFor(BillingPeriod period) => period.End > AppliedAt && !(Until <= period.Start);

    /// <summary>Whether the fees in advance of a period have it: those are billed at its start.</summary>
    internal bool IsForAdvance(BillingPeriod period) => AppliedAt <= period.Start && IsFor(period);
}

/// <summary>A single amount (a setup fee, a credit when negative) in the period that contains its time.</summary>
public sealed record OneOff(string Key, string Name, decimal Amount);

/// <summary>What a subscription adds to its plan on one invoice.</summary>
/// <param name="Discounts">All coupons, in the order in which they apply.</param>
/// <param name="OneOffs">Those of the invoice's period.</param>
/// <param name="CreditUnused">
/// False when the subscription ends early without a credit: what was billed in advance for its last period stays.
/// </param>
public sealed record InvoiceExtras(IReadOnlyList<SubscriptionDiscount> Discounts, IReadOnlyList<OneOff> OneOffs, bool CreditUnused = true)
{
    public static readonly InvoiceExtras None = new([], []);
}
