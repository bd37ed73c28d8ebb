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
    Week = BillingInterval.Week,
    Month = BillingInterval.Month,
    Quarter = BillingInterval.Quarter,
    Year = BillingInterval.Year,
}

/// <summary><c>end</c> of a canceled subscription is its start, or within its trial. <c>anchorMonth</c> is of a quarter or year.</summary>
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

/// <summary>
/// A past, current or scheduled plan version of a subscription. Of paused time it is the version before. The end is null while nothing ends
/// it.
/// </summary>
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

[Name("CouponPage")]
public sealed record CouponPageType(IReadOnlyList<CouponType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static CouponPageType Of(Page<CouponRow> page) =>
        new([.. page.Rows.Select(CouponType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>A coupon of a subscription, valid from the billing period that contains <c>appliedAt</c>.</summary>
[Name("AppliedCoupon")]
public sealed record AppliedCouponType([property: Id] Guid SubscriptionId, string Coupon, Instant AppliedAt)
{
    internal static AppliedCouponType Of(AppliedCouponRow row) => new(row.SubscriptionId, row.CouponKey, row.AppliedAt);
}

/// <summary>A charge on the invoice of the billing period that contains <c>at</c>.</summary>
[Name("OneOffCharge")]
public sealed record OneOffChargeType([property: Id] Guid SubscriptionId, string Key, string Name, decimal Amount, Instant At)
{
    internal static OneOffChargeType Of(OneOffChargeRow row) => new(row.SubscriptionId, row.Key, row.Name, row.Amount, row.At);
}

/// <summary>Either <c>percent</c>, or <c>amount</c> with its <c>currency</c>.</summary>
[Name("CreateCouponInput")]
public sealed class CreateCouponInput
{
    public required string Key { get; set; }

    /// <summary>Shown on invoices. Default: the key.</summary>
    public string? Name { get; set; }
    public decimal? Percent { get; set; }
    public decimal? Amount { get; set; }
    public string? Currency { get; set; }

    /// <summary>The number of billing periods that it is valid for. Default: all.</summary>
    public int? Periods { get; set; }

    internal NewCoupon ToNewCoupon() => new(Key, Name, Percent, Amount, Currency, Periods);
}

/// <summary>Without <c>at</c>: now.</summary>
[Name("ApplyCouponInput")]
public sealed class ApplyCouponInput
{
    [Id]
    public required Guid SubscriptionId { get; set; }
    public required string Coupon { get; set; }
    public Instant? At { get; set; }
}

/// <summary>Without <c>at</c>: now. A negative amount is a credit.</summary>
[Name("CreateOneOffChargeInput")]
public sealed class CreateOneOffChargeInput
{
    [Id]
    public required Guid SubscriptionId { get; set; }

    /// <summary>Unique in the subscription: the same charge again changes nothing.</summary>
    public required string Key { get; set; }

    /// <summary>Shown on the invoice. Default: the key.</summary>
    public string? Name { get; set; }
    public required decimal Amount { get; set; }
    public Instant? At { get; set; }

    internal NewOneOffCharge ToNewCharge() => new(SubscriptionId, Key, Name, Amount, At);
}
