using System.Numerics;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Persistence;

/// <summary>Statements that write folded usage to the tables, one statement for a whole fold.</summary>
internal static class UsageSql
{
    /// <summary>
    /// The condition for a customer's buckets of a meter in [from, to), of usage_aggregates or usage_uniques. Rows are compared, where
    /// equalities would say the same, because only the primary key can answer that. Without statistics, such as after many customers were
    /// added at once, the planner took the index by meter and time instead and read every customer's buckets for each of them. The first
    /// equality adds nothing but a sensible estimate.
    /// </summary>
    public static string OfCustomer(string table, string customer, string meter, string from, string to) =>
        $"{table}.customer_key = {customer} "
        + $"AND ({table}.customer_key, {table}.meter_id, {table}.bucket_start) >= ({customer}, {meter}, {from}) "
        + $"AND ({table}.customer_key, {table}.meter_id, {table}.bucket_start) < ({customer}, {meter}, {to})";

    public static async Task AddAggregatesAsync(
        ScopedTransaction tx,
        Dictionary<AggregateKey, UsageTotals> aggregates,
        CancellationToken ct
    )
    {
        if (aggregates.Count == 0)
            return;
        // All writers use the same row order, so that concurrent transactions cannot deadlock.
        var rows = aggregates
            .OrderBy(row => row.Key.OrgId)
            .ThenBy(row => row.Key.Customer, StringComparer.Ordinal)
            .ThenBy(row => row.Key.MeterId)
            .ThenBy(row => row.Key.BucketMicroseconds)
            .ThenBy(row => row.Key.Dimensions, StringComparer.Ordinal)
            .ToArray();
        var stored = System.Array.ConvertAll(rows, row => row.Value.Stored);
        await using var command = tx.Command(
            """
            INSERT INTO usage_aggregates AS a (org_id, customer_key, meter_id, bucket_start, dimensions,
              event_count, total, max_value, digest, min_value, moment, latest_at, latest_hash, latest_value)
            SELECT org_id, customer_key, meter_id, bucket_start, dimensions,
              event_count, trim_scale(units * 0.000000001), max_value, digest, min_value, moment, latest_at, latest_hash, latest_value
            FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[], $6::bigint[], $7::numeric[],
              $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::bigint[], $13::numeric[], $14::numeric[])
              u(org_id, customer_key, meter_id, bucket_start, dimensions,
                event_count, units, max_value, digest, min_value, moment, latest_at, latest_hash, latest_value)
            ON CONFLICT (org_id, customer_key, meter_id, bucket_start, dimensions) DO UPDATE SET
              event_count = a.event_count + excluded.event_count, total = a.total + excluded.total,
              max_value = greatest(a.max_value, excluded.max_value),
              digest = (a.digest + excluded.digest) % 18446744073709551616, min_value = least(a.min_value, excluded.min_value),
              moment = a.moment + excluded.moment,
              latest_at = greatest(a.latest_at, excluded.latest_at),
              latest_hash = CASE WHEN (excluded.latest_at, excluded.latest_hash) > (a.latest_at, a.latest_hash)
                THEN excluded.latest_hash ELSE a.latest_hash END,
              latest_value = CASE WHEN (excluded.latest_at, excluded.latest_hash) > (a.latest_at, a.latest_hash)
                THEN excluded.latest_value ELSE a.latest_value END
            """
        );
        command
            .BindColumn(rows, row => row.Key.OrgId)
            .BindColumn(rows, row => row.Key.Customer)
            .BindColumn(rows, row => row.Key.MeterId)
            .BindColumn(rows, row => Buckets.FromMicroseconds(row.Key.BucketMicroseconds))
            .BindColumn(rows, row => row.Key.Dimensions)
            .BindColumn(stored, row => row.EventCount)
            .BindColumn(stored, row => (BigInteger)row.Total.Units)
            .BindColumn(stored, row => row.Max)
            .BindColumn(stored, row => (decimal)row.Digest)
            .BindColumn(stored, row => row.Min)
            .BindColumn(stored, row => row.Moment)
            .BindColumn(stored, row => row.Latest?.At)
            .BindColumn(stored, row => (decimal?)row.Latest?.EventHash)
            .BindColumn(stored, row => row.Latest?.Value);
        await command.ExecuteNonQueryAsync(ct);
        await AddUniquesAsync(tx, rows, ct);
    }

