using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>What holds for every change of a subscription that runs: from when it may be.</summary>
internal static class RunningSubscription
{
    public static async Task<SubscriptionRow> FindAsync(BillingDbContext db, Guid id, string path, CancellationToken ct) =>
        await db.Subscriptions.SingleOrDefaultAsync(row => row.Id == id, ct)
        ?? throw new RefusedException(new Refusal(RefusalKind.NotFound, "unknown_subscription", "There is no such subscription.", path));

    /// <summary>The moment that was asked for: a stated one, the end of the period in progress, or the beginning of the running quarter of an hour.</summary>
    public static Instant Moment(SubscriptionRow row, Instant now, Instant? at, bool atPeriodEnd)
    {
        if (at is not null && atPeriodEnd) throw new RefusedException(Refusal.Invalid("input.at", "one_of_two", "Say 'at' or 'atPeriodEnd', not both."));
        if (at is { } stated)
            return Buckets.IsAligned(stated) ? stated : throw new RefusedException(Refusal.Invalid("input.at", "not_aligned", "'at' must be a multiple of 15 minutes, such as 10:15:00Z."));
        if (!atPeriodEnd) return Buckets.FromMicroseconds(Buckets.StartOf(now.ToUnixTimeTicks() / 10));
        return Calendars.Of(row).Containing(now < row.StartAt ? row.StartAt : now) is { } period
            ? period.End
            : throw new RefusedException(Refusal.Conflict("subscription_ended", $"The subscription ended at {row.EndAt}.", "input.subscriptionId"));
    }

    /// <exception cref="RefusedException">The moment is not after the start, or not after what is invoiced.</exception>
    public static void CheckOpen(SubscriptionRow row, Instant at)
    {
        if (at <= row.StartAt) throw new RefusedException(Refusal.Invalid("input.at", "before_start", $"The subscription starts at {row.StartAt}; 'at' must be after it."));
        if (row.NextPeriodStart is not { } open) throw new RefusedException(Refusal.Conflict("subscription_ended", $"The subscription ended at {row.EndAt} and is invoiced.", "input.subscriptionId"));
        // That moment itself is too early: the invoice before it has billed fees in advance from there on.
        if (at <= open) throw new RefusedException(Refusal.Invalid("input.at", "period_invoiced", $"Everything before {open} is invoiced; 'at' must be after it."));
    }
}
