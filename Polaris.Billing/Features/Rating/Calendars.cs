using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Rating;

/// <summary>Converts a subscription's row to its periods and plan history.</summary>
internal static class Calendars
{
    public static PeriodCalendar Of(SubscriptionRow row) =>
        new(row.TrialEnd ?? row.StartAt, row.EndAt, CycleOf(row), DateTimeZoneProviders.Tzdb[row.TimeZone]);

    public static BillingCycle CycleOf(SubscriptionRow row) => new(row.Interval, row.AnchorDay, row.AnchorMonth);

    /// <summary>
    /// What the subscription adds to its plan on the invoice of a period. <see cref="SubscriptionExtras"/> has loaded it before.
    /// </summary>
    public static InvoiceExtras ExtrasOf(SubscriptionRow row, BillingPeriod period) =>
        row.Extras is { } extras
            ? extras(period)
            : throw new InvalidOperationException("The subscription's coupons and one-off charges are not loaded.");

    /// <summary>
    /// Ignores changes after the subscription's end. What changed before billing started, and so before anything was billed, is as if
    /// it had been so from the beginning.
    /// </summary>
    public static PlanHistory PlansOf(SubscriptionRow row)
    {
        var start = row.TrialEnd ?? row.StartAt;
        var changes = row
            .Changes.Where(change => row.EndAt is not { } end || change.StartsAt < end)
            .OrderBy(change => change.StartsAt)
            .ToArray();
        var before = changes.LastOrDefault(change => change.StartsAt <= start && !change.AfterBilling);
        if (before is null || before.PlanVersionId == PlanVersion.PausedId)
            return new PlanHistory(row.PlanVersionId, [.. changes.Select(ToChange)]);
        return new PlanHistory(
            before.PlanVersionId,
            [.. changes.SkipWhile(change => change.StartsAt <= before.StartsAt && !change.AfterBilling).Select(ToChange)]
        );

        static PlanChange ToChange(PlanChangeRow change) => new(change.StartsAt, change.PlanVersionId, change.AfterBilling);
    }
}
