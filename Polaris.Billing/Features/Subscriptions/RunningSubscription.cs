using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>Checks for changes of a subscription.</summary>
internal static class RunningSubscription
{
    public static async Task<SubscriptionRow> FindAsync(BillingDbContext db, Guid id, string path, CancellationToken ct) =>
        await db.Subscriptions.SingleOrDefaultAsync(row => row.Id == id, ct)
        ?? throw new RefusedException(new Refusal(RefusalKind.NotFound, "unknown_subscription", "There is no such subscription.", path));

    /// <summary>
    /// The time of the change: the given one, the end of the current period or trial, or the start of the current quarter of an hour.
    /// </summary>
    public static Instant Moment(SubscriptionRow row, Instant now, Instant? at, bool atPeriodEnd)
    {
        if (at is not null && atPeriodEnd)
            throw new RefusedException(Refusal.Invalid("input.at", "one_of_two", "Give either 'at' or 'atPeriodEnd', not both."));
        if (at is { } stated)
            return Stated(stated, "input.at");
        if (!atPeriodEnd)
            return Buckets.FromMicroseconds(Buckets.StartOf(now.ToUnixTimeTicks() / 10));
        if (now < row.TrialEnd)
            return row.TrialEnd.Value;
        return Calendars.Of(row).Containing(now < row.StartAt ? row.StartAt : now) is { } period
            ? period.End
            : throw Ended(row, "input.subscriptionId");
    }

    /// <exception cref="RefusedException">The time is out of bounds or between two buckets.</exception>
    public static Instant Stated(Instant at, string path)
    {
        StatedDates.Check(path, at);
        return Buckets.IsAligned(at)
            ? at
            : throw new RefusedException(Refusal.Invalid(path, "not_aligned", "'at' must be a multiple of 15 minutes, such as 10:15:00Z."));
    }

    /// <exception cref="RefusedException">The time is before the start, or within the invoiced periods.</exception>
    public static void CheckOpen(SubscriptionRow row, Instant at)
    {
        if (at < row.StartAt)
            throw new RefusedException(
                Refusal.Invalid("input.at", "before_start", $"The subscription starts at {row.StartAt}; 'at' must not be before it.")
            );
        if (row.NextPeriodStart is not { } open)
            throw Ended(row, "input.subscriptionId");
        if (at < open && !OpenPeriod.IsUntouched(row))
            throw Invoiced(open);
    }

    public static RefusedException Invoiced(Instant open) =>
        new(Refusal.Invalid("input.at", "period_invoiced", $"Everything before {open} is invoiced; 'at' must be after it."));

    public static RefusedException Ended(SubscriptionRow row, string path) =>
        new(Refusal.Conflict("subscription_ended", $"The subscription ended at {row.EndAt}.", path));
}
