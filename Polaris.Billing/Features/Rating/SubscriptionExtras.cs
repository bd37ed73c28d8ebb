using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.Features.Rating;

/// <summary>Loads what subscriptions add to their plans: coupons and one-off charges.</summary>
internal static class SubscriptionExtras
{
    /// <param name="db">Inside a transaction.</param>
    /// <param name="subscriptions">The rows, which get their <see cref="SubscriptionRow.Extras"/>.</param>
    /// <param name="from">No rated period starts earlier.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task LoadAsync(
        BillingDbContext db,
        IReadOnlyCollection<SubscriptionRow> subscriptions,
        Instant from,
        CancellationToken ct
    )
    {
        var ids = subscriptions.Select(row => row.Id).Distinct().ToArray();
        var applied = await db
            .AppliedCoupons.AsNoTracking()
            .Where(row => ids.Contains(row.SubscriptionId))
            .Join(db.Coupons, row => row.CouponKey, coupon => coupon.Key, (row, coupon) => new { row, coupon })
            .ToListAsync(ct);
        var charges = await db
            .OneOffCharges.AsNoTracking()
            .Where(row => ids.Contains(row.SubscriptionId) && row.At >= from)
            .ToListAsync(ct);
        var coupons = applied
            .OrderBy(pair => pair.row.AppliedAt)
            .ThenBy(pair => pair.row.CouponKey, StringComparer.Ordinal)
            .ToLookup(pair => pair.row.SubscriptionId);
        var oneOffs = charges.OrderBy(row => row.At).ThenBy(row => row.Key, StringComparer.Ordinal).ToLookup(row => row.SubscriptionId);
        foreach (var row in subscriptions)
        {
            var calendar = Calendars.Of(row);
            SubscriptionDiscount[] discounts = [.. coupons[row.Id].Select(pair => ToDiscount(calendar, pair.row, pair.coupon))];
            row.Extras = period => new InvoiceExtras(
                discounts,
                [
                    .. oneOffs[row.Id]
                        .Where(charge => period.Contains(charge.At))
                        .Select(charge => new OneOff(charge.Key, charge.Name, charge.Amount)),
                ],
                row.CreditUnused
            );
        }
    }

    private static SubscriptionDiscount ToDiscount(PeriodCalendar calendar, AppliedCouponRow applied, CouponRow coupon) =>
        new(
            new Discount(coupon.Key, coupon.Name, coupon.Rate, coupon.Amount),
            applied.AppliedAt,
            coupon.Periods is { } periods ? EndOf(calendar, applied.AppliedAt, periods) : null
        );

    /// <summary>The end of the last of that many periods from the one that contains the time.</summary>
    private static Instant EndOf(PeriodCalendar calendar, Instant from, int periods)
    {
        var end = from;
        for (var n = 0; n < periods; n++)
            end = calendar.WholeContaining(end).End;
        return end;
    }
}
