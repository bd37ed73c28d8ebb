using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Paging;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>A discount for subscriptions: a percentage, or an amount of each invoice in a currency.</summary>
/// <param name="Periods">The number of billing periods that it is valid for; null for all.</param>
public sealed record NewCoupon(string Key, string? Name, decimal? Percent, decimal? Amount, string? Currency, int? Periods);

/// <summary>
/// The org's coupons. They never change, and one is applied to a subscription at most once. Invoices that exist keep their amounts: a
/// coupon applied to invoiced time is valid from what is not invoiced yet.
/// </summary>
internal sealed class Coupons(BillingDbContext db, TenantScope tenant, OrgClocks clocks, TimeProvider time)
{
    public const int MaxOfOrg = 1_000;
    public const int MaxOfSubscription = 20;
    public const int MaxPeriods = 1_200;

    /// <summary>The smallest difference of two stored times.</summary>
    private static readonly Duration JustAfter = Duration.FromTicks(10);

    /// <summary>Creates a coupon; an identical one is returned as it is.</summary>
    public Task<CouponRow> CreateAsync(NewCoupon coupon, CancellationToken ct)
    {
        var row = Check(coupon);
        return db.InTransactionAsync(
            async token =>
            {
                await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), tenant.RequireOrg(), token);
                if (await db.Coupons.SingleOrDefaultAsync(known => known.Key == row.Key, token) is { } existing)
                    return
                        existing.Name == row.Name
                        && existing.Rate == row.Rate
                        && existing.Amount == row.Amount
                        && existing.Currency == row.Currency
                        && existing.Periods == row.Periods
                        ? existing
                        : throw new RefusedException(
                            Refusal.Conflict("coupon_exists", $"There is another coupon '{row.Key}'. Coupons never change.", "input.key")
                        );
                if (await db.Coupons.CountAsync(token) >= MaxOfOrg)
                    throw new RefusedException(Refusal.Conflict("too_many", $"An org has at most {MaxOfOrg} coupons.", "input"));
                db.Coupons.Add(row);
                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );
    }

    /// <summary>Applies a coupon at a time, or now; one that is applied already is returned as it is.</summary>
    public Task<AppliedCouponRow> ApplyAsync(Guid subscriptionId, string coupon, Instant? at, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                var org = tenant.RequireOrg();
                await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), org, token);
                var row = await RunningSubscription.FindAsync(db, subscriptionId, "input.subscriptionId", token);
                var found =
                    await db.Coupons.SingleOrDefaultAsync(known => known.Key == coupon, token)
                    ?? throw new RefusedException(
                        new Refusal(RefusalKind.NotFound, "unknown_coupon", $"There is no coupon '{coupon}'.", "input.coupon")
                    );
                var applied = await db.AppliedCoupons.Where(known => known.SubscriptionId == row.Id).ToListAsync(token);
                if (applied.Find(known => known.CouponKey == coupon) is { } existing)
                    return existing;
                if (applied.Count >= MaxOfSubscription)
                    throw new RefusedException(
                        Refusal.Conflict("too_many", $"A subscription has at most {MaxOfSubscription} coupons.", "input.subscriptionId")
                    );
                await CheckCurrencyAsync(row, found, token);
                var stated = RunningSubscription.Moment(row, await clocks.NowAsync(token), at, atPeriodEnd: false);
                var result = new AppliedCouponRow
                {
                    OrgId = org,
                    SubscriptionId = row.Id,
                    CouponKey = coupon,
                    AppliedAt = FirstUnbilled(row, stated),
                    CreatedAt = time.GetCurrentInstant(),
                };
                db.AppliedCoupons.Add(result);
                await db.SaveChangesAsync(token);
                return result;
            },
            ct
        );

    /// <summary>The org's coupons by key.</summary>
    public Task<Page<CouponRow>> PageAsync(int first, string? after, CancellationToken ct)
    {
        Paging.Check(first);
        Cursors.Key(after);
        return db.InTransactionAsync(
            async token =>
            {
                var all = db.Coupons.AsNoTracking();
                var total = await all.CountAsync(token);
                if (after is not null)
                    all = all.Where(row => string.Compare(row.Key, after) > 0);
                return Paging.ToPage(await all.OrderBy(row => row.Key).Take(first + 1).ToListAsync(token), first, total, row => row.Key);
            },
            ct
        );
    }

    /// <summary>A subscription's coupons, in the order in which they apply.</summary>
    public Task<List<(AppliedCouponRow Applied, CouponRow Coupon)>> AppliedAsync(Guid subscriptionId, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
                (
                    await db
                        .AppliedCoupons.AsNoTracking()
                        .Where(row => row.SubscriptionId == subscriptionId)
                        .Join(db.Coupons, row => row.CouponKey, coupon => coupon.Key, (row, coupon) => new { row, coupon })
                        .OrderBy(pair => pair.row.AppliedAt)
                        .ThenBy(pair => pair.row.CouponKey)
                        .ToListAsync(token)
                )
                    .Select(pair => (pair.row, pair.coupon))
                    .ToList(),
            ct
        );

    /// <summary>Not before billing starts, and after the boundary up to which fees in advance are billed without it.</summary>
    private static Instant FirstUnbilled(SubscriptionRow row, Instant at)
    {
        var first =
            row.NextPeriodStart is { } open && !OpenPeriod.IsUntouched(row) ? open + JustAfter
            : row.NextPeriodStart is null && !OpenPeriod.IsUntouched(row) ? throw RunningSubscription.Ended(row, "input.subscriptionId")
            : OpenPeriod.BillingStart(row);
        var applied = at < first ? first : at;
        return applied >= row.EndAt
            ? throw new RefusedException(Refusal.Invalid("input.at", "after_end", $"The subscription ends at {row.EndAt}."))
            : applied;
    }

    private async Task CheckCurrencyAsync(SubscriptionRow row, CouponRow coupon, CancellationToken ct)
    {
        if (coupon.Currency is null)
            return;
        var currency = (await PlanCatalog.ReadAsync(db, [row.PlanVersionId], ct))[row.PlanVersionId].Currency;
        if (currency != coupon.Currency)
            throw new RefusedException(
                Refusal.Invalid(
                    "input.coupon",
                    "currency_mismatch",
                    $"The coupon is an amount in {coupon.Currency}, the subscription's currency is {currency}."
                )
            );
    }

    private CouponRow Check(NewCoupon coupon)
    {
        StatedAmounts.Key(coupon.Key, "input.key");
        if (coupon.Name is not null)
            StatedAmounts.Name(coupon.Name, "input.name");
        if (coupon.Percent is null == coupon.Amount is null)
            throw Refused("percent", "one_of_two", "Give either 'percent' or 'amount'.");
        if (coupon.Percent is { } percent && (percent is <= 0 or > 100 || StatedAmounts.Places(percent) > StatedAmounts.MaxPercentPlaces))
            throw Refused(
                "percent",
                "out_of_range",
                $"'percent' must be above 0, up to 100, with at most {StatedAmounts.MaxPercentPlaces} decimal places."
            );
        if (coupon.Amount is { } amount)
        {
            StatedAmounts.Amount(amount, "input.amount");
            if (amount < 0)
                throw Refused("amount", "out_of_range", "'amount' must be above 0.");
        }

        if (coupon.Amount is null != coupon.Currency is null)
            throw Refused("currency", "with_amount", "Give 'currency' with an 'amount', and only then.");
        if (coupon.Currency is { } currency && !Currencies.Exists(currency))
            throw Refused("currency", "unknown_currency", "'currency' must be an ISO 4217 code such as USD.");
        if (coupon.Periods is < 1 or > MaxPeriods)
            throw Refused("periods", "out_of_range", $"'periods' must be 1 to {MaxPeriods}, or absent for all.");
        return new CouponRow
        {
            OrgId = tenant.RequireOrg(),
            Key = coupon.Key,
            Name = coupon.Name ?? coupon.Key,
            Rate = coupon.Percent / 100m,
            Amount = coupon.Amount,
            Currency = coupon.Currency,
            Periods = coupon.Periods,
            CreatedAt = time.GetCurrentInstant(),
        };

        static RefusedException Refused(string field, string code, string message) => new(Refusal.Invalid($"input.{field}", code, message));
    }
}
