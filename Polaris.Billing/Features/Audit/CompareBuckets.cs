using Google.Protobuf.WellKnownTypes;
using NodaTime;
using Npgsql;
using Polaris.Billing.Features.Usage;
using Polaris.Ingestion.V1;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Audit;

/// <summary>
/// Compares an org's buckets with Ingestion's batches: is each the sum of exactly those batches that are applied? Batches under way are no
/// difference. Billing's side is one snapshot, and Ingestion is asked after it was taken, so it knows every batch that the snapshot has
/// applied; what is proved to be applied is summed there, the rest comes one by one and is looked up in the snapshot. No lock is taken.
/// </summary>
internal sealed class CompareBuckets(NpgsqlDataSource database, Ingestion.V1.Ingestion.IngestionClient ingestion)
{
    /// <param name="org">Whose.</param>
    /// <param name="from">Inclusive, a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive, a multiple of 15 minutes.</param>
    /// <param name="limit">At most this many sums are compared: the answer tells how far it came.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<BucketComparison> HandleAsync(Guid org, Instant from, Instant to, int limit, CancellationToken ct)
    {
        await using var tx = await database.BeginSnapshotAsync(org, ct);
        var (stored, storedThrough) = await StoredAsync(tx, org, from, to, limit, ct);
        var proved = await AppliedBatches.ProvedBeforeAsync(tx, ct);
        var answer = await ingestion.DigestEventsAsync(
            new DigestEventsRequest { OrgId = org.ToString(), From = ToTimestamp(from), To = ToTimestamp(to), TailFrom = proved.ToString(), Limit = limit },
            cancellationToken: ct);
        var through = Instant.Min(storedThrough, ToInstant(answer.Through));
        var alone = answer.Buckets.Where(one => one.BatchId.Length > 0).Select(one => (org, Guid.Parse(one.BatchId))).Distinct().ToArray();
        var applied = await AppliedBatches.AmongAsync(tx, alone, ct);
        var expected = new Dictionary<BucketPlace, BucketSum>();
        foreach (var one in answer.Buckets)
        {
            if (one.BatchId.Length > 0 && !applied.Contains((org, Guid.Parse(one.BatchId)))) continue;
            var place = new BucketPlace(ToInstant(one.BucketStart), one.Partition);
            expected[place] = expected.GetValueOrDefault(place).Plus(one.EventCount, one.Digest);
        }

        return Compare(stored, expected, through);
    }

    private static BucketComparison Compare(Dictionary<BucketPlace, BucketSum> stored, Dictionary<BucketPlace, BucketSum> expected, Instant through)
    {
        var events = new SortedDictionary<Instant, long>();
        var differences = new List<BucketDifference>();
        foreach (var place in stored.Keys.Union(expected.Keys).Where(place => place.Start < through))
        {
            var (left, right) = (stored.GetValueOrDefault(place), expected.GetValueOrDefault(place));
            events[place.Start] = events.GetValueOrDefault(place.Start) + Math.Max(left.EventCount, right.EventCount);
            if (left != right) differences.Add(new BucketDifference(place, left, right));
        }

        return new BucketComparison(through, events, differences);
    }

    private static async Task<(Dictionary<BucketPlace, BucketSum> Stored, Instant Through)> StoredAsync(
        ScopedTransaction tx, Guid org, Instant from, Instant to, int limit, CancellationToken ct)
    {
        await using var command = tx.Command("""
            SELECT bucket_start, partition, event_count, digest FROM usage_buckets
            WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3 ORDER BY bucket_start, partition LIMIT $4
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = from });
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = to });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var (stored, last) = (new Dictionary<BucketPlace, BucketSum>(), from);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            last = reader.GetFieldValue<Instant>(0);
            // A row that was tampered with may hold anything.
            stored.Add(new BucketPlace(last, reader.GetInt32(1)), new BucketSum(reader.GetInt64(2), ToDigest(reader.GetDecimal(3))));
        }

        return (stored, stored.Count < limit ? to : last);
    }

    internal static ulong ToDigest(decimal stored) => stored is >= 0 and <= ulong.MaxValue ? decimal.ToUInt64(stored) : 0;

    internal static Timestamp ToTimestamp(Instant instant) => Timestamp.FromDateTime(instant.ToDateTimeUtc());

    internal static Instant ToInstant(Timestamp timestamp) => Instant.FromDateTimeOffset(timestamp.ToDateTimeOffset());
}
