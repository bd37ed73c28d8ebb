using System.Globalization;
using NodaTime;
using Polaris.Billing.Features.Counting;
using Polaris.ServiceDefaults.Paging;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Usage;

/// <summary>The place of an event in lists ordered by timestamp and key. An empty key is before all events of its moment.</summary>
internal readonly record struct EventPlace(long TimestampUs, string Key) : IComparable<EventPlace>
{
    public Instant Bucket => Buckets.FromMicroseconds(Buckets.StartOf(TimestampUs));

    public int CompareTo(EventPlace other) =>
        TimestampUs != other.TimestampUs ? TimestampUs.CompareTo(other.TimestampUs) : string.CompareOrdinal(Key, other.Key);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{TimestampUs}:{Key}");

    public static EventPlace Of(UsageEvent one) => new(one.TimestampUs, one.IdempotencyKey);

    public static EventPlace Before(Instant at) => new(at.ToUnixTimeTicks() / 10, "");

    /// <summary>A cursor; null for the first page.</summary>
    /// <param name="after">The cursor.</param>
    /// <param name="emptyKey">Whether it may be a place between events.</param>
    public static EventPlace? Parse(string? after, bool emptyKey = false)
    {
        if (after is null)
            return null;
        var colon = after.IndexOf(':', StringComparison.Ordinal);
        var at = 0L;
        var isPlace =
            colon > 0
            && long.TryParse(after.AsSpan(0, colon), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out at)
            && at >= Limits.Earliest.ToUnixTimeMilliseconds() * 1_000
            && at <= Limits.Latest.ToUnixTimeMilliseconds() * 1_000
            && after.Length - colon - 1 <= Limits.MaxTextLength
            && (emptyKey || after.Length > colon + 1);
        Cursors.Checked(after, isPlace);
        return new EventPlace(at, after[(colon + 1)..]);
    }

    /// <summary>When Polaris took the events of a batch, from its id, a UUID of version 7.</summary>
    public static Instant ReceivedAt(ReadOnlySpan<byte> batch)
    {
        var milliseconds = 0L;
        foreach (var part in batch[..6])
            milliseconds = (milliseconds << 8) | part;
        return Instant.FromUnixTimeMilliseconds(milliseconds);
    }
}
