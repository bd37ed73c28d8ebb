using NodaTime;
using Npgsql;
using Polaris.Billing.Domain;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Crossing;

/// <summary>What a threshold's measure is in a subscription's period.</summary>
internal sealed record Reached(ThresholdRow Threshold, string Customer, Guid Subscription, BillingPeriod Period, decimal Quantity);

/// <summary>
/// Stores crossings and their events in one statement of the caller's transaction. A value that is crossed already is left out, so that
/// usage that comes twice, or a second evaluation, gives no second event.
/// </summary>
internal static class StoreCrossings
{
    /// <returns>The number of new crossings.</returns>
    public static async Task<int> RunAsync(ScopedTransaction tx, IEnumerable<Reached> reached, DateTimeOffset now, CancellationToken ct)
    {
        // The order of the primary key, so that concurrent transactions cannot deadlock.
        var rows = reached
            .SelectMany(one =>
                one.Threshold.AtValues.Where(value => one.Threshold.IsReached(value, one.Quantity)).Select(value => (one, value))
            )
            .OrderBy(row => row.one.Threshold.OrgId)
            .ThenBy(row => row.one.Subscription)
            .ThenBy(row => row.one.Period.Start)
            .ThenBy(row => row.one.Threshold.Id)
            .ThenBy(row => row.value)
            .Select(row => (row.one, row.value, Event: Announce.Row(row.one.Threshold.OrgId, now, Crossed(row.one, row.value))))
            .ToArray();
        if (rows.Length == 0)
            return 0;
        await using var command = tx.Command(
            """
            WITH crossed AS (
              INSERT INTO threshold_crossings (org_id, subscription_id, period_start, threshold_id, value,
                period_end, customer_key, reached, event_id, crossed_at)
              SELECT n.*, $12 FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::numeric[],
                $6::timestamptz[], $7::text[], $8::numeric[], $9::uuid[]) n
              ON CONFLICT DO NOTHING RETURNING org_id, event_id)
            INSERT INTO outbox (org_id, event_id, message, trace_links)
            SELECT c.org_id, c.event_id, m.message, m.trace_links FROM crossed c
            JOIN unnest($9::uuid[], $10::bytea[], $11::text[]) m(event_id, message, trace_links) ON m.event_id = c.event_id
            """
        );
        command
            .BindColumn(rows, row => row.one.Threshold.OrgId)
            .BindColumn(rows, row => row.one.Subscription)
            .BindColumn(rows, row => row.one.Period.Start)
            .BindColumn(rows, row => row.one.Threshold.Id)
            .BindColumn(rows, row => row.value)
            .BindColumn(rows, row => row.one.Period.End)
            .BindColumn(rows, row => row.one.Customer)
            .BindColumn(rows, row => row.one.Quantity)
            .BindColumn(rows, row => row.Event.EventId)
            .BindColumn(rows, row => row.Event.Message)
            .BindColumn(rows, row => row.Event.TraceLinks)
            .Bind(Instant.FromDateTimeOffset(now));
        return await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The wire's word for a threshold's measure.</summary>
    public static string NameOf(ThresholdOn on) =>
        on switch
        {
            ThresholdOn.Quantity => "quantity",
            ThresholdOn.IncludedPercent => "included_percent",
            ThresholdOn.Amount => "amount",
            ThresholdOn.Balance => "balance",
            _ => throw new ArgumentOutOfRangeException(nameof(on)),
        };

    private static BillingEvent Crossed(Reached one, decimal value) =>
        new()
        {
            ThresholdCrossed = new ThresholdCrossed
            {
                Threshold = one.Threshold.Key,
                Name = one.Threshold.Name,
                On = NameOf(one.Threshold.On),
                Value = Announce.Text(value),
                Reached = Announce.Text(one.Quantity),
                Customer = one.Customer,
                SubscriptionId = one.Subscription.ToString(),
                PeriodStart = Announce.At(one.Period.Start),
                PeriodEnd = Announce.At(one.Period.End),
                Meter = one.Threshold.MeterKey ?? "",
                Charge = one.Threshold.Charge ?? "",
                Currency = one.Threshold.Currency ?? "",
            },
        };
}
