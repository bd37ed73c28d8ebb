using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

/// <summary>Values of a subscription's billing period that the org wants to hear of, of all customers, those of a plan, or one.</summary>
public sealed class ThresholdRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public ThresholdOn On { get; set; }

    /// <summary>Only subscriptions on this plan; null for all.</summary>
    public string? PlanKey { get; set; }

    /// <summary>Only this customer's; null for all.</summary>
    public string? CustomerKey { get; set; }

    /// <summary>Of a quantity; else null.</summary>
    public Guid? MeterId { get; set; }

    public string? MeterKey { get; set; }

    /// <summary>Whether the quantity is decided when usage is counted; else right after, as amounts are.</summary>
    public bool AtOnce { get; set; }

    /// <summary>The key of the charge whose included units are meant; else null.</summary>
    public string? Charge { get; set; }

    /// <summary>Of an amount or a balance; else null.</summary>
    public string? Currency { get; set; }

    /// <summary>In ascending order.</summary>
    public decimal[] AtValues { get; set; } = [];

    public Instant CreatedAt { get; set; }
    public Instant? ArchivedAt { get; set; }
}

/// <summary>A value that was reached: once for each threshold, value, subscription and period, whatever happens to usage later.</summary>
public sealed class ThresholdCrossingRow
{
    public Guid OrgId { get; set; }
    public Guid SubscriptionId { get; set; }
    public Instant PeriodStart { get; set; }
    public Guid ThresholdId { get; set; }
    public decimal Value { get; set; }
    public Instant PeriodEnd { get; set; }
    public string CustomerKey { get; set; } = "";

    /// <summary>What it was when it crossed.</summary>
    public decimal Reached { get; set; }

    /// <summary>The id of its <c>usage.threshold_crossed</c>, in order of time.</summary>
    public Guid EventId { get; set; }

    public Instant CrossedAt { get; set; }
}

/// <summary>
/// A subscription whose usage changed in a bucket, to be rated for its thresholds. A row of its own for each change: who counts waits for
/// nobody who rates, and a change that comes while one rates is not lost.
/// </summary>
public sealed class ThresholdCheckRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public Guid SubscriptionId { get; set; }
    public Instant BucketStart { get; set; }

    /// <summary>Credits of the customer are gone: its balance is looked at even when nothing is left of them.</summary>
    public bool CreditsGone { get; set; }
}
