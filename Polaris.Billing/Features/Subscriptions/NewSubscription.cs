using NodaTime;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>The days on which periods begin: like the day that billing starts on, or the calendar's own.</summary>
public enum BillingAnchor
{
    /// <summary>Periods begin on days like the one on which billing starts.</summary>
    Anniversary,

    /// <summary>Periods begin with the calendar's weeks, months, quarters or years.</summary>
    Calendar,
}

/// <summary>A subscription to create.</summary>
/// <param name="Customer">The customer's key.</param>
/// <param name="Plan">The plan's key.</param>
/// <param name="Start">A multiple of 15 minutes.</param>
/// <param name="End">Exclusive; null without an end.</param>
/// <param name="TrialEnd">When billing starts; or <paramref name="TrialDays"/>; neither without a trial.</param>
/// <param name="TrialDays">The trial's days from the start, in the subscription's zone.</param>
/// <param name="AnchorDay">Only with <see cref="BillingAnchor.Anniversary"/>; else that of the day billing starts on.</param>
/// <param name="AnchorMonth">Likewise, of a quarter or year.</param>
/// <param name="TimeZone">IANA; null for UTC.</param>
/// <param name="ConfirmBackdate">Allows a start more than a year ago.</param>
public sealed record NewSubscription(
    string Customer,
    string Plan,
    Instant Start,
    Instant? End = null,
    Instant? TrialEnd = null,
    int? TrialDays = null,
    BillingInterval Interval = BillingInterval.Month,
    BillingAnchor Anchor = BillingAnchor.Anniversary,
    int? AnchorDay = null,
    int? AnchorMonth = null,
    string? TimeZone = null,
    bool ConfirmBackdate = false
)
{
    /// <summary>As long as the longest that comparable systems offer.</summary>
    public const int MaxTrialDays = 730;

    /// <summary>Its periods.</summary>
    /// <param name="path">Of the subscription in the input.</param>
    /// <exception cref="RefusedException">A value is out of bounds, or two of them contradict each other.</exception>
    internal PeriodCalendar Check(string path)
    {
        var zone =
            DateTimeZoneProviders.Tzdb.GetZoneOrNull(TimeZone ?? "UTC")
            ?? throw Refused(path, "timeZone", "unknown_time_zone", $"'{TimeZone}' is not an IANA time zone.");
        CheckTime(path, "start", Start);
        if (End is { } end)
        {
            CheckTime(path, "end", end);
            if (end <= Start)
                throw Refused(path, "end", "empty_span", "'end' must be after 'start'.");
        }

        var billed = BillingStart(path, zone);
        return new PeriodCalendar(billed, End, Cycle(path, billed.InZone(zone).Date), zone);
    }

    private Instant BillingStart(string path, DateTimeZone zone)
    {
        if (TrialEnd is not null && TrialDays is not null)
            throw Refused(path, "trialDays", "one_of_two", "Give either 'trialEnd' or 'trialDays', not both.");
        if (TrialEnd is { } stated)
        {
            CheckTime(path, "trialEnd", stated);
            return stated > Start ? stated : throw Refused(path, "trialEnd", "empty_span", "'trialEnd' must be after 'start'.");
        }

        if (TrialDays is not { } days)
            return Start;
        if (days is < 1 or > MaxTrialDays)
            throw Refused(path, "trialDays", "out_of_range", $"'trialDays' must be 1 to {MaxTrialDays}.");
        var ends = Buckets.AtOrAfter(Start.InZone(zone).LocalDateTime.PlusDays(days).InZoneLeniently(zone).ToInstant());
        StatedDates.Check($"{path}.trialDays", ends);
        return ends;
    }

    private BillingCycle Cycle(string path, LocalDate first)
    {
        if (!Enum.IsDefined(Interval))
            throw Refused(path, "interval", "out_of_range", "'interval' must be WEEK, MONTH, QUARTER or YEAR.");
        if (Anchor == BillingAnchor.Calendar)
        {
            if ((AnchorDay ?? AnchorMonth) is not null)
                throw Refused(
                    path,
                    AnchorDay is null ? "anchorMonth" : "anchorDay",
                    "not_with_calendar",
                    "With the anchor CALENDAR, periods begin on Mondays, on the first of the month or quarter, or on 1 January."
                );
            return BillingCycle.Calendar(Interval);
        }

        var cycle = BillingCycle.Anniversary(Interval, first);
        if (AnchorDay is { } day)
        {
            var last = Interval == BillingInterval.Week ? 7 : 31;
            if (day < 1 || day > last)
                throw Refused(
                    path,
                    "anchorDay",
                    "out_of_range",
                    last == 7
                        ? "'anchorDay' must be a day of the week, 1 (Monday) to 7."
                        : "'anchorDay' must be a day of the month, 1 to 31."
                );
            cycle = cycle with { AnchorDay = day };
        }

        if (AnchorMonth is { } month)
        {
            if (Interval is BillingInterval.Week or BillingInterval.Month)
                throw Refused(path, "anchorMonth", "not_with_interval", "'anchorMonth' is for the intervals QUARTER and YEAR.");
            if (month is < 1 or > 12)
                throw Refused(path, "anchorMonth", "out_of_range", "'anchorMonth' must be a month, 1 to 12.");
            cycle = cycle with { AnchorMonth = month };
        }

        return cycle;
    }

    private static void CheckTime(string path, string field, Instant time)
    {
        StatedDates.Check($"{path}.{field}", time);
        if (!Buckets.IsAligned(time))
            throw Refused(path, field, "not_aligned", $"'{field}' must be a multiple of 15 minutes, such as 10:15:00Z.");
    }

    private static RefusedException Refused(string path, string field, string code, string message) =>
        new(Refusal.Invalid($"{path}.{field}", code, message));
}
