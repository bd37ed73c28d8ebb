using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>
/// Subscribes customers to the current published version of a plan. An identical existing subscription is returned as it is.
/// </summary>
internal sealed class CreateSubscriptions(
    BillingDbContext db,
    TenantScope tenant,
    PlanCatalog plans,
    MeterCatalog meters,
    OrgClocks clocks,
    InvoiceSignal signal,
    TimeProvider time
)
{
    public const int MaxBatchSize = 1_000;

    /// <summary>Periods of a new subscription that have ended already: each is invoiced at once.</summary>
    public const int MaxDuePeriods = 1_000;

    public async Task<IReadOnlyList<SubscriptionRow>> HandleAsync(IReadOnlyList<NewSubscription> input, CancellationToken ct)
    {
        if (input.Count is 0 or > MaxBatchSize)
            throw new RefusedException(
                Refusal.Invalid("input", "count", $"Send 1 to {MaxBatchSize} subscriptions per call, not {input.Count}.")
            );
        var org = tenant.RequireOrg();
        var calendars = input.Select((subscription, i) => subscription.Check($"input[{i}]")).ToArray();
        var versions = new Dictionary<string, Plans.V1.PlanVersion>();
        for (var i = 0; i < input.Count; i++)
        {
            if (!versions.ContainsKey(input[i].Plan))
                versions.Add(input[i].Plan, await plans.FetchPublishedAsync(org, input[i].Plan, $"input[{i}].plan", ct));
        }

        // The plan's meters are counted from the first event on, not only once somebody queries them.
        await meters.SyncAsync(org, ct);
        var rows = await db.InTransactionAsync(token => StoreAsync(org, input, calendars, versions, token), ct);
        signal.Wake();
        return rows;
    }

    private async Task<IReadOnlyList<SubscriptionRow>> StoreAsync(
        Guid org,
        IReadOnlyList<NewSubscription> input,
        PeriodCalendar[] calendars,
        Dictionary<string, Plans.V1.PlanVersion> versions,
        CancellationToken ct
    )
    {
        foreach (var version in versions.Values)
            await PlanCatalog.StoreAsync(db, org, version, ct);
        await OrgRows.EnsureAsync(db, org, ct);
        var customerKeys = input.Select(subscription => subscription.Customer).Distinct().ToArray();
        var archived = await CustomerLock.HoldAsync(db, org, customerKeys, ct);
        var customers = await db.Customers.Where(row => customerKeys.Contains(row.Key)).Select(row => row.Key).ToHashSetAsync(ct);
        customers.Add(Limits.SelfCustomer);
        var existing = (await db.Subscriptions.Where(row => customerKeys.Contains(row.CustomerKey)).ToListAsync(ct)).ToDictionary(row =>
            (row.CustomerKey, row.PlanKey, row.StartAt)
        );
        var now = await clocks.NowAsync(ct);
        var rows = new List<SubscriptionRow>(input.Count);
        for (var i = 0; i < input.Count; i++)
        {
            var (subscription, calendar) = (input[i], calendars[i]);
            if (!customers.Contains(subscription.Customer))
                throw new RefusedException(
                    Refusal.Invalid($"input[{i}].customer", "unknown_customer", $"There is no customer '{subscription.Customer}'.")
                );
            if (!existing.TryGetValue((subscription.Customer, subscription.Plan, subscription.Start), out var row))
            {
                CheckPast(subscription, calendar, now, $"input[{i}].start");
                if (archived.Contains(subscription.Customer))
                    throw new RefusedException(CustomerLock.Archived(subscription.Customer, $"input[{i}].customer"));
                row = ToRow(org, subscription, calendar, Guid.Parse(versions[subscription.Plan].Id));
                db.Subscriptions.Add(row);
                Announce.Add(db, org, time.GetUtcNow(), Announce.Created(row));
                existing.Add((row.CustomerKey, row.PlanKey, row.StartAt), row);
            }
            else if (!IsSame(row, subscription, calendar))
            {
                throw new RefusedException(
                    Refusal.Conflict(
                        "subscription_exists",
                        $"'{subscription.Customer}' already has a subscription to '{subscription.Plan}' with this start and other terms.",
                        $"input[{i}]"
                    )
                );
            }

            rows.Add(row);
        }

        await db.SaveChangesAsync(ct);
        return rows;
    }

    private static void CheckPast(NewSubscription subscription, PeriodCalendar calendar, Instant now, string path)
    {
        var yearAgo = now.InUtc().LocalDateTime.PlusYears(-1).InUtc().ToInstant();
        if (subscription.Start < yearAgo && !subscription.ConfirmBackdate)
            throw new RefusedException(
                Refusal.Invalid(
                    path,
                    "far_past",
                    $"'start' is more than a year before {now}. If it is meant, send 'confirmBackdate: true'."
                )
            );
        var due = 0;
        for (var at = calendar.Start; calendar.StartingAt(at) is { } period && period.End <= now; at = period.End)
        {
            if (++due > MaxDuePeriods)
                throw new RefusedException(
                    Refusal.Invalid(
                        path,
                        "too_many_periods",
                        $"At most {MaxDuePeriods} periods of a new subscription may have ended by {now}."
                    )
                );
        }
    }

    private SubscriptionRow ToRow(Guid org, NewSubscription subscription, PeriodCalendar calendar, Guid version)
    {
        var now = time.GetUtcNow();
        var row = new SubscriptionRow
        {
            OrgId = org,
            Id = Guid.CreateVersion7(now),
            CustomerKey = subscription.Customer,
            PlanKey = subscription.Plan,
            PlanVersionId = version,
            StartAt = subscription.Start,
            TrialEnd = TrialEnd(subscription, calendar),
            EndAt = subscription.End,
            AgreedEndAt = subscription.End,
            Interval = calendar.Cycle.Interval,
            AnchorDay = calendar.Cycle.AnchorDay,
            AnchorMonth = calendar.Cycle.AnchorMonth,
            TimeZone = calendar.Zone.Id,
            CreatedAt = Instant.FromDateTimeOffset(now),
        };
        OpenPeriod.Begin(row);
        return row;
    }

    private static bool IsSame(SubscriptionRow row, NewSubscription subscription, PeriodCalendar calendar) =>
        row.AgreedEndAt == subscription.End
        && row.TrialEnd == TrialEnd(subscription, calendar)
        && Rating.Calendars.CycleOf(row) == calendar.Cycle
        && row.TimeZone == calendar.Zone.Id;

    private static Instant? TrialEnd(NewSubscription subscription, PeriodCalendar calendar) =>
        calendar.Start == subscription.Start ? null : calendar.Start;
}
