using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>From a subscription's row to its periods.</summary>
internal static class Calendars
{
    public static PeriodCalendar Of(SubscriptionRow row) => new(row.StartAt, row.EndAt, row.AnchorDay, DateTimeZoneProviders.Tzdb[row.TimeZone]);
}
