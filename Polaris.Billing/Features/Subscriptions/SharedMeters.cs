using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>Another subscription of the customer that charges the same meter at the same time: both bill all of its usage.</summary>
internal sealed record SharedMeter(string Meter, Guid Other);

/// <summary>
/// A customer's usage is not divided between its subscriptions: each one rates all of it. Where two charge the same meter, that may be
/// meant (a fee per call to two products) or a mistake (a plan subscribed twice), so who creates or changes one is told.
/// </summary>
internal sealed class SharedMeters(BillingDbContext db)
{
    /// <summary>Of each subscription, the meters that another one of its customer charges too, at any time from now on.</summary>
    public Task<ILookup<Guid, SharedMeter>> OfAsync(IReadOnlyCollection<SubscriptionRow> rows, Instant now, CancellationToken ct)
    {
        var customers = rows.Select(row => row.CustomerKey).Distinct().ToArray();
        return db.InTransactionAsync(
            async token =>
            {
                var all = await db
                    .Subscriptions.AsNoTracking()
                    .Where(row =>
                        customers.Contains(row.CustomerKey) && (row.EndAt == null || (row.EndAt > now && row.EndAt > row.StartAt))
                    )
                    .OrderBy(row => row.Id)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token);
                var plans = await PlanCatalog.ReadAsync(db, all.SelectMany(row => Calendars.PlansOf(row).Versions), token);
                var byCustomer = all.ToLookup(row => row.CustomerKey);
                return rows.SelectMany(row =>
                        byCustomer[row.CustomerKey]
                            .Where(other => other.Id != row.Id && Overlap(row, other))
                            .SelectMany(other =>
                                Meters(row).Intersect(Meters(other)).Select(meter => (row.Id, new SharedMeter(meter, other.Id)))
                            )
                    )
                    .ToLookup(pair => pair.Id, pair => pair.Item2);

                IEnumerable<string> Meters(SubscriptionRow row) =>
                    Calendars
                        .PlansOf(row)
                        .Versions.Where(plans.ContainsKey)
                        .SelectMany(version => plans[version].Charges)
                        .Select(charge => charge.Meter)
                        .OfType<string>();
            },
            ct
        );
    }

    private static bool Overlap(SubscriptionRow one, SubscriptionRow other) =>
        (one.EndAt is not { } end || OpenPeriod.BillingStart(other) < end)
        && (other.EndAt is not { } otherEnd || OpenPeriod.BillingStart(one) < otherEnd);
}
