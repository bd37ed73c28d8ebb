using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Crossing;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Counting;

/// <summary>New crossings, and subscriptions that are to be rated for their thresholds.</summary>
internal readonly record struct Crossed(int Events, int Checks);

/// <summary>
/// Finds the thresholds that usage crosses, in the transaction that counts it: those on a meter's quantity are decided here, those that
/// need rating are marked for <c>CheckThresholds</c>. One statement asks for the thresholds of the orgs concerned; where there are none,
/// that is all. Only periods of touched customers are summed, and only while a value of theirs is not crossed yet.
/// </summary>
internal static class CrossThresholds
{
    /// <summary>A subscription of a touched customer, its periods and plans.</summary>
    private sealed record Subscribed(
        Guid Org,
        Guid Id,
        string Customer,
        PeriodCalendar Calendar,
        string FirstPlan,
        Instant[] PlanStarts,
        string[] LaterPlans
    )
    {
        public string PlanAt(Instant at) => PlanStarts.Count(start => start <= at) is > 0 and var n ? LaterPlans[n - 1] : FirstPlan;
    }

    /// <summary>A meter's usage in a period of a subscription, and the thresholds on it.</summary>
    private sealed record Watched(Subscribed Subscription, BillingPeriod Period, Guid Meter, IReadOnlyList<ThresholdRow> Thresholds);

    /// <param name="tx">The transaction that changed the aggregates. All other rows are written: it waits for who counts the same
    /// customer.</param>
    /// <param name="touched">The changed aggregates.</param>
    /// <param name="metersByOrg">The meters of each org.</param>
    /// <param name="now">The time, by the real clock.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<Crossed> RunAsync(
        ScopedTransaction tx,
        IReadOnlyCollection<AggregateKey> touched,
        IReadOnlyDictionary<Guid, IReadOnlyList<MeterDefinition>> metersByOrg,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        if (touched.Count == 0)
            return default;
        var thresholds = await WatchedThresholds.OfAsync(tx, [.. touched.Select(key => key.OrgId).Distinct()], ct);
        if (thresholds.Count == 0)
            return default;
        var watched = touched
            .Where(key => thresholds[key.OrgId].Any(one => one.CustomerKey is null || one.CustomerKey == key.Customer))
            .ToLookup(key => (key.OrgId, key.Customer));
        if (watched.Count == 0)
            return default;
        var subscriptions = await SubscriptionsAsync(tx, [.. watched.Select(group => group.Key)], ct);
        var (quantities, checks) = (new Dictionary<(Guid, Instant, Guid), Watched>(), new Dictionary<(Guid, Instant), ThresholdCheckRow>());
        foreach (var subscription in subscriptions)
        {
            foreach (var key in watched[(subscription.Org, subscription.Customer)])
                Watch(subscription, key, [.. thresholds[subscription.Org]], now, quantities, checks);
        }

