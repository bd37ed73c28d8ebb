using System.Globalization;
using NodaTime;
using NodaTime.Extensions;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Counting;
using Polaris.Billing.Features.Rebuilding;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Reconciliation;

/// <summary>
/// The full comparison: folds an org's stored events of applied batches again and compares every aggregate with the result: count, digest,
/// total, maximum and the number of distinct values. Customers whose aggregates differ are marked for a rebuild. Buckets already marked and
/// meters still being filled are skipped.
/// </summary>
internal sealed class CompareAggregates(
    NpgsqlDataSource database,
    Ingestion.V1.Ingestion.IngestionClient ingestion,
    FreshBuckets freshBuckets,
    RebuildSignal rebuild,
    TimeProvider time
)
{
    private static string Text(UsageSums sums) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{sums.EventCount} events, digest {sums.Digest:x16}, total {sums.Total}, max {sums.Max}, {sums.Uniques} distinct"
        )
        + (sums.Min is { } min ? string.Create(CultureInfo.InvariantCulture, $", min {min}") : "")
        + (sums.Latest is { } latest ? string.Create(CultureInfo.InvariantCulture, $", latest {latest.Value} at {latest.At}") : "")
        + (sums.Moment is { } moment ? string.Create(CultureInfo.InvariantCulture, $", moment {moment}") : "");

    /// <summary>Returns the differences. The aggregates of the span must fit into memory.</summary>
    public async Task<IReadOnlyList<Finding>> HandleAsync(Guid org, Instant from, Instant to, CancellationToken ct)
    {
        var findings = new List<Finding>();
        var wrong = new HashSet<(string Customer, long Bucket)>();
        await using (var tx = await database.BeginSnapshotAsync(org, ct))
        {
            var filled = await FilledAsync(tx, org, ct);
            var meters = (await MeterCatalog.ReadAsync(tx, [org], ct))
                .GetValueOrDefault(org, [])
                .Where(meter => filled.Contains(meter.Id))
                .ToDictionary(meter => meter.Id);
            if (meters.Count == 0)
                return findings;
            var stored = await StoredAsync(tx, org, from, to, meters, ct);
            var dirty = await DirtyAsync(tx, org, from, to, ct);
            var expected = (
                await RefoldUsage.FoldAsync(tx, ingestion, new RefoldScope(org, null, [.. meters.Values], from, to), ct)
            ).Aggregates.ToDictionary(row => row.Key, row => row.Value.Stored);
            foreach (var key in stored.Keys.Union(expected.Keys).Where(key => !dirty.Contains((key.Customer, key.BucketMicroseconds))))
            {
                var (left, right) = (stored.GetValueOrDefault(key), expected.GetValueOrDefault(key));
                if (left == right)
                    continue;
                findings.Add(
                    Finding.Aggregate(
                        Buckets.FromMicroseconds(key.BucketMicroseconds),
                        key.Customer,
                        meters[key.MeterId].Key,
                        Text(left),
                        Text(right)
                    )
                );
                wrong.Add((key.Customer, key.BucketMicroseconds));
            }
        }

        if (wrong.Count > 0)
            await MarkAsync(org, wrong, ct);
        return findings;
    }

    private static async Task<HashSet<Guid>> FilledAsync(ScopedTransaction tx, Guid org, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT id FROM meters WHERE org_id = $1 AND filled");
        command.Bind(org);
        var filled = new HashSet<Guid>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            filled.Add(reader.GetGuid(0));
        return filled;
    }

    private static async Task<Dictionary<AggregateKey, UsageSums>> StoredAsync(
        ScopedTransaction tx,
        Guid org,
        Instant from,
        Instant to,
        Dictionary<Guid, MeterDefinition> meters,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            $"""
            WITH counted AS (
              SELECT customer_key, meter_id, bucket_start, dimensions, event_count, digest, total, max_value, min_value, moment,
                latest_at, latest_hash, latest_value, 0 AS uniques
              FROM usage_aggregates
              WHERE org_id = $1 AND meter_id = ANY($2) AND bucket_start >= $3 AND bucket_start < $4
              UNION ALL
              SELECT customer_key, meter_id, bucket_start, dimensions, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, count(*) FROM usage_uniques
              WHERE org_id = $1 AND meter_id = ANY($2) AND bucket_start >= $3 AND bucket_start < $4
              GROUP BY customer_key, meter_id, bucket_start, dimensions)
            SELECT customer_key, meter_id, bucket_start, dimensions, sum(uniques)::bigint, sum(event_count)::bigint,
              sum(digest), {StoredSums.Units}, sum(max_value), max(min_value), max(moment),
              max(latest_at), max(latest_hash), max(latest_value)
            FROM counted a GROUP BY customer_key, meter_id, bucket_start, dimensions
            """
        );
        command.Bind(org).Bind<Guid[]>([.. meters.Keys]).Bind(from).Bind(to);
        var stored = new Dictionary<AggregateKey, UsageSums>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var key = new AggregateKey(
                org,
                reader.GetString(0),
                reader.GetGuid(1),
                reader.GetFieldValue<Instant>(2).ToUnixTimeTicks() / 10,
                reader.GetString(3)
            );
            stored.Add(key, StoredSums.Read(reader, 5) with { Uniques = reader.GetInt64(4) });
        }

        return stored;
    }

    private static async Task<HashSet<(string, long)>> DirtyAsync(
        ScopedTransaction tx,
        Guid org,
        Instant from,
        Instant to,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            "SELECT customer_key, bucket_start FROM dirty_buckets WHERE org_id = $1 AND bucket_start >= $2 AND bucket_start < $3"
        );
        command.Bind(org).Bind(from).Bind(to);
        var dirty = new HashSet<(string, long)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            dirty.Add((reader.GetString(0), reader.GetFieldValue<Instant>(1).ToUnixTimeTicks() / 10));
        return dirty;
    }

    /// <summary>Marks the buckets for a rebuild and for another comparison soon.</summary>
    private async Task MarkAsync(Guid org, HashSet<(string Customer, long Bucket)> wrong, CancellationToken ct)
    {
        await using var tx = await database.BeginOrgAsync(org, ct);
        await UsageSql.MarkDirtyAsync(tx, wrong.Select(place => (org, place.Customer, place.Bucket)), time.GetCurrentInstant(), ct);
        await freshBuckets.RecordAsync(tx, wrong.Select(place => new BucketKey(org, place.Bucket, 0)), ct);
        await tx.CommitAsync(ct);
        rebuild.Wake();
    }
}
