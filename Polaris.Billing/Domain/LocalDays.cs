using NodaTime;

namespace Polaris.Billing.Domain;

/// <summary>Days of a time zone on the grid of buckets.</summary>
internal static class LocalDays
{
    /// <summary>
    /// The first moment of the day. Where the zone skips it, with midnight when clocks go forward or with a whole day when the date line
    /// moves, the next moment that exists. Up to 1979 some zones had offsets that are no multiples of 15 minutes: then the next multiple.
    /// </summary>
    public static Instant StartOf(LocalDate day, DateTimeZone zone)
    {
        var midnight = zone.MapLocal(day.AtMidnight());
        return Buckets.AtOrAfter(midnight.Count == 0 ? midnight.LateInterval.Start : midnight.First().ToInstant());
    }
}
