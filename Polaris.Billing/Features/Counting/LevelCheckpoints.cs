using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// The level of a customer's weighted_sum meter before a bucket, so that its whole history need not be summed again. Written when an
/// invoice is drafted, under the org's exclusive lock; deleted in the transaction that changes an earlier bucket. All rows of a customer
/// and meter have the same time; without one the level is the sum of all earlier buckets.
/// </summary>
internal static class LevelCheckpoints
{
    /// <summary>
    /// Levels of the customers, meters ($6) and times in <c>s(index, customer, starts)</c>, for each combination of dimensions whose level
    /// is not 0.
    /// </summary>
    private static readonly string Levels = $"""
        SELECT s.index, m.id AS meter_id, a.dimensions, {StoredSums.Units} AS level
        FROM unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[]) s(index, customer, starts, ends)
        CROSS JOIN unnest($6::uuid[]) m(id)
        CROSS JOIN LATERAL (
          SELECT max(c.before) AS before FROM level_checkpoints c
          WHERE c.org_id = $1 AND c.customer_key = s.customer AND c.meter_id = m.id AND c.before <= s.starts) known
        CROSS JOIN LATERAL (
          SELECT u.dimensions, u.total FROM usage_aggregates u WHERE u.org_id = $1
            AND {UsageSql.OfCustomer("u", "s.customer", "m.id", "coalesce(known.before, '-infinity')", "s.starts")}
          UNION ALL
          SELECT c.dimensions, c.level FROM level_checkpoints c
          WHERE c.org_id = $1 AND c.customer_key = s.customer AND c.meter_id = m.id AND c.before <= s.starts) a
        GROUP BY s.index, m.id, a.dimensions HAVING sum(a.total) <> 0
        """;

