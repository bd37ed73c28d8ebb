using System.Numerics;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>The statements that move folded usage into the tables, a whole fold at a time.</summary>
internal static class UsageSql
{
    /// <summary>
    /// Appliers of an org's batches share its lock; whoever registers a meter or rebuilds buckets takes it alone. So a meter is either known
    /// to a batch's applier or filled from its events, never both and never neither.
    /// </summary>
    public static async Task LockOrgsSharedAsync(ScopedTransaction tx, IEnumerable<Guid> orgs, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT pg_advisory_xact_lock_shared(k) FROM unnest($1) k");
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. orgs.Select(LockNumber).Order()] });
        await command.ExecuteNonQueryAsync(ct);
    }

    public static async Task LockOrgAloneAsync(ScopedTransaction tx, Guid org, CancellationToken ct)
    {
        await using var command = tx.Command("SELECT pg_advisory_xact_lock($1)");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = LockNumber(org) });
        await command.ExecuteNonQueryAsync(ct);
    }

    public static async Task AddAggregatesAsync(ScopedTransaction tx, Dictionary<AggregateKey, UsageTotals> aggregates, CancellationToken ct)
    {
        if (aggregates.Count == 0) return;
        // One order for all writers: two transactions that touch the same rows cannot wait for each other in a circle.
        var rows = aggregates.OrderBy(row => row.Key.OrgId).ThenBy(row => row.Key.Customer, StringComparer.Ordinal)
            .ThenBy(row => row.Key.MeterId).ThenBy(row => row.Key.BucketMicroseconds).ThenBy(row => row.Key.Dimensions, StringComparer.Ordinal).ToArray();
        var stored = System.Array.ConvertAll(rows, row => row.Value.Stored);
        await using var command = tx.Command("""
            INSERT INTO usage_aggregates AS a (org_id, customer_key, meter_id, bucket_start, dimensions, event_count, total, peak, digest, low, moment, latest_at, latest_hash, latest_value)
            SELECT org_id, customer_key, meter_id, bucket_start, dimensions, event_count, trim_scale(units * 0.000000001), peak, digest, low, moment, latest_at, latest_hash, latest_value
            FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[], $6::bigint[], $7::numeric[], $8::numeric[], $9::numeric[],
              $10::numeric[], $11::numeric[], $12::bigint[], $13::numeric[], $14::numeric[])
              u(org_id, customer_key, meter_id, bucket_start, dimensions, event_count, units, peak, digest, low, moment, latest_at, latest_hash, latest_value)
            ON CONFLICT (org_id, customer_key, meter_id, bucket_start, dimensions) DO UPDATE SET
              event_count = a.event_count + excluded.event_count, total = a.total + excluded.total, peak = greatest(a.peak, excluded.peak),
              digest = (a.digest + excluded.digest) % 18446744073709551616, low = least(a.low, excluded.low), moment = a.moment + excluded.moment,
              latest_at = greatest(a.latest_at, excluded.latest_at),
              latest_hash = CASE WHEN (excluded.latest_at, excluded.latest_hash) > (a.latest_at, a.latest_hash) THEN excluded.latest_hash ELSE a.latest_hash END,
              latest_value = CASE WHEN (excluded.latest_at, excluded.latest_hash) > (a.latest_at, a.latest_hash) THEN excluded.latest_value ELSE a.latest_value END
            """);
        Array(command, rows, row => row.Key.OrgId);
        Array(command, rows, row => row.Key.Customer);
        Array(command, rows, row => row.Key.MeterId);
        Array(command, rows, row => FoldUsage.InstantOf(row.Key.BucketMicroseconds));
        Array(command, rows, row => row.Key.Dimensions);
        Array(command, stored, row => row.EventCount);
        Array(command, stored, row => (BigInteger)row.Total.Units);
        Array(command, stored, row => row.Peak);
        Array(command, stored, row => (decimal)row.Digest);
        Array(command, stored, row => row.Low);
        Array(command, stored, row => row.Moment);
        Array(command, stored, row => row.Latest?.At);
        Array(command, stored, row => (decimal?)row.Latest?.EventHash);
        Array(command, stored, row => row.Latest?.Value);
        await command.ExecuteNonQueryAsync(ct);
        await AddUniquesAsync(tx, rows, ct);
    }

    public static async Task AddBucketsAsync(ScopedTransaction tx, Dictionary<BucketKey, UsageTotals> buckets, CancellationToken ct)
    {
        if (buckets.Count == 0) return;
        var rows = buckets.OrderBy(row => row.Key.OrgId).ThenBy(row => row.Key.BucketMicroseconds).ThenBy(row => row.Key.Partition).ToArray();
        await using var command = tx.Command("""
            INSERT INTO usage_buckets AS b (org_id, bucket_start, partition, event_count, digest)
            SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::bigint[], $5::numeric[])
            ON CONFLICT (org_id, bucket_start, partition) DO UPDATE SET
              event_count = b.event_count + excluded.event_count, digest = (b.digest + excluded.digest) % 18446744073709551616
            """);
        Array(command, rows, row => row.Key.OrgId);
        Array(command, rows, row => FoldUsage.InstantOf(row.Key.BucketMicroseconds));
        Array(command, rows, row => row.Key.Partition);
        Array(command, rows, row => row.Value.EventCount);
        Array(command, rows, row => (decimal)row.Value.Digest);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Buckets that <see cref="RebuildBuckets"/> is to count anew; the caller wakes it after its commit.</summary>
    public static async Task MarkDirtyAsync(
        ScopedTransaction tx, IEnumerable<(Guid OrgId, string Customer, long BucketMicroseconds)> buckets, Instant now, CancellationToken ct)
    {
        var rows = buckets.Distinct().OrderBy(row => row.OrgId).ThenBy(row => row.Customer, StringComparer.Ordinal).ThenBy(row => row.BucketMicroseconds).ToArray();
        if (rows.Length == 0) return;
        await using var command = tx.Command("""
            INSERT INTO dirty_buckets (org_id, customer_key, bucket_start, marked_at)
            SELECT org_id, customer_key, bucket_start, $4 FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) d(org_id, customer_key, bucket_start)
            ON CONFLICT DO NOTHING
            """);
        Array(command, rows, row => row.OrgId);
        Array(command, rows, row => row.Customer);
        Array(command, rows, row => FoldUsage.InstantOf(row.BucketMicroseconds));
        command.Parameters.Add(new NpgsqlParameter<Instant> { TypedValue = now });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// Invoices whose period just changed: a draft will be replaced, and of a final one the difference goes to the next. Only usage from
    /// before what was invoiced can concern one. A level lasts: changing it changes all later periods too.
    /// </summary>
    /// <param name="tx">The transaction that changed the aggregates.</param>
    /// <param name="touched">The aggregates.</param>
    /// <param name="lasting">Meters of levels.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task MarkInvoicesStaleAsync(ScopedTransaction tx, IEnumerable<AggregateKey> touched, IReadOnlySet<Guid> lasting, CancellationToken ct)
    {
        var rows = touched.Select(key => (key.OrgId, key.Customer, key.BucketMicroseconds, Lasts: lasting.Contains(key.MeterId))).Distinct().Order().ToArray();
        if (rows.Length == 0) return;
        await using var command = tx.Command("""
            UPDATE invoices i SET stale = true
            FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bool[]) t(org_id, customer_key, bucket_start, lasts), orgs o
            WHERE o.org_id = t.org_id AND o.invoiced_through > t.bucket_start
              AND i.org_id = t.org_id AND i.customer_key = t.customer_key AND (i.period_start <= t.bucket_start OR t.lasts) AND i.period_end > t.bucket_start
              AND i.status <> 'void' AND NOT i.stale
            """);
        Array(command, rows, row => row.OrgId);
        Array(command, rows, row => row.Customer);
        Array(command, rows, row => FoldUsage.InstantOf(row.BucketMicroseconds));
        Array(command, rows, row => row.Lasts);
        await command.ExecuteNonQueryAsync(ct);
    }

    internal static void Array<TRow, TValue>(NpgsqlCommand command, IReadOnlyList<TRow> rows, Func<TRow, TValue> column)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++) values[i] = column(rows[i]);
        command.Parameters.Add(new NpgsqlParameter<TValue[]> { TypedValue = values });
    }

    private static async Task AddUniquesAsync(ScopedTransaction tx, KeyValuePair<AggregateKey, UsageTotals>[] aggregates, CancellationToken ct)
    {
        var rows = aggregates.SelectMany(row => row.Value.Uniques.Order().Select(value => (row.Key, Value: value))).ToArray();
        if (rows.Length == 0) return;
        await using var command = tx.Command("""
            INSERT INTO usage_uniques (org_id, customer_key, meter_id, bucket_start, dimensions, value_hash)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::text[], $6::uuid[]) ON CONFLICT DO NOTHING
            """);
        Array(command, rows, row => row.Key.OrgId);
        Array(command, rows, row => row.Key.Customer);
        Array(command, rows, row => row.Key.MeterId);
        Array(command, rows, row => FoldUsage.InstantOf(row.Key.BucketMicroseconds));
        Array(command, rows, row => row.Key.Dimensions);
        Array(command, rows, row => row.Value);
        await command.ExecuteNonQueryAsync(ct);
    }

    // The second half of a version 7 id is random, the first half is time.
    private static long LockNumber(Guid org)
    {
        Span<byte> bytes = stackalloc byte[16];
        org.TryWriteBytes(bytes, bigEndian: true, out _);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
    }
}
