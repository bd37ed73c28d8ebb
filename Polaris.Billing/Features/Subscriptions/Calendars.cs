using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>From a subscription's row to its periods and to the plan versions that hold in them.</summary>
internal static class Calendars
{
    public static PeriodCalendar Of(SubscriptionRow row) => new(row.StartAt, row.EndAt, row.AnchorDay, DateTimeZoneProviders.Tzdb[row.TimeZone]);

    /// <summary>A change after an end that was set later never comes.</summary>
    public static PlanHistory PlansOf(SubscriptionRow row) => new(row.PlanVersionId, [.. row.Changes.Where(change => row.EndAt is not { } end || change.StartsAt < end)
        .OrderBy(change => change.StartsAt).Select(change => new PlanChange(change.StartsAt, change.PlanVersionId))]);
}