        var open = await OpenAsync(tx, [.. quantities.Values], ct);
        var reached = await ReachedAsync(tx, open, metersByOrg, ct);
        var events = await StoreCrossings.RunAsync(tx, reached, now, ct);
        await MarkAsync(tx, [.. checks.Values], ct);
        return new Crossed(events, checks.Count);
    }

    private static void Watch(
        Subscribed subscription,
        AggregateKey key,
        IReadOnlyList<ThresholdRow> thresholds,
        DateTimeOffset now,
        Dictionary<(Guid, Instant, Guid), Watched> quantities,
        Dictionary<(Guid, Instant), ThresholdCheckRow> checks
    )
    {
        var bucket = Buckets.FromMicroseconds(key.BucketMicroseconds);
        if (subscription.Calendar.Containing(bucket) is not { } period)
            return;
        var concerning = thresholds.Where(one => one.Concerns(subscription.Customer, subscription.PlanAt(bucket))).ToArray();
        var atOnce = concerning.Where(one => one.AtOnce && one.MeterId == key.MeterId).ToArray();
        if (atOnce.Length > 0)
            quantities.TryAdd((subscription.Id, period.Start, key.MeterId), new Watched(subscription, period, key.MeterId, atOnce));
        if (concerning.Any(one => !one.AtOnce && (one.MeterId is null || one.MeterId == key.MeterId)))
            checks.TryAdd(
                (subscription.Id, period.Start),
                new ThresholdCheckRow
                {
                    OrgId = subscription.Org,
                    Id = Guid.CreateVersion7(now),
                    SubscriptionId = subscription.Id,
                    BucketStart = bucket,
                }
            );
    }

    private static async Task<List<Subscribed>> SubscriptionsAsync(
        ScopedTransaction tx,
        IReadOnlyList<(Guid Org, string Customer)> customers,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT s.org_id, s.id, s.customer_key, coalesce(s.trial_end, s.start_at), s.end_at, s.interval, s.anchor_day, s.anchor_month,
              s.time_zone, s.plan_key,
              array(SELECT c.starts_at FROM plan_changes c WHERE c.org_id = s.org_id AND c.subscription_id = s.id ORDER BY c.starts_at),
              array(SELECT c.plan_key FROM plan_changes c WHERE c.org_id = s.org_id AND c.subscription_id = s.id ORDER BY c.starts_at)
            FROM unnest($1::uuid[], $2::text[]) w(org_id, customer_key)
            JOIN subscriptions s ON s.org_id = w.org_id AND s.customer_key = w.customer_key
            """
        );
        command.BindColumn(customers, one => one.Org).BindColumn(customers, one => one.Customer);
        var found = new List<Subscribed>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            found.Add(
                new Subscribed(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetString(2),
                    new PeriodCalendar(
                        reader.GetFieldValue<Instant>(3),
                        await reader.IsDBNullAsync(4, ct) ? null : reader.GetFieldValue<Instant>(4),
                        new BillingCycle(Enum.Parse<BillingInterval>(reader.GetString(5)), reader.GetInt32(6), reader.GetInt32(7)),
                        DateTimeZoneProviders.Tzdb[reader.GetString(8)]
                    ),
                    reader.GetString(9),
                    reader.GetFieldValue<Instant[]>(10),
                    reader.GetFieldValue<string[]>(11)
                )
            );
        return found;
    }

    /// <summary>
    /// Those with a value that is not crossed yet. Who counts the same customer in another transaction is waited for: otherwise two that
    /// cross only together would each see just their own usage.
    /// </summary>
    private static async Task<List<Watched>> OpenAsync(ScopedTransaction tx, IReadOnlyList<Watched> watched, CancellationToken ct)
    {
        if (watched.Count == 0)
            return [];
        await using (
            var locks = tx.Command(
                """
                SELECT pg_advisory_xact_lock(o, c) FROM (
                  SELECT DISTINCT hashtext(n.org::text) AS o, hashtext(n.customer) AS c
                  FROM unnest($1::uuid[], $2::text[]) n(org, customer) ORDER BY o, c) l
                """
            )
        )
        {
            locks.BindColumn(watched, one => one.Subscription.Org).BindColumn(watched, one => one.Subscription.Customer);
            await locks.ExecuteNonQueryAsync(ct);
        }

        await using var command = tx.Command(
            """
            SELECT c.subscription_id, c.period_start, c.threshold_id, c.value
            FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])) w(org_id, subscription_id, period_start)
            JOIN threshold_crossings c
              ON c.org_id = w.org_id AND c.subscription_id = w.subscription_id AND c.period_start = w.period_start
            """
        );
        command
            .BindColumn(watched, one => one.Subscription.Org)
            .BindColumn(watched, one => one.Subscription.Id)
            .BindColumn(watched, one => one.Period.Start);
        var crossed = new HashSet<(Guid, Instant, Guid, decimal)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            crossed.Add((reader.GetGuid(0), reader.GetFieldValue<Instant>(1), reader.GetGuid(2), reader.GetDecimal(3)));
        return
        [
            .. watched.Where(one =>
                one.Thresholds.Any(threshold =>
                    threshold.AtValues.Any(value => !crossed.Contains((one.Subscription.Id, one.Period.Start, threshold.Id, value)))
                )
            ),
        ];
    }

    private static async Task<List<Reached>> ReachedAsync(
        ScopedTransaction tx,
        List<Watched> open,
        IReadOnlyDictionary<Guid, IReadOnlyList<MeterDefinition>> metersByOrg,
        CancellationToken ct
    )
    {
        if (open.Count == 0)
            return [];
        var aggregations = metersByOrg.Values.SelectMany(meters => meters).ToDictionary(meter => meter.Id, meter => meter.Aggregation);
        var uniques = await UniquesAsync(tx, [.. open.Where(one => aggregations[one.Meter] == MeterAggregation.UniqueCount)], ct);
        await using var command = tx.Command(
            $"""
            SELECT w.n, {StoredSums.Columns}
            FROM unnest($1::int[], $2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
              w(n, org_id, customer_key, meter_id, starts, ends)
            JOIN usage_aggregates a ON a.org_id = w.org_id AND a.customer_key = w.customer_key AND a.meter_id = w.meter_id
              AND a.bucket_start >= w.starts AND a.bucket_start < w.ends
            GROUP BY w.n
            """
        );
        BindSpans(command, open);
        var reached = new List<Reached>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var one = open[reader.GetInt32(0)];
            var sums = StoredSums.Read(reader, 1) with
            {
                Uniques = uniques.GetValueOrDefault((one.Subscription.Id, one.Period.Start, one.Meter)),
            };
            try
            {
                var quantity = sums.ToUsage(aggregations[one.Meter]).Quantity;
                reached.AddRange(
                    one.Thresholds.Select(threshold => new Reached(
                        threshold,
                        one.Subscription.Customer,
                        one.Subscription.Id,
                        one.Period,
                        quantity
                    ))
                );
            }
            catch (OverflowException)
            {
                // No invoice can have this quantity; the subscription is held when its period ends.
            }
        }

        return reached;
    }

    private static async Task<Dictionary<(Guid, Instant, Guid), long>> UniquesAsync(
        ScopedTransaction tx,
        List<Watched> open,
        CancellationToken ct
    )
    {
        var counts = new Dictionary<(Guid, Instant, Guid), long>();
        if (open.Count == 0)
            return counts;
        await using var command = tx.Command(
            """
            SELECT w.n, count(DISTINCT u.value_hash)
            FROM unnest($1::int[], $2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
              w(n, org_id, customer_key, meter_id, starts, ends)
            JOIN usage_uniques u ON u.org_id = w.org_id AND u.customer_key = w.customer_key AND u.meter_id = w.meter_id
              AND u.bucket_start >= w.starts AND u.bucket_start < w.ends
            GROUP BY w.n
            """
        );
        BindSpans(command, open);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var one = open[reader.GetInt32(0)];
            counts.Add((one.Subscription.Id, one.Period.Start, one.Meter), reader.GetInt64(1));
        }

        return counts;
    }

    private static void BindSpans(NpgsqlCommand command, List<Watched> spans) =>
        command
            .Bind<int[]>([.. Enumerable.Range(0, spans.Count)])
            .BindColumn(spans, one => one.Subscription.Org)
            .BindColumn(spans, one => one.Subscription.Customer)
            .BindColumn(spans, one => one.Meter)
            .BindColumn(spans, one => one.Period.Start)
            .BindColumn(spans, one => one.Period.End);

    private static async Task MarkAsync(ScopedTransaction tx, IReadOnlyList<ThresholdCheckRow> checks, CancellationToken ct)
    {
        if (checks.Count == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO threshold_checks (org_id, id, subscription_id, bucket_start, credits_gone)
            SELECT n.*, false FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) n
            """
        );
        command
            .BindColumn(checks, row => row.OrgId)
            .BindColumn(checks, row => row.Id)
            .BindColumn(checks, row => row.SubscriptionId)
            .BindColumn(checks, row => row.BucketStart);
        await command.ExecuteNonQueryAsync(ct);
    }
}
