using NodaTime;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>Adds to the plan versions of a subscription: plan changes, pauses and resumptions.</summary>
internal static class VersionChanges
{
    /// <summary>Maximum number of changes of one subscription: every query loads them.</summary>
    public const int MaxChanges = 100;

    /// <param name="row">The subscription.</param>
    /// <param name="at">When the change takes effect.</param>
    /// <param name="now">The org's time.</param>
    /// <param name="resumes">A resumption may follow a scheduled pause.</param>
    /// <exception cref="RefusedException">There is no place for a change at that time.</exception>
    public static void CheckNext(SubscriptionRow row, Instant at, Instant now, bool resumes = false)
    {
        RunningSubscription.CheckOpen(row, at);
        if (row.EndAt is { } end && at >= end)
            throw new RefusedException(Refusal.Invalid("input.at", "after_end", $"The subscription ends at {end}."));
        if (row.Changes.FirstOrDefault(change => change.StartsAt >= at || (change.StartsAt > now && !resumes)) is { } other)
            throw new RefusedException(
                Refusal.Conflict(
                    "change_scheduled",
                    $"Another change is at {other.StartsAt}. Cancel it first if it is still scheduled.",
                    "input.at"
                )
            );
        if (row.Changes.Count >= MaxChanges)
            throw new RefusedException(
                Refusal.Conflict("too_many_changes", $"A subscription has at most {MaxChanges} changes. Create another subscription.")
            );
    }

    public static void Add(SubscriptionRow row, Instant at, string planKey, Guid version, Instant created) =>
        row.Changes.Add(
            new PlanChangeRow
            {
                OrgId = row.OrgId,
                SubscriptionId = row.Id,
                StartsAt = at,
                PlanKey = planKey,
                PlanVersionId = version,
                AfterBilling = at == row.NextPeriodStart && !OpenPeriod.IsUntouched(row),
                CreatedAt = created,
            }
        );
}
