using System.Globalization;
using NodaTime;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>One partition of an org's bucket.</summary>
internal readonly record struct BucketPlace(Instant Start, int Partition);

/// <summary>The number of events and the sum of their hashes modulo 2^64.</summary>
internal readonly record struct BucketSum(long EventCount, ulong Digest)
{
    public BucketSum Plus(long eventCount, ulong digest) => new(EventCount + eventCount, unchecked(Digest + digest));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{EventCount} events, digest {Digest:x16}");
}

/// <summary>A row of usage_buckets that differs from the sum of the applied batches.</summary>
internal sealed record BucketDifference(BucketPlace Place, BucketSum Stored, BucketSum Expected);

/// <summary>The result of a comparison.</summary>
/// <param name="Through">
/// Exclusive end of what was compared; the start of the span when a single bucket has too many batches in flight.
/// </param>
/// <param name="EventsByBucket">Number of events of each bucket known to either side.</param>
/// <param name="Differences">The buckets that differ.</param>
internal sealed record BucketComparison(
    Instant Through,
    SortedDictionary<Instant, long> EventsByBucket,
    IReadOnlyList<BucketDifference> Differences
);
