using NodaTime;

namespace Polaris.Billing.Persistence;

/// <summary>What Billing keeps of an org: its clock and its invoice numbers.</summary>
public sealed class OrgRow
{
    public Guid OrgId { get; set; }

    /// <summary>Where the org's test clock stands; null for real time.</summary>
    public Instant? FrozenAt { get; set; }

    public long NextInvoiceNumber { get; set; } = 1;

    /// <summary>The latest period end that was invoiced. Usage before it may change a draft.</summary>
    public Instant? InvoicedThrough { get; set; }
}

public sealed class CustomerRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public string? Email { get; set; }
    public Instant CreatedAt { get; set; }
}

public sealed class SubscriptionRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string CustomerKey { get; set; } = "";

    /// <summary>What it began with; <see cref="Changes"/> tell what it is on since.</summary>
    public string PlanKey { get; set; } = "";

    public Guid PlanVersionId { get; set; }
    public Instant StartAt { get; set; }
    public Instant? EndAt { get; set; }

    /// <summary>Set when the end was moved into a period whose fees in advance had been billed already: that period's end as it was.</summary>
    public Instant? PaidUntil { get; set; }
    public int AnchorDay { get; set; }
    public string TimeZone { get; set; } = "UTC";

    /// <summary>The first period that is not invoiced yet; both null when the last one is.</summary>
    public Instant? NextPeriodStart { get; set; }

    public Instant? NextPeriodEnd { get; set; }

    /// <summary>Its invoice could not be made: nothing is tried before then, by the real clock.</summary>
    public Instant? HeldUntil { get; set; }

    public Instant CreatedAt { get; set; }

    /// <summary>In order of time; every query brings them along.</summary>
    public List<PlanChangeRow> Changes { get; set; } = [];
}

/// <summary>From a moment on a subscription is on another plan version.</summary>
public sealed class PlanChangeRow
{
    public Guid OrgId { get; set; }
    public Guid SubscriptionId { get; set; }
    public Instant StartsAt { get; set; }
    public string PlanKey { get; set; } = "";
    public Guid PlanVersionId { get; set; }
    public Instant CreatedAt { get; set; }
}

/// <summary>An immutable copy of a plan version, so that rating and recomputing need no other service.</summary>
public sealed class PlanVersionRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string PlanKey { get; set; } = "";

    /// <summary>The protobuf message polaris.plans.v1.PlanVersion.</summary>
    public byte[] Message { get; set; } = [];
}

public sealed class MeterRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";

    /// <summary>The protobuf message polaris.plans.v1.Meter.</summary>
    public byte[] Message { get; set; } = [];

    /// <summary>Whether the usage from before the meter was known has been counted.</summary>
    public bool Filled { get; set; }
}