    public static async Task AddBucketsAsync(ScopedTransaction tx, Dictionary<BucketKey, UsageTotals> buckets, CancellationToken ct)
    {
        if (buckets.Count == 0)
            return;
        var rows = buckets
            .OrderBy(row => row.Key.OrgId)
            .ThenBy(row => row.Key.BucketMicroseconds)
            .ThenBy(row => row.Key.Partition)
            .ToArray();
        await using var command = tx.Command(
            """
            INSERT INTO usage_buckets AS b (org_id, bucket_start, partition, event_count, digest)
            SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::bigint[], $5::numeric[])
            ON CONFLICT (org_id, bucket_start, partition) DO UPDATE SET
              event_count = b.event_count + excluded.event_count, digest = (b.digest + excluded.digest) % 18446744073709551616
            """
        );
        command
            .BindColumn(rows, row => row.Key.OrgId)
            .BindColumn(rows, row => Buckets.FromMicroseconds(row.Key.BucketMicroseconds))
            .BindColumn(rows, row => row.Key.Partition)
            .BindColumn(rows, row => row.Value.EventCount)
            .BindColumn(rows, row => (decimal)row.Value.Digest);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Marks buckets for <c>RebuildBuckets</c>; the caller wakes it after its commit.</summary>
    public static async Task MarkDirtyAsync(
        ScopedTransaction tx,
        IEnumerable<(Guid OrgId, string Customer, long BucketMicroseconds)> buckets,
        Instant now,
        CancellationToken ct
    )
    {
        var rows = buckets
            .Distinct()
            .OrderBy(row => row.OrgId)
            .ThenBy(row => row.Customer, StringComparer.Ordinal)
            .ThenBy(row => row.BucketMicroseconds)
            .ToArray();
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO dirty_buckets (org_id, customer_key, bucket_start, marked_at)
            SELECT org_id, customer_key, bucket_start, $4
            FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) d(org_id, customer_key, bucket_start)
            ON CONFLICT DO NOTHING
            """
        );
        command
            .BindColumn(rows, row => row.OrgId)
            .BindColumn(rows, row => row.Customer)
            .BindColumn(rows, row => Buckets.FromMicroseconds(row.BucketMicroseconds))
            .Bind(now);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Marks invoices stale whose period changed: a draft will be replaced; of a finalized invoice the difference goes to the next one.
    /// Only usage before the latest invoiced period end matters. A level lasts, so changing it changes all later periods too.
    /// </summary>
    /// <param name="tx">The transaction that changed the aggregates.</param>
    /// <param name="touched">The changed aggregates.</param>
    /// <param name="lasting">Meters with a level.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task MarkInvoicesStaleAsync(
        ScopedTransaction tx,
        IEnumerable<AggregateKey> touched,
        IReadOnlySet<Guid> lasting,
        CancellationToken ct
    )
    {
        var rows = touched
            .Select(key => (key.OrgId, key.Customer, key.BucketMicroseconds, Lasts: lasting.Contains(key.MeterId)))
            .Distinct()
            .Order()
            .ToArray();
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            UPDATE invoices i SET stale = true
            FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bool[]) t(org_id, customer_key, bucket_start, lasts), orgs o
            WHERE o.org_id = t.org_id AND o.invoiced_through > t.bucket_start
              AND i.org_id = t.org_id AND i.customer_key = t.customer_key
              AND (i.period_start <= t.bucket_start OR t.lasts) AND i.period_end > t.bucket_start
              AND i.status <> 'void' AND NOT i.stale
            """
        );
        command
            .BindColumn(rows, row => row.OrgId)
            .BindColumn(rows, row => row.Customer)
            .BindColumn(rows, row => Buckets.FromMicroseconds(row.BucketMicroseconds))
            .BindColumn(rows, row => row.Lasts);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task AddUniquesAsync(
        ScopedTransaction tx,
        KeyValuePair<AggregateKey, UsageTotals>[] aggregates,
        CancellationToken ct
    )
    {
        var rows = aggregates.SelectMany(row => row.Value.Uniques.Order().Select(value => (row.Key, Value: value))).ToArray();
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO usage_uniques (org_id, customer_key, meter_id, bucket_start, dimensions, value_hash)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[], $6::uuid[]) ON CONFLICT DO NOTHING
            """
        );
        command
            .BindColumn(rows, row => row.Key.OrgId)
            .BindColumn(rows, row => row.Key.Customer)
            .BindColumn(rows, row => row.Key.MeterId)
            .BindColumn(rows, row => Buckets.FromMicroseconds(row.Key.BucketMicroseconds))
            .BindColumn(rows, row => row.Key.Dimensions)
            .BindColumn(rows, row => row.Value);
        await command.ExecuteNonQueryAsync(ct);
    }
}
