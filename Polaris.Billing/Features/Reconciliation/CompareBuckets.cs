using Google.Protobuf.WellKnownTypes;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Counting;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>
/// Compares an org's buckets with Ingestion's batches: is each bucket the sum of exactly the applied batches? Batches in flight are no
/// difference. Billing's side is one snapshot, and Ingestion is asked afterwards, so it knows every batch that the snapshot has applied.
/// Batches verified as applied are summed by Ingestion; later ones are listed and looked up in the snapshot. Takes no lock.
/// </summary>
internal sealed class CompareBuckets(NpgsqlDataSource database, Ingestion.V1.Ingestion.IngestionClient ingestion)
{
    /// <param name="org">The org.</param>
    /// <param name="from">Inclusive, a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive, a multiple of 15 minutes.</param>
    /// <param name="limit">Maximum number of sums compared; the result says how far the comparison came.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<BucketComparison> HandleAsync(Guid org, Instant from, Instant to, int limit, CancellationToken ct)
    {
        await using var tx = await database.BeginSnapshotAsync(org, ct);
        var (stored, storedThrough) = await StoredAsync(tx, org, from, to, limit, ct);
        var verified = await AppliedBatches.VerifiedBeforeAsync(tx, ct);
        var answer = await ingestion.DigestEventsAsync(
            new DigestEventsRequest
            {
                OrgId = org.ToString(),
                From = ToTimestamp(from),
                To = ToTimestamp(to),
                TailFrom = verified.ToString(),
                Limit = limit,
            },
            cancellationToken: ct
        );
        var through = Instant.Min(storedThrough, ToInstant(answer.Through));
        var alone = answer
            .Buckets.Where(bucket => bucket.BatchId.Length > 0)
            .Select(bucket => (org, Guid.Parse(bucket.BatchId)))
            .Distinct()
            .ToArray();
        var applied = await AppliedBatches.AmongAsync(tx, alone, ct);
        var expected = new Dictionary<BucketPlace, BucketSum>();
        foreach (var bucket in answer.Buckets)
        {
            if (bucket.BatchId.Length > 0 && !applied.Contains((org, Guid.Parse(bucket.BatchId))))
                continue;
            var place = new BucketPlace(ToInstant(bucket.BucketStart), bucket.Partition);
            expected[place] = expected.GetValueOrDefault(place).Plus(bucket.EventCount, bucket.Digest);
        }

        return Compare(stored, expected, through);
    }

    private static BucketComparison Compare(
        Dictionary<BucketPlace, BucketSum> stored,
        Dictionary<BucketPlace, BucketSum> expected,
        Instant through
    )
    {
        var events = new SortedDictionary<Instant, long>();
        var differences = new List<BucketDifference>();
        foreach (var place in stored.Keys.Union(expected.Keys).Where(place => place.Start < through))
        {
            var (left, right) = (stored.GetValueOrDefault(place), expected.GetValueOrDefault(place));
            events[place.Start] = events.GetValueOrDefault(place.Start) + Math.Max(left.EventCount, right.EventCount);
            if (left != right)
                differences.Add(new BucketDifference(place, left, right));
        }

        return new BucketComparison(through, events, differences);
    }

    private static async Task<(Dictionary<BucketPlace, BucketSum> Stored, Instant Through)> StoredAsync(
        ScopedTransaction tx,
        Guid org,
        Instant from,
        Instant to,
        int limit,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT bucket_start, partition, event_count, digest FROM usage_buckets
            WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3 ORDER BY bucket_start, partition LIMIT $4
            """
        );
        command.Bind(org).Bind(from).Bind(to).Bind(limit);
        var (stored, last) = (new Dictionary<BucketPlace, BucketSum>(), from);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            last = reader.GetFieldValue<Instant>(0);
            // A corrupted row may hold any value.
            stored.Add(new BucketPlace(last, reader.GetInt32(1)), new BucketSum(reader.GetInt64(2), ToDigest(reader.GetDecimal(3))));
        }

        return (stored, stored.Count < limit ? to : last);
    }

    internal static ulong ToDigest(decimal stored) => stored is >= 0 and <= ulong.MaxValue ? decimal.ToUInt64(stored) : 0;

    internal static Timestamp ToTimestamp(Instant instant) => Timestamp.FromDateTime(instant.ToDateTimeUtc());

    internal static Instant ToInstant(Timestamp timestamp) => Instant.FromDateTimeOffset(timestamp.ToDateTimeOffset());
}
