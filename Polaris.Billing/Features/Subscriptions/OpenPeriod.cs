using NodaTime;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>The first period of a subscription that is not invoiced yet, kept right when its end changes.</summary>
internal static class OpenPeriod
{
    /// <summary>When billing starts: the end of the trial, else the start.</summary>
    public static Instant BillingStart(SubscriptionRow row) => row.TrialEnd ?? row.StartAt;

    /// <summary>Whether nothing is invoiced yet, not even fees in advance.</summary>
    public static bool IsUntouched(SubscriptionRow row) =>
        row.NextPeriodStart is { } open ? open == BillingStart(row) && open == row.NextPeriodEnd : row.EndAt <= BillingStart(row);

    /// <summary>
    /// First is the invoice at the start, of the first period's fees in advance, whose period is empty: whether there are any is known
    /// then. None is made when there are none.
    /// </summary>
    public static void Begin(SubscriptionRow row)
    {
        var start = Calendars.Of(row) is var calendar && calendar.StartingAt(calendar.Start) is not null ? calendar.Start : (Instant?)null;
        (row.NextPeriodStart, row.NextPeriodEnd) = (start, start);
    }

    /// <summary>The subscription ends within its open period or later.</summary>
    public static void End(SubscriptionRow row, Instant end)
    {
        row.EndAt = end;
        if (row.NextPeriodEnd is not { } periodEnd || end >= periodEnd)
            return;
        // The invoice before billed this period's fees in advance up to its end at that time.
        row.PaidUntil ??= periodEnd;
        row.NextPeriodEnd = end;
    }

    /// <summary>The subscription ends before anything is billed: there is nothing to invoice.</summary>
    public static void Cancel(SubscriptionRow row, Instant end)
    {
        row.EndAt = end < row.StartAt ? row.StartAt : end;
        (row.NextPeriodStart, row.NextPeriodEnd) = (null, null);
    }

    /// <summary>The subscription goes on until the end stated at its creation.</summary>
    public static void GoOn(SubscriptionRow row)
    {
        (row.EndAt, row.PaidUntil, row.CreditUnused) = (row.AgreedEndAt, null, true);
        if (IsUntouched(row) || row.NextPeriodStart is not { } open)
            Begin(row);
        else
            row.NextPeriodEnd = Calendars.Of(row).StartingAt(open)?.End;
    }
}
