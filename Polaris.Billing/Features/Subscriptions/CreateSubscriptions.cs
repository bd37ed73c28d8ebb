using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>A customer on a plan. <paramref name="AnchorDay"/> defaults to the start's day in the zone, the zone to UTC.</summary>
public sealed record NewSubscription(string Customer, string Plan, Instant Start, Instant? End, int? AnchorDay, string? TimeZone);

/// <summary>Puts customers on the current published version of a plan. The same subscription again is returned as it is.</summary>
internal sealed class CreateSubscriptions(
    BillingDbContext db, TenantScope tenant, PlanCatalog plans, MeterCatalog meters, InvoiceSignal signal, TimeProvider time)
{
    public const int MaxAtOnce = 1_000;

    public async Task<IReadOnlyList<SubscriptionRow>> HandleAsync(IReadOnlyList<NewSubscription> input, CancellationToken ct)
    {
        if (input.Count is 0 or > MaxAtOnce)
            throw new RefusedException(Refusal.Invalid("input", "count", $"Send 1 to {MaxAtOnce} subscriptions at once, not {input.Count}."));
        var org = tenant.RequireOrg();
        var calendars = input.Select(Validate).ToArray();
        var versions = new Dictionary<string, Plans.V1.PlanVersion>();
        for (var i = 0; i < input.Count; i++)
        {
            if (!versions.ContainsKey(input[i].Plan)) versions.Add(input[i].Plan, await plans.FetchPublishedAsync(org, input[i].Plan, $"input[{i}].plan", ct));
        }

        // A plan's meters are counted from the subscription's first event on, not from when somebody first asks for them.
        await meters.SyncAsync(org, ct);
        var rows = await db.InTransactionAsync(token => StoreAsync(org, input, calendars, versions, token), ct);
        signal.Wake();
        return rows;
    }

    private static PeriodCalendar Validate(NewSubscription subscription, int index)
    {
        var path = $"input[{index}]";
        var zone = DateTimeZoneProviders.Tzdb.GetZoneOrNull(subscription.TimeZone ?? "UTC")
            ?? throw Refused("timeZone", "unknown_time_zone", $"'{subscription.TimeZone}' is not an IANA time zone.");
        if (!Buckets.IsAligned(subscription.Start)) throw Refused("start", "not_aligned", "A subscription starts at a multiple of 15 minutes.");
        if (subscription.End is { } end)
        {
            if (!Buckets.IsAligned(end)) throw Refused("end", "not_aligned", "A subscription ends at a multiple of 15 minutes.");
            if (end <= subscription.Start) throw Refused("end", "empty_span", "'end' must be after 'start'.");
        }

        var anchor = subscription.AnchorDay ?? subscription.Start.InZone(zone).Day;
        if (anchor is < 1 or > 31) throw Refused("anchorDay", "out_of_range", "The anchor is a day of the month, 1 to 31.");
        return new PeriodCalendar(subscription.Start, subscription.End, anchor, zone);

        RefusedException Refused(string field, string code, string message) => new(Refusal.Invalid($"{path}.{field}", code, message));
    }

    private async Task<IReadOnlyList<SubscriptionRow>> StoreAsync(
        Guid org, IReadOnlyList<NewSubscription> input, PeriodCalendar[] calendars, Dictionary<string, Plans.V1.PlanVersion> versions, CancellationToken ct)
    {
        foreach (var version in versions.Values) await PlanCatalog.KeepAsync(db, org, version, ct);
        await OrgRows.EnsureAsync(db, org, ct);
        var customerKeys = input.Select(subscription => subscription.Customer).Distinct().ToArray();
        var customers = await db.Customers.Where(row => customerKeys.Contains(row.Key)).Select(row => row.Key).ToHashSetAsync(ct);
        customers.Add(CreateCustomers.Self);
        var existing = (await db.Subscriptions.Where(row => customerKeys.Contains(row.CustomerKey)).ToListAsync(ct))
            .ToDictionary(row => (row.CustomerKey, row.PlanKey, row.StartAt));
        var now = time.GetUtcNow();
        var rows = new List<SubscriptionRow>(input.Count);
        for (var i = 0; i < input.Count; i++)
        {
            var (subscription, calendar) = (input[i], calendars[i]);
            if (!customers.Contains(subscription.Customer))
                throw new RefusedException(Refusal.Invalid($"input[{i}].customer", "unknown_customer", $"There is no customer '{subscription.Customer}'."));
            if (!existing.TryGetValue((subscription.Customer, subscription.Plan, subscription.Start), out var row))
            {
                var first = calendar.StartingAt(calendar.Start);
                row = new SubscriptionRow
                {
                    OrgId = org,
                    Id = Guid.CreateVersion7(now),
                    CustomerKey = subscription.Customer,
                    PlanKey = subscription.Plan,
                    PlanVersionId = Guid.Parse(versions[subscription.Plan].Id),
                    StartAt = subscription.Start,
                    EndAt = subscription.End,
                    AnchorDay = calendar.AnchorDay,
                    TimeZone = calendar.Zone.Id,
                    NextPeriodStart = first?.Start,
                    NextPeriodEnd = first?.End,
                    CreatedAt = Instant.FromDateTimeOffset(now),
                };
                db.Subscriptions.Add(row);
                existing.Add((row.CustomerKey, row.PlanKey, row.StartAt), row);
            }
            else if (row.EndAt != subscription.End || row.AnchorDay != calendar.AnchorDay || row.TimeZone != calendar.Zone.Id)
            {
                throw new RefusedException(Refusal.Conflict(
                    "subscription_exists", $"'{subscription.Customer}' already has a subscription to '{subscription.Plan}' from then on, with other terms.", $"input[{i}]"));
            }

            rows.Add(row);
        }

        await db.SaveChangesAsync(ct);
        return rows;
    }
}
