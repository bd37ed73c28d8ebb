using System.ComponentModel.DataAnnotations.Schema;
using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Billing.Persistence;

/// <summary>Billing's data about an org: its clock, its numbers and its times of invoicing.</summary>
public sealed class OrgRow
{
    public Guid OrgId { get; set; }

    /// <summary>The test clock's time; null for real time.</summary>
    public Instant? FrozenAt { get; set; }

    /// <summary>When the test clock was last set, by the database's clock; Ingestion reads what changed since it last asked.</summary>
    public Instant? ClockSetAt { get; set; }

    /// <summary>Taken at finalization, in its transaction: finalized invoices are numbered without a gap.</summary>
    public long NextInvoiceNumber { get; set; } = 1;

    /// <summary>Taken when a draft is made.</summary>
    public long NextInvoiceSequence { get; set; } = 1;

    public long NextCreditNoteNumber { get; set; } = 1;

    public long NextLedgerEntry { get; set; } = 1;

    /// <summary>Hours from drafting, by the org's clock, after which a draft is finalized by itself; null: by hand only.</summary>
    public int? ReviewHours { get; set; }

    /// <summary>Minutes from a period's end to its draft; null: as the installation has it (<c>Billing:Grace</c>).</summary>
    public int? GraceMinutes { get; set; }

    /// <summary>The latest invoiced period end. Usage before it may change an invoice.</summary>
    public Instant? InvoicedThrough { get; set; }

    /// <summary>
    /// When the org's last turn of drafting invoices began, by the real clock: of the orgs with something due, the one whose turn is the
    /// longest ago is next. Null before the first turn.
    /// </summary>
    public Instant? InvoiceTurnAt { get; set; }
}

public sealed class CustomerRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public string? Email { get; set; }

    /// <summary>JSON of a <see cref="PostalAddress"/>.</summary>
    public string? Address { get; set; }

    public string? TaxId { get; set; }
    public Instant CreatedAt { get; set; }

    /// <summary>Whether the customer is to be stopped when its prepaid credits are used up.</summary>
    public bool HardStop { get; set; }

    /// <summary>Since when it takes no new subscriptions and is left out of lists; null when it is not archived.</summary>
    public Instant? ArchivedAt { get; set; }
}

public sealed class SubscriptionRow
{
    public Guid OrgId { get; set; }
    public Guid Id { get; set; }
    public string CustomerKey { get; set; } = "";

    /// <summary>The plan at the start; <see cref="Changes"/> has the later ones.</summary>
    public string PlanKey { get; set; } = "";

    public Guid PlanVersionId { get; set; }
    public Instant StartAt { get; set; }

    /// <summary>When billing starts; null without a trial. After <see cref="StartAt"/>.</summary>
    public Instant? TrialEnd { get; set; }

    /// <summary>At <see cref="StartAt"/>: canceled before it started.</summary>
    public Instant? EndAt { get; set; }

    /// <summary>The end stated when the subscription was created, to which undoing a later decision goes back.</summary>
    public Instant? AgreedEndAt { get; set; }

    /// <summary>Whether an early end credits the fees in advance of the time after it.</summary>
    public bool CreditUnused { get; set; } = true;

    /// <summary>
    /// Set when the end was moved into a period whose fees in advance had already been billed: the original end of that period.
    /// </summary>
    public Instant? PaidUntil { get; set; }

    /// <summary>With the anchor, a <see cref="BillingCycle"/>.</summary>
    public BillingInterval Interval { get; set; } = BillingInterval.Month;

    public int AnchorDay { get; set; }
    public int AnchorMonth { get; set; } = 1;
    public string TimeZone { get; set; } = "UTC";

    /// <summary>The first period that is not invoiced yet; both null when all are invoiced.</summary>
    public Instant? NextPeriodStart { get; set; }

    public Instant? NextPeriodEnd { get; set; }

    /// <summary>Its invoice could not be created; the next try is not before this time, by the real clock.</summary>
    public Instant? HeldUntil { get; set; }

    /// <summary>Why, as a stable code and for people; both null when nothing is held.</summary>
    public string? HeldCode { get; set; }

    public string? HeldMessage { get; set; }

    /// <summary>Failed tries since the last success; each makes the next wait longer.</summary>
    public int HeldTries { get; set; }

    public Instant CreatedAt { get; set; }

    /// <summary>Ordered by time; loaded with every query.</summary>
    public List<PlanChangeRow> Changes { get; set; } = [];

    /// <summary>The coupons and one-off charges of a period; null until they are loaded, which rating needs.</summary>
    [NotMapped]
    internal Func<BillingPeriod, InvoiceExtras>? Extras { get; set; }
}

/// <summary>
/// From a time on the subscription is on another plan version. The version <see cref="PlanVersion.PausedId"/> pauses it.
/// </summary>
public sealed class PlanChangeRow
{
    public Guid OrgId { get; set; }
    public Guid SubscriptionId { get; set; }
    public Instant StartsAt { get; set; }
    public string PlanKey { get; set; } = "";
    public Guid PlanVersionId { get; set; }

    /// <summary>
    /// The change is at the start of a period whose fees in advance the former version had already billed when the change was made.
    /// </summary>
    public bool AfterBilling { get; set; }

    public Instant CreatedAt { get; set; }
}

/// <summary>A discount that the org applies to subscriptions.</summary>
public sealed class CouponRow
{
    public Guid OrgId { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";

    /// <summary>A share, 0.1 for 10 %. Exactly one of rate and amount is set.</summary>
    public decimal? Rate { get; set; }

    /// <summary>An amount of each invoice, in <see cref="Currency"/>.</summary>
    public decimal? Amount { get; set; }

    public string? Currency { get; set; }

    /// <summary>The number of billing periods that it is valid for; null for all.</summary>
    public int? Periods { get; set; }

    public Instant CreatedAt { get; set; }
}

/// <summary>A coupon applied to a subscription. Coupons never change, so rating reads theirs.</summary>
public sealed class AppliedCouponRow
{
    public Guid OrgId { get; set; }
    public Guid SubscriptionId { get; set; }
    public string CouponKey { get; set; } = "";

    /// <summary>It is valid from the billing period that contains this time.</summary>
    public Instant AppliedAt { get; set; }

    public Instant CreatedAt { get; set; }
}

/// <summary>A charge that a subscription's invoice has once.</summary>
public sealed class OneOffChargeRow
{
    public Guid OrgId { get; set; }
    public Guid SubscriptionId { get; set; }
    public string Key { get; set; } = "";
    public string Name { get; set; } = "";
    public decimal Amount { get; set; }

    /// <summary>It is on the invoice of the billing period that contains this time.</summary>
    public Instant At { get; set; }

    public Instant CreatedAt { get; set; }
}

/// <summary>An immutable copy of a plan version, so that rating and recomputing do not depend on Plans.</summary>
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

    /// <summary>Whether usage from before the meter was registered has been counted.</summary>
    public bool Filled { get; set; }
}