    /// <summary>Levels at the start of each span: the sum of all earlier changes, starting from a checkpoint where there is one.</summary>
    public static async Task<Dictionary<(int Index, Guid Meter, string Dimensions), ExactTotal>> ReadAsync(
        ScopedTransaction tx,
        Guid org,
        UsageSpan[] spans,
        Guid[] meters,
        CancellationToken ct
    )
    {
        var levels = new Dictionary<(int, Guid, string), ExactTotal>();
        if (meters.Length == 0)
            return levels;
        await using var command = tx.Command(Levels);
        Parameters(command, org, spans, meters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            levels.Add((reader.GetInt32(0), reader.GetGuid(1), reader.GetString(2)), StoredSums.Total(reader, 3));
        return levels;
    }

    /// <summary>
    /// Rows (customer_key, dimensions, total) whose sum by customer and dimensions is the level before $3 of the meter of the org. A
    /// checkpoint is used whether it is earlier or later than that: what changed in between is added or taken away, so a time near to it
    /// costs little, however long the history. Without one, all earlier buckets are added.
    /// </summary>
    /// <param name="customers">A table expression with a column customer_key; null for every customer of the org.</param>
    /// <param name="org">An expression; by default a parameter.</param>
    /// <param name="meter">An expression; by default a parameter.</param>
    public static string Before(string? customers, string org = "$1", string meter = "$2") =>
        $"""
            SELECT who.customer_key, l.dimensions, l.total FROM ({customers ?? EveryCustomer(org)}) who
            CROSS JOIN LATERAL (
              SELECT max(c.before) AS before FROM level_checkpoints c
              WHERE c.org_id = {org} AND c.customer_key = who.customer_key AND c.meter_id = {meter}) known
            CROSS JOIN LATERAL (
              SELECT c.dimensions, c.level AS total FROM level_checkpoints c
              WHERE c.org_id = {org} AND c.customer_key = who.customer_key AND c.meter_id = {meter}
              UNION ALL
              SELECT u.dimensions, u.total FROM usage_aggregates u
              WHERE u.org_id = {org} AND {UsageSql.OfCustomer("u", "who.customer_key", meter, "coalesce(known.before, '-infinity')", "$3")}
              UNION ALL
              SELECT u.dimensions, -u.total FROM usage_aggregates u
              WHERE u.org_id = {org} AND {UsageSql.OfCustomer("u", "who.customer_key", meter, "$3", "known.before")}) l
            """;

    /// <summary>Reads one index entry of each customer: DISTINCT would read every bucket.</summary>
    private static string EveryCustomer(string org) =>
        $"""
            WITH RECURSIVE each(customer_key) AS (
              (SELECT a.customer_key FROM usage_aggregates a WHERE a.org_id = {org} ORDER BY a.customer_key LIMIT 1)
              UNION ALL
              SELECT (
                SELECT a.customer_key FROM usage_aggregates a
                WHERE a.org_id = {org} AND a.customer_key > each.customer_key ORDER BY a.customer_key LIMIT 1)
              FROM each WHERE each.customer_key IS NOT NULL)
            SELECT customer_key FROM each WHERE customer_key IS NOT NULL
            """;

    /// <summary>Moves checkpoints forward to these times; the caller holds the org's exclusive lock.</summary>
    public static async Task StoreAsync(
        ScopedTransaction tx,
        Guid org,
        IEnumerable<(string Customer, Instant Before)> moments,
        Guid[] meters,
        CancellationToken ct
    )
    {
        if (meters.Length == 0)
            return;
        var spans = moments
            .GroupBy(level => level.Customer, level => level.Before)
            .Select((customer, index) => new UsageSpan(index, customer.Key, customer.Max(), customer.Max()))
            .ToArray();
        var levels = await ReadAsync(tx, org, spans, meters, ct);
        await using (
            var delete = tx.Command(
                """
                DELETE FROM level_checkpoints c USING unnest($2::text[], $3::timestamptz[]) n(customer, before)
                WHERE c.org_id = $1 AND c.customer_key = n.customer AND c.meter_id = ANY($4) AND c.before < n.before
                """
            )
        )
        {
            delete.Bind(org).BindColumn(spans, span => span.Customer).BindColumn(spans, span => span.Start).Bind(meters);
            await delete.ExecuteNonQueryAsync(ct);
        }

        // A checkpoint that is left has a later time.
        await using var insert = tx.Command(
            """
            INSERT INTO level_checkpoints (org_id, customer_key, meter_id, dimensions, before, level)
            SELECT $1, l.customer, l.meter_id, l.dimensions, l.before, trim_scale(l.units * 0.000000001)
            FROM unnest($2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::numeric[])
              l(customer, meter_id, dimensions, before, units)
            WHERE NOT EXISTS (
              SELECT 1 FROM level_checkpoints c WHERE c.org_id = $1 AND c.customer_key = l.customer AND c.meter_id = l.meter_id)
            """
        );
        var rows = levels.ToArray();
        insert
            .Bind(org)
            .BindColumn(rows, row => spans[row.Key.Index].Customer)
            .BindColumn(rows, row => row.Key.Meter)
            .BindColumn(rows, row => row.Key.Dimensions)
            .BindColumn(rows, row => spans[row.Key.Index].Start)
            .BindColumn(rows, row => (System.Numerics.BigInteger)row.Value.Units);
        await insert.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Deletes checkpoints that are later than a changed bucket.</summary>
    /// <param name="tx">The transaction that changed them.</param>
    /// <param name="touched">The changed aggregates.</param>
    /// <param name="lasting">Meters with a level.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task ForgetAsync(
        ScopedTransaction tx,
        IEnumerable<AggregateKey> touched,
        IReadOnlySet<Guid> lasting,
        CancellationToken ct
    )
    {
        if (lasting.Count == 0)
            return;
        var rows = touched
            .Where(key => lasting.Contains(key.MeterId))
            .GroupBy(key => (key.OrgId, key.Customer, key.MeterId), key => key.BucketMicroseconds)
            .OrderBy(row => row.Key)
            .Select(row => (row.Key.OrgId, row.Key.Customer, row.Key.MeterId, Bucket: row.Min()))
            .ToArray();
        if (rows.Length == 0)
            return;
        await using var command = tx.Command(
            """
            DELETE FROM level_checkpoints c
            USING unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[]) t(org_id, customer_key, meter_id, bucket_start)
            WHERE c.org_id = t.org_id AND c.customer_key = t.customer_key AND c.meter_id = t.meter_id AND c.before > t.bucket_start
            """
        );
        command
            .BindColumn(rows, row => row.OrgId)
            .BindColumn(rows, row => row.Customer)
            .BindColumn(rows, row => row.MeterId)
            .BindColumn(rows, row => Buckets.FromMicroseconds(row.Bucket));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Binds the org as $1, the spans as $2 to $5 and the meters as $6.</summary>
    public static void Parameters(NpgsqlCommand command, Guid org, UsageSpan[] spans, Guid[] meters)
    {
        command
            .Bind(org)
            .BindColumn(spans, span => span.Index)
            .BindColumn(spans, span => span.Customer)
            .BindColumn(spans, span => span.Start)
            .BindColumn(spans, span => span.End)
            .Bind(meters);
    }
}
