using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>A charge that a subscription has once. Without a time: now. A negative amount is a credit.</summary>
public sealed record NewOneOffCharge(Guid SubscriptionId, string Key, string? Name, decimal Amount, Instant? At);

/// <summary>
/// Puts a charge on the invoice of the billing period that contains a time, which must not be invoiced yet. The same charge again changes
/// nothing.
/// </summary>
internal sealed class CreateOneOffCharge(BillingDbContext db, TenantScope tenant, OrgClocks clocks, TimeProvider time)
{
    public const int MaxOfPeriod = 100;

    public Task<OneOffChargeRow> HandleAsync(NewOneOffCharge charge, CancellationToken ct)
    {
        StatedAmounts.Key(charge.Key, "input.key");
        if (charge.Name is not null)
            StatedAmounts.Name(charge.Name, "input.name");
        StatedAmounts.Amount(charge.Amount, "input.amount");
        return db.InTransactionAsync(
            async token =>
            {
                await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), tenant.RequireOrg(), token);
                var row = await RunningSubscription.FindAsync(db, charge.SubscriptionId, "input.subscriptionId", token);
                var existing = await db.OneOffCharges.SingleOrDefaultAsync(
                    known => known.SubscriptionId == row.Id && known.Key == charge.Key,
                    token
                );
                if (existing is not null)
                    return
                        existing.Amount == charge.Amount
                        && existing.Name == (charge.Name ?? charge.Key)
                        && (charge.At is null || charge.At == existing.At)
                        ? existing
                        : throw new RefusedException(
                            Refusal.Conflict("charge_exists", $"The subscription has another charge '{charge.Key}'.", "input.key")
                        );
                return await StoreAsync(row, charge, token);
            },
            ct
        );
    }

    /// <summary>A subscription's charges, ordered by time; at most <see cref="Paging.MaxPage"/>.</summary>
    public Task<List<OneOffChargeRow>> ListAsync(Guid subscriptionId, CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.OneOffCharges.AsNoTracking()
                    .Where(row => row.SubscriptionId == subscriptionId)
                    .OrderByDescending(row => row.At)
                    .ThenBy(row => row.Key)
                    .Take(Paging.MaxPage)
                    .ToListAsync(token),
            ct
        );

    private async Task<OneOffChargeRow> StoreAsync(SubscriptionRow row, NewOneOffCharge charge, CancellationToken ct)
    {
        var at = RunningSubscription.Moment(row, await clocks.NowAsync(ct), charge.At, atPeriodEnd: false);
        if (row.NextPeriodStart is not { } open)
            throw RunningSubscription.Ended(row, "input.subscriptionId");
        if (at < open)
            throw OpenPeriod.IsUntouched(row)
                ? new RefusedException(
                    Refusal.Invalid(
                        "input.at",
                        "before_start",
                        $"Billing of the subscription starts at {open}; 'at' must not be before it."
                    )
                )
                : RunningSubscription.Invoiced(open);
        if (Calendars.Of(row).Containing(at) is not { } period)
            throw new RefusedException(Refusal.Invalid("input.at", "after_end", $"The subscription ends at {row.EndAt}."));
        var others = await db.OneOffCharges.CountAsync(
            known => known.SubscriptionId == row.Id && known.At >= period.Start && known.At < period.End,
            ct
        );
        if (others >= MaxOfPeriod)
            throw new RefusedException(
                Refusal.Conflict("too_many", $"A billing period has at most {MaxOfPeriod} one-off charges.", "input.subscriptionId")
            );
        var result = new OneOffChargeRow
        {
            OrgId = row.OrgId,
            SubscriptionId = row.Id,
            Key = charge.Key,
            Name = charge.Name ?? charge.Key,
            Amount = charge.Amount,
            At = at,
            CreatedAt = time.GetCurrentInstant(),
        };
        db.OneOffCharges.Add(result);
        await db.SaveChangesAsync(ct);
        return result;
    }
}
