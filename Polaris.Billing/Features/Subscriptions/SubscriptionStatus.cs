using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>What a subscription is at a time of the org's clock.</summary>
public enum SubscriptionStatus
{
    /// <summary>It starts later.</summary>
    Scheduled,

    /// <summary>It runs; billing starts later.</summary>
    Trialing,

    /// <summary>It runs and is billed.</summary>
    Active,

    /// <summary>It runs, and nothing is charged.</summary>
    Paused,

    /// <summary>It ends, or ended, before billing starts: there is no invoice.</summary>
    Canceled,

    /// <summary>Its end has passed.</summary>
    Ended,
}

internal static class SubscriptionStatuses
{
    public static SubscriptionStatus Of(SubscriptionRow row, Instant now)
    {
        if (row.EndAt <= row.StartAt || (row.EndAt <= row.TrialEnd && row.EndAt <= now))
            return SubscriptionStatus.Canceled;
        if (row.EndAt <= now)
            return SubscriptionStatus.Ended;
        if (now < row.StartAt)
            return SubscriptionStatus.Scheduled;
        if (now < row.TrialEnd)
            return SubscriptionStatus.Trialing;
        return Calendars.PlansOf(row).At(now) == PlanVersion.PausedId ? SubscriptionStatus.Paused : SubscriptionStatus.Active;
    }
}
