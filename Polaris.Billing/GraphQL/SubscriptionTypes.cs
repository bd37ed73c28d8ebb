using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>How often a subscription is billed.</summary>
public enum SubscriptionInterval
{
    /// <summary>A week.</summary>
    Week = BillingInterval.Week,

    /// <summary>A month.</summary>
    Month = BillingInterval.Month,

    /// <summary>Three months.</summary>
    Quarter = BillingInterval.Quarter,

    /// <summary>Twelve months.</summary>
    Year = BillingInterval.Year,
}

/// <summary>That a customer has a plan for a time, and is billed for it period by period.</summary>
/// <param name="Id">The subscription's id.</param>
/// <param name="CustomerKey">The org's own key of the customer.</param>
/// <param name="Status">What the subscription is now, by the org's clock.</param>
/// <param name="PlanKey">The key of the current plan, or of the first one before the start.</param>
/// <param name="PlanVersionId">The id of the current plan version, or of the first one before the start.</param>
/// <param name="Start">When the subscription started, or will.</param>
/// <param name="TrialEnd">When its billing starts, if that is later than its start; else null.</param>
/// <param name="End">When it ends, exclusive; null while nothing ends it. Of a canceled one, its start or a time in its trial.</param>
/// <param name="CreditUnused">Whether fees in advance of time after the end are credited.</param>
/// <param name="Interval">How often it is billed.</param>
/// <param name="AnchorDay">The day of the month on which periods begin, or, of a week, 1 (Monday) to 7.</param>
/// <param name="AnchorMonth">Of a quarter or year: a month in which one begins, 1 to 12; else null.</param>
/// <param name="TimeZone">IANA name of the zone in which its billing periods begin.</param>
/// <param name="Versions">The plan versions that it had, has and will have, ordered by time.</param>
/// <param name="Warnings">
/// What may be a mistake; only in the answers of mutations that create a subscription or change its plan, else empty.
/// </param>
[Name("Subscription")]
public sealed partial record SubscriptionType(
    [property: Id] Guid Id,
    string CustomerKey,
    SubscriptionStatus Status,
    string PlanKey,
    [property: Id] Guid PlanVersionId,
    Instant Start,
    Instant? TrialEnd,
    Instant? End,
    bool CreditUnused,
    SubscriptionInterval Interval,
    int AnchorDay,
    int? AnchorMonth,
    string TimeZone,
    IReadOnlyList<SubscribedVersionType> Versions,
    IReadOnlyList<SubscriptionWarningType> Warnings
)
{
    /// <param name="row">With its changes loaded.</param>
    /// <param name="now">The org's time, which determines the status and the current plan.</param>
    /// <param name="shared">Meters that other subscriptions of the customer charge too.</param>
    internal static SubscriptionType Of(SubscriptionRow row, Instant now, IEnumerable<SharedMeter>? shared = null)
    {
        var versions = SubscribedVersionType.Of(row);
        var current = versions.LastOrDefault(version => version.From <= now, versions[0]);
        return new SubscriptionType(
            row.Id,
            row.CustomerKey,
            SubscriptionStatuses.Of(row, now),
            current.PlanKey,
            current.PlanVersionId,
            row.StartAt,
            row.TrialEnd,
            row.EndAt,
            row.CreditUnused,
            (SubscriptionInterval)row.Interval,
            row.AnchorDay,
            row.Interval is BillingInterval.Quarter or BillingInterval.Year ? row.AnchorMonth : null,
            row.TimeZone,
            versions,
            [.. (shared ?? []).Select(SubscriptionWarningType.Of)]
        )
        {
            OrgId = row.OrgId,
        };
    }
}

/// <summary>Something that may be a mistake, told by the mutations that create a subscription or change its plan.</summary>
/// <param name="Rule">A stable name of the rule: shared_meter.</param>
/// <param name="Message">What is odd, for people.</param>
/// <param name="Meter">The key of the meter that is charged twice.</param>
/// <param name="OtherSubscriptionId">The id of the other subscription that charges it.</param>
[Name("SubscriptionWarning")]
public sealed record SubscriptionWarningType(string Rule, string Message, string Meter, [property: Id] Guid OtherSubscriptionId)
{
    internal static SubscriptionWarningType Of(SharedMeter shared) =>
        new(
            "shared_meter",
            $"The customer's subscription {shared.Other} charges the meter '{shared.Meter}' too: each of them bills all of its usage.",
            shared.Meter,
            shared.Other
        );
}

/// <summary>A past, current or scheduled plan version of a subscription.</summary>
/// <param name="PlanKey">The plan's key.</param>
/// <param name="PlanVersionId">The plan version's id; of paused time, that of the version before.</param>
/// <param name="Paused">Whether nothing is charged in this time.</param>
/// <param name="From">When it begins.</param>
/// <param name="To">When it ends, exclusive; null while nothing ends it.</param>
[Name("SubscribedVersion")]
public sealed record SubscribedVersionType(string PlanKey, [property: Id] Guid PlanVersionId, bool Paused, Instant From, Instant? To)
{
    internal static IReadOnlyList<SubscribedVersionType> Of(SubscriptionRow row)
    {
        var versions = new List<SubscribedVersionType> { new(row.PlanKey, row.PlanVersionId, false, row.StartAt, row.EndAt) };
        foreach (var change in row.Changes.Where(change => !(change.StartsAt >= row.EndAt)).OrderBy(change => change.StartsAt))
        {
            var before = versions[^1];
            versions[^1] = before with { To = change.StartsAt };
            versions.Add(
                change.PlanVersionId == PlanVersion.PausedId
                    ? before with
                    {
                        Paused = true,
                        From = change.StartsAt,
                    }
                    : new SubscribedVersionType(change.PlanKey, change.PlanVersionId, false, change.StartsAt, row.EndAt)
            );
        }

        return versions;
    }
}

