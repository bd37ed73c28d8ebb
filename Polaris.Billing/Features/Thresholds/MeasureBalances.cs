using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Crossing;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Thresholds;

/// <summary>
/// What marked customers have left of their prepaid credits, as their entitlement says it. A customer has one balance in a currency, so of
/// several subscriptions the oldest running one that the threshold is about crosses it, in its period of the org's time.
/// </summary>
internal sealed class MeasureBalances(BillingDbContext db, ReadEntitlement entitlements, OrgClocks clocks)
{
    /// <param name="tx">The transaction of the check.</param>
    /// <param name="org">The org.</param>
    /// <param name="customers">Those that are marked, with whether credits of theirs are gone.</param>
    /// <param name="thresholds">On balances.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<List<Reached>> HandleAsync(
        ScopedTransaction tx,
        Guid org,
        IReadOnlyDictionary<string, bool> customers,
        IReadOnlyCollection<ThresholdRow> thresholds,
        CancellationToken ct
    )
    {
        var prepaid = await PrepaidAsync(tx, org, customers, [.. thresholds.Select(one => one.Currency!).Distinct()], ct);
        if (prepaid.Count == 0)
            return [];
        string[] keys = [.. prepaid.Select(place => place.Customer).Distinct()];
        var now = await clocks.NowAsync(ct);
        var rows = await db
            .Subscriptions.AsNoTracking()
            .Where(row => keys.Contains(row.CustomerKey) && row.StartAt <= now && (row.EndAt == null || row.EndAt > now))
            .OrderBy(row => row.StartAt)
            .ThenBy(row => row.Id)
            .ToListAsync(ct);
        var plans = await PlanCatalog.ReadAsync(db, rows.Select(row => Calendars.PlansOf(row).First), ct);
        var running = rows.Select(row => (Row: row, Period: Calendars.Of(row).Containing(now)))
            .Where(item => item.Period is not null)
            .ToLookup(item => (item.Row.CustomerKey, plans[Calendars.PlansOf(item.Row).First].Currency));
        var crossed = await CrossedAsync([.. rows.Select(row => row.Id)], ct);
        var reached = new List<Reached>();
        foreach (var (customer, currency) in prepaid)
        {
            var open = thresholds
                .Where(one => one.Currency == currency)
                .SelectMany(one =>
                    running[(customer, currency)]
                        .Where(item => one.Concerns(customer, PlanAt(item.Row, now)))
                        .Take(1)
                        .Select(item => (Threshold: one, item.Row.Id, Period: item.Period!.Value))
                )
                .Where(item =>
                    item.Threshold.AtValues.Any(value => !crossed.Contains((item.Id, item.Period.Start, item.Threshold.Id, value)))
                )
                .ToArray();
            if (open.Length == 0)
                continue;
            try
            {
                var left = (await entitlements.HandleAsync(customer, currency, ct)).Remaining;
                reached.AddRange(open.Select(item => new Reached(item.Threshold, customer, item.Id, item.Period, left)));
            }
            catch (OverflowException)
            {
                // An amount that fits no invoice: the subscription is held when its period ends, and shown then.
            }
        }

        return reached;
    }

    /// <summary>The plan at that time, of a subscription with its changes.</summary>
    public static string PlanAt(SubscriptionRow row, Instant at) =>
        row.Changes.Where(change => change.StartsAt <= at).MaxBy(change => change.StartsAt)?.PlanKey ?? row.PlanKey;

    /// <summary>
    /// Customers with credits left, and those whose last ones are gone just now. Who never had any, or used them up long ago, has no
    /// balance that falls.
    /// </summary>
    private static async Task<List<(string Customer, string Currency)>> PrepaidAsync(
        ScopedTransaction tx,
        Guid org,
        IReadOnlyDictionary<string, bool> customers,
        string[] currencies,
        CancellationToken ct
    )
    {
        await using var command = tx.Command(
            """
            SELECT DISTINCT g.customer_key, g.currency FROM unnest($2::text[], $3::boolean[]) c(customer_key, gone)
            JOIN credit_grants g ON g.org_id = $1 AND g.customer_key = c.customer_key
            WHERE (c.gone OR g.remaining > 0) AND g.currency = ANY($4) ORDER BY g.customer_key, g.currency
            """
        );
        KeyValuePair<string, bool>[] marked = [.. customers];
        command.Bind(org).BindColumn(marked, one => one.Key).BindColumn(marked, one => one.Value).Bind(currencies);
        var places = new List<(string, string)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            places.Add((reader.GetString(0), reader.GetString(1)));
        return places;
    }

    private async Task<HashSet<(Guid Subscription, Instant Start, Guid Threshold, decimal Value)>> CrossedAsync(
        Guid[] subscriptions,
        CancellationToken ct
    ) =>
        [
            .. (
                await db
                    .ThresholdCrossings.AsNoTracking()
                    .Where(row => subscriptions.Contains(row.SubscriptionId))
                    .Join(
                        db.Thresholds.Where(row => row.On == ThresholdOn.Balance),
                        row => row.ThresholdId,
                        threshold => threshold.Id,
                        (row, _) =>
                            new
                            {
                                row.SubscriptionId,
                                row.PeriodStart,
                                row.ThresholdId,
                                row.Value,
                            }
                    )
                    .ToListAsync(ct)
            ).Select(row => (row.SubscriptionId, row.PeriodStart, row.ThresholdId, row.Value)),
        ];
}
