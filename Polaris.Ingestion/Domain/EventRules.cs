using System.Globalization;

namespace Polaris.Ingestion.Domain;

/// <summary>The allowed age of an event, which depends on the time of receipt and on the API key.</summary>
/// <param name="Now">The org's time at receipt, which is also the timestamp of events without one.</param>
/// <param name="Backfill">Whether events of any age are accepted.</param>
/// <param name="Real">
/// The real time, when the org has a test clock: whoever may backfill loads history that the test clock has yet to come to.
/// </param>
internal readonly record struct EventRules(DateTimeOffset Now, bool Backfill, DateTimeOffset? Real = null)
{
    private DateTimeOffset Latest => (Backfill && Real > Now ? Real.Value : Now) + Limits.MaxAhead;

    /// <summary>Why an event with that timestamp is rejected; null when it is accepted.</summary>
    /// <param name="field">The client's name of the field: <c>timestamp</c> or, in a CloudEvent, <c>time</c>.</param>
    /// <param name="anyAge">For voids, which are not counted.</param>
    public Rejection? Check(string field, DateTimeOffset at, bool anyAge = false)
    {
        if (at > Latest)
            return new Rejection(
                "timestamp_too_new",
                field,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{field}' must be at most {Limits.MaxAhead.Minutes} minutes ahead of the org's clock."
                )
            );
        var free = anyAge || Backfill;
        if (at >= (free ? Limits.Earliest : Now - Limits.MaxAge))
            return null;
        return new Rejection(
            "timestamp_too_old",
            field,
            free
                ? $"'{field}' must not be before 1970."
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{field}' must be at most {Limits.MaxAge.Days} days in the past by the org's clock, unless the API key may backfill."
                )
        );
    }

    public static long Microseconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
