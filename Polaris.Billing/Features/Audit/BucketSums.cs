using System.Globalization;
using NodaTime;

namespace Polaris.Billing.Features.Audit;

/// <summary>A partition's share of an org's bucket.</summary>
internal readonly record struct BucketPlace(Instant Start, int Partition);

/// <summary>How many events, and the sum of their hashes modulo 2^64.</summary>
internal readonly record struct BucketSum(long EventCount, ulong Digest)
{
    public BucketSum Plus(long eventCount, ulong digest) => new(EventCount + eventCount, unchecked(Digest + digest));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{EventCount} events, digest {Digest:x16}");
}

/// <summary>A row of usage_buckets that is not the sum of the batches that are applied.</summary>
internal sealed record BucketDifference(BucketPlace Place, BucketSum Stored, BucketSum Expected);

/// <summary>What was compared, and what differs.</summary>
/// <param name="Through">Everything before was compared; the start of the span when a single bucket has too many batches under way.</param>
/// <param name="EventsByBucket">How many events each bucket holds that one of the sides knows.</param>
/// <param name="Differences">What differs.</param>
internal sealed record BucketComparison(Instant Through, SortedDictionary<Instant, long> EventsByBucket, IReadOnlyList<BucketDifference> Differences);
