using NodaTime;
using Npgsql;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Usage;

/// <summary>
/// What the level of a customer's weighted_sum meter was before a bucket, so that nobody sums up its whole history again. Kept when an invoice is
/// drafted, under the org's lock taken alone; gone in the transaction that changes an earlier bucket. All rows of a customer and meter are of
/// one moment; without one the level is the sum of every earlier bucket.
/// </summary>
internal static class LevelCheckpoints
{
    /// <summary>
    /// Levels of the customers, meters ($6) and moments that <c>s(index, customer, starts)</c> names: of each combination of dimensions that is not 0.
    /// </summary>
    public const string Levels = $"""
        SELECT s.index, m.id AS meter_id, a.dimensions, {StoredSums.Units} AS level
        FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends) CROSS JOIN unnest($6::uuid[]) m(id)
        CROSS JOIN LATERAL (
          SELECT max(c.before) AS before FROM level_checkpoints c WHERE c.org_id = $1 AND c.customer_key = s.customer AND c.meter_id = m.id AND c.before <= s.starts) known
        CROSS JOIN LATERAL (
          SELECT u.dimensions, u.total FROM usage_aggregates u WHERE u.org_id = $1 AND u.customer_key = s.customer AND u.meter_id = m.id
            AND u.bucket_start >= coalesce(known.before, '-infinity') AND u.bucket_start < s.starts
          UNION ALL
          SELECT c.dimensions, c.level FROM level_checkpoints c WHERE c.org_id = $1 AND c.customer_key = s.customer AND c.meter_id = m.id AND c.before <= s.starts) a
        GROUP BY s.index, m.id, a.dimensions HAVING sum(a.total) <> 0
        """;

    /// <summary>Moves checkpoints forward to these moments; the caller holds the org's lock alone.</summary>
    public static async Task KeepAsync(ScopedTransaction tx, Guid org, IEnumerable<(string Customer, Instant Before)> moments, Guid[] meters, CancellationToken ct)
    {
        if (meters.Length == 0) return;
        var spans = moments.GroupBy(one => one.Customer, one => one.Before).Select((one, index) => new UsageSpan(index, one.Key, one.Max(), one.Max())).ToArray();
        var levels = await UsageOfSpans.LevelsAsync(tx, org, spans, meters, ct);
        await using (var delete = tx.Command("""
            DELETE FROM level_checkpoints c USING unnest($2::text[], $3::timestamptz[]) n(customer, before)
            WHERE c.org_id = $1 AND c.customer_key = n.customer AND c.meter_id = ANY($4) AND c.before < n.before
            """))
        {
            delete.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
            UsageSql.Array(delete, spans, span => span.Customer);
            UsageSql.Array(delete, spans, span => span.Start);
            delete.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = meters });
            await delete.ExecuteNonQueryAsync(ct);
        }

        // Where one is left, it is of a later moment.
        await using var insert = tx.Command("""
            INSERT INTO level_checkpoints (org_id, customer_key, meter_id, dimensions, before, level)
            SELECT $1, l.customer, l.meter_id, l.dimensions, l.before, trim_scale(l.units * 0.000000001)
            FROM unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::numeric[]) l(customer, meter_id, dimensions, before, units)
            WHERE NOT EXISTS (SELECT 1 FROM level_checkpoints c WHERE c.org_id = $1 AND c.customer_key = l.customer AND c.meter_id = l.meter_id)
            """);
        var rows = levels.ToArray();
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        UsageSql.Array(insert, rows, row => spans[row.Key.Index].Customer);
        UsageSql.Array(insert, rows, row => row.Key.Meter);
        UsageSql.Array(insert, rows, row => row.Key.Dimensions);
        UsageSql.Array(insert, rows, row => spans[row.Key.Index].Start);
        UsageSql.Array(insert, rows, row => (System.Numerics.BigInteger)row.Value.Units);
        await insert.ExecuteNonQueryAsync(ct);
    }

    /// <summary>These buckets changed: a checkpoint of a later moment is wrong now.</summary>
    /// <param name="tx">The transaction that changed them.</param>
    /// <param name="touched">The aggregates.</param>
    /// <param name="lasting">Meters of levels.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task ForgetAsync(ScopedTransaction tx, IEnumerable<AggregateKey> touched, IReadOnlySet<Guid> lasting, CancellationToken ct)
    {
        if (lasting.Count == 0) return;
        var rows = touched.Where(key => lasting.Contains(key.MeterId)).GroupBy(key => (key.OrgId, key.Customer, key.MeterId), key => key.BucketMicroseconds)
            .OrderBy(row => row.Key).Select(row => (row.Key.OrgId, row.Key.Customer, row.Key.MeterId, Bucket: row.Min())).ToArray();
        if (rows.Length == 0) return;
        await using var command = tx.Command("""
            DELETE FROM level_checkpoints c USING unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[]) t(org_id, customer_key, meter_id, bucket_start)
            WHERE c.org_id = t.org_id AND c.customer_key = t.customer_key AND c.meter_id = t.meter_id AND c.before > t.bucket_start
            """);
        UsageSql.Array(command, rows, row => row.OrgId);
        UsageSql.Array(command, rows, row => row.Customer);
        UsageSql.Array(command, rows, row => row.MeterId);
        UsageSql.Array(command, rows, row => FoldUsage.InstantOf(row.Bucket));
        await command.ExecuteNonQueryAsync(ct);
    }
}
