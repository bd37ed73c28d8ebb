using NodaTime;

namespace Polaris.ServiceDefaults.Contracts;

/// <summary>The 15-minute buckets of aggregation, reconciliation and replay. Every real UTC offset is a multiple of 15 minutes.</summary>
public static class Buckets
{
    public const long SizeMicroseconds = 15L * 60 * 1_000_000;
    public static readonly Duration Size = Duration.FromMinutes(15);

    /// <summary>Start of the bucket that contains a timestamp, both in microseconds since the Unix epoch.</summary>
    public static long StartOf(long timestampMicroseconds)
    {
        var rest = timestampMicroseconds % SizeMicroseconds;
        return timestampMicroseconds - (rest < 0 ? rest + SizeMicroseconds : rest);
    }

    public static bool IsAligned(Instant instant) => instant.ToUnixTimeTicks() % Size.BclCompatibleTicks == 0;

    /// <summary>The first multiple of 15 minutes that is not before <paramref name="instant"/>.</summary>
    public static Instant AtOrAfter(Instant instant)
    {
        var floor = FromMicroseconds(StartOf(instant.ToUnixTimeTicks() / 10));
        return floor == instant ? instant : floor + Size;
    }

    public static Instant FromMicroseconds(long microseconds) => Instant.FromUnixTimeTicks(checked(microseconds * 10));
}