/// <summary>A discount that can be applied to subscriptions. Exactly one of <c>percent</c> and <c>amount</c> is set.</summary>
/// <param name="Key">The org's own key of the coupon.</param>
/// <param name="Name">Shown on invoices.</param>
/// <param name="Percent">Percentage that it takes off: 10 for 10 %; null when it takes off an amount.</param>
/// <param name="Amount">Amount that it takes off in each period; null when it takes off a percentage.</param>
/// <param name="Currency">ISO 4217 code of the amount; null when it takes off a percentage.</param>
/// <param name="Periods">The number of billing periods that it is valid for; null for all.</param>
/// <param name="CreatedAt">When the coupon was created.</param>
[Name("Coupon")]
public sealed record CouponType(
    string Key,
    string Name,
    decimal? Percent,
    decimal? Amount,
    string? Currency,
    int? Periods,
    Instant CreatedAt
)
{
    internal static CouponType Of(CouponRow row) =>
        new(row.Key, row.Name, row.Rate * 100, row.Amount, row.Currency, row.Periods, row.CreatedAt);
}

/// <summary>A page of coupons, ordered by key.</summary>
/// <param name="Nodes">The coupons of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("CouponPage")]
public sealed record CouponPageType(IReadOnlyList<CouponType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static CouponPageType Of(Page<CouponRow> page) =>
        new([.. page.Rows.Select(CouponType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>A coupon of a subscription, valid from the billing period that contains <c>appliedAt</c>.</summary>
/// <param name="SubscriptionId">The subscription's id.</param>
/// <param name="Coupon">The coupon's key.</param>
/// <param name="AppliedAt">The time whose billing period is the first one with the coupon.</param>
[Name("AppliedCoupon")]
public sealed record AppliedCouponType([property: Id] Guid SubscriptionId, string Coupon, Instant AppliedAt)
{
    internal static AppliedCouponType Of(AppliedCouponRow row) => new(row.SubscriptionId, row.CouponKey, row.AppliedAt);
}

/// <summary>A charge on the invoice of the billing period that contains <c>at</c>.</summary>
/// <param name="SubscriptionId">The subscription's id.</param>
/// <param name="Key">The charge's key, unique in the subscription.</param>
/// <param name="Name">Shown on the invoice.</param>
/// <param name="Amount">What is charged; negative for a credit.</param>
/// <param name="At">The time whose billing period's invoice has the charge.</param>
[Name("OneOffCharge")]
public sealed record OneOffChargeType([property: Id] Guid SubscriptionId, string Key, string Name, decimal Amount, Instant At)
{
    internal static OneOffChargeType Of(OneOffChargeRow row) => new(row.SubscriptionId, row.Key, row.Name, row.Amount, row.At);
}

/// <summary>A coupon to create: either a percentage, or an amount with its currency.</summary>
[Name("CreateCouponInput")]
public sealed class CreateCouponInput
{
    /// <summary>The org's own key of the coupon, unique in the org.</summary>
    public required string Key { get; set; }

    /// <summary>Shown on invoices. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>Percentage that it takes off: 10 for 10 %.</summary>
    public decimal? Percent { get; set; }

    /// <summary>Amount that it takes off in each period.</summary>
    public decimal? Amount { get; set; }

    /// <summary>ISO 4217 code of the amount; only with an amount.</summary>
    public string? Currency { get; set; }

    /// <summary>The number of billing periods that it is valid for. Default: all.</summary>
    public int? Periods { get; set; }

    internal NewCoupon ToNewCoupon() => new(Key, Name, Percent, Amount, Currency, Periods);
}

/// <summary>Which coupon a subscription gets, and since when.</summary>
[Name("ApplyCouponInput")]
public sealed class ApplyCouponInput
{
    /// <summary>The subscription's id.</summary>
    [Id]
    public required Guid SubscriptionId { get; set; }

    /// <summary>The coupon's key.</summary>
    public required string Coupon { get; set; }

    /// <summary>The time whose billing period is the first one with the coupon. Default: now.</summary>
    public Instant? At { get; set; }
}

/// <summary>A charge to put on one invoice of a subscription.</summary>
[Name("CreateOneOffChargeInput")]
public sealed class CreateOneOffChargeInput
{
    /// <summary>The subscription's id.</summary>
    [Id]
    public required Guid SubscriptionId { get; set; }

    /// <summary>Unique in the subscription: the same charge again changes nothing.</summary>
    public required string Key { get; set; }

    /// <summary>Shown on the invoice. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>What is charged, in the subscription's currency; negative for a credit.</summary>
    public required decimal Amount { get; set; }

    /// <summary>The time whose billing period's invoice gets the charge. Default: now.</summary>
    public Instant? At { get; set; }

    internal NewOneOffCharge ToNewCharge() => new(SubscriptionId, Key, Name, Amount, At);
}
