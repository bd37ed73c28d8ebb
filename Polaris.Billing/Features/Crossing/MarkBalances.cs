using NodaTime;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Crossing;

/// <summary>
/// Marks customers whose prepaid credits became fewer without usage: by a draft with its fees, or because they expired or were taken back.
/// In the transaction that does it, so that no such change goes unchecked. It writes nothing when the org has no threshold on a balance.
/// </summary>
internal static class MarkBalances
{
    /// <param name="tx">The transaction that changed what is left.</param>
    /// <param name="org">The org.</param>
    /// <param name="customers">Keys, each once.</param>
    /// <param name="gone">Credits are gone, maybe the last ones; else they have only less to pay with.</param>
    /// <param name="now">The org's time.</param>
    /// <param name="time">The real time, for ids.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task RunAsync(
        ScopedTransaction tx,
        Guid org,
        IReadOnlyList<string> customers,
        bool gone,
        Instant now,
        TimeProvider time,
        CancellationToken ct
    )
    {
        if (customers.Count == 0)
            return;
        await using var command = tx.Command(
            """
            INSERT INTO threshold_checks (org_id, id, subscription_id, bucket_start, credits_gone)
            SELECT $1, c.id, s.id, $4, $5 FROM unnest($2::uuid[], $3::text[]) c(id, customer_key)
            CROSS JOIN LATERAL (
              SELECT s.id FROM subscriptions s WHERE s.org_id = $1 AND s.customer_key = c.customer_key ORDER BY s.start_at, s.id LIMIT 1) s
            WHERE EXISTS (SELECT 1 FROM thresholds t WHERE t.org_id = $1 AND t.measure = 'Balance' AND t.archived_at IS NULL)
              AND ($5 OR EXISTS (
                SELECT 1 FROM credit_grants g WHERE g.org_id = $1 AND g.customer_key = c.customer_key AND g.remaining > 0))
            """
        );
        command
            .Bind(org)
            .BindColumn(customers, _ => Guid.CreateVersion7(time.GetUtcNow()))
            .BindColumn(customers, customer => customer)
            .Bind(now)
            .Bind(gone);
        await command.ExecuteNonQueryAsync(ct);
    }
}
