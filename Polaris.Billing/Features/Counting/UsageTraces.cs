using System.Diagnostics;
using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Telemetry;
using Polaris.ServiceDefaults.Tenancy;
using Polaris.Usage.V1;

namespace Polaris.Billing.Features.Counting;

/// <summary>
/// The recorded requests behind a customer's recent usage, so that an invoice's span can link to them. Only traced usage has rows: the last
/// <see cref="MaxOfDay"/> requests of a day. Rows older than <see cref="Retention"/> are deleted with the customer's next traced usage.
/// </summary>
internal static class UsageTraces
{
    public const int MaxOfDay = 8;

    /// <summary>Maximum number of links of an invoice's span.</summary>
    public const int MaxOfInvoice = 32;

    /// <summary>A month and some days: an invoice is drafted after its period's end.</summary>
    public static readonly Duration Retention = Duration.FromDays(40);

    /// <param name="tx">The transaction that applies the batches.</param>
    /// <param name="batches">The new batches.</param>
    /// <param name="traces">Trace context of traced batches (<see cref="TraceLinks"/>), by batch id.</param>
    /// <param name="now">The current time.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task RecordAsync(
        ScopedTransaction tx,
        IEnumerable<UsageBatch> batches,
        IReadOnlyDictionary<Guid, string> traces,
        Instant now,
        CancellationToken ct
    )
    {
        if (traces.Count == 0)
            return;
        // The same row order as all appliers, to avoid deadlocks.
        var rows = batches
            .Where(batch => traces.ContainsKey(FoldUsage.IdOf(batch)))
            .SelectMany(batch =>
                batch
                    .Events.Select(usageEvent => (usageEvent.Customer, Day: DayOf(Buckets.FromMicroseconds(usageEvent.TimestampUs))))
                    .Distinct()
                    .Select(row => (Org: FoldUsage.OrgOf(batch), row.Customer, row.Day, Trace: traces[FoldUsage.IdOf(batch)]))
            )
            .GroupBy(row => (row.Org, row.Customer, row.Day), row => row.Trace)
            .OrderBy(row => row.Key.Org)
            .ThenBy(row => row.Key.Customer, StringComparer.Ordinal)
            .ThenBy(row => row.Key.Day)
            .Select(row => (row.Key.Org, row.Key.Customer, row.Key.Day, Traces: string.Join(',', row)))
            .ToArray();
        if (rows.Length == 0)
            return;
        await using (
            var delete = tx.Command(
                """
                DELETE FROM usage_traces t USING (SELECT DISTINCT * FROM unnest($1::uuid[], $2::text[])) n(org_id, customer_key)
                WHERE t.org_id = n.org_id AND t.customer_key = n.customer_key AND t.recorded_at < $3
                """
            )
        )
        {
            delete.BindColumn(rows, row => row.Org).BindColumn(rows, row => row.Customer).Bind(now - Retention);
            await delete.ExecuteNonQueryAsync(ct);
        }

        await using var command = tx.Command(
            """
            INSERT INTO usage_traces AS t (org_id, customer_key, day, trace_links, recorded_at)
            SELECT org_id, customer_key, day, (string_to_array(links, ','))[1:$5], $6
            FROM unnest($1::uuid[], $2::text[], $3::date[], $4::text[]) n(org_id, customer_key, day, links)
            ON CONFLICT (org_id, customer_key, day) DO UPDATE SET
              trace_links = (excluded.trace_links || t.trace_links)[1:$5], recorded_at = excluded.recorded_at
            """
        );
        command
            .BindColumn(rows, row => row.Org)
            .BindColumn(rows, row => row.Customer)
            .BindColumn(rows, row => row.Day)
            .BindColumn(rows, row => row.Traces)
            .Bind(MaxOfDay)
            .Bind(now);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>
    /// The requests behind a customer's usage in each period, latest usage first. Days that are only partly in the period are included.
    /// </summary>
    public static async Task<ILookup<(string Customer, BillingPeriod Period), ActivityContext>> OfPeriodsAsync(
        ScopedTransaction tx,
        Guid org,
        IEnumerable<(string Customer, BillingPeriod Period)> periods,
        CancellationToken ct
    )
    {
        var asked = periods.Distinct().Where(customerPeriod => !customerPeriod.Period.IsEmpty).ToArray();
        await using var command = tx.Command(
            """
            SELECT p.n, t.trace_links FROM unnest($2::int[], $3::text[], $4::date[], $5::date[]) p(n, customer_key, first_day, last_day)
            CROSS JOIN LATERAL (
              SELECT trace_links, recorded_at FROM usage_traces u
              WHERE u.org_id = $1 AND u.customer_key = p.customer_key AND u.day BETWEEN p.first_day AND p.last_day
              ORDER BY recorded_at DESC LIMIT $6) t
            ORDER BY p.n, t.recorded_at DESC
            """
        );
        command
            .Bind(org)
            .Bind<int[]>([.. Enumerable.Range(0, asked.Length)])
            .BindColumn(asked, customerPeriod => customerPeriod.Customer)
            .BindColumn(asked, customerPeriod => DayOf(customerPeriod.Period.Start))
            .BindColumn(asked, customerPeriod => DayOf(customerPeriod.Period.End - Duration.Epsilon))
            .Bind(MaxOfInvoice);
        var found = new List<(int Asked, ActivityContext Trace)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var n = reader.GetInt32(0);
            found.AddRange(reader.GetFieldValue<string[]>(1).SelectMany(TraceLinks.Read).Select(trace => (n, trace)));
        }

        return found.ToLookup(match => asked[match.Asked], match => match.Trace);
    }

    private static LocalDate DayOf(Instant at) => at.InUtc().Date;
}
