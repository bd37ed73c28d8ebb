using System.Globalization;

namespace Polaris.Ingestion.Domain;

/// <summary>What depends on when a request came and with which key: how old and how new its events may be.</summary>
/// <param name="Now">When it was received; the timestamp of events without one.</param>
/// <param name="Backfill">Whether events of any age are taken.</param>
internal readonly record struct EventRules(DateTimeOffset Now, bool Backfill)
{
    /// <summary>Why an event of that time is not taken; null when it is.</summary>
    /// <param name="field">What the client calls it: <c>timestamp</c> or, in a CloudEvent, <c>time</c>.</param>
    /// <param name="anyAge">A void counts for nothing, so its age does not matter.</param>
    public Rejection? Check(string field, DateTimeOffset at, bool anyAge = false)
    {
        if (at > Now + Limits.MaxAhead)
            return new Rejection("timestamp_too_new", field, string.Create(CultureInfo.InvariantCulture, $"'{field}' is at most {Limits.MaxAhead.Minutes} minutes ahead of now."));
        var free = anyAge || Backfill;
        if (at >= (free ? Limits.Earliest : Now - Limits.MaxAge)) return null;
        return new Rejection("timestamp_too_old", field, free
            ? $"'{field}' is not before 1970."
            : string.Create(CultureInfo.InvariantCulture, $"'{field}' is at most {Limits.MaxAge.Days} days back, unless the API key may backfill."));
    }

    public static long Microseconds(DateTimeOffset at) => (at - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
