using Microsoft.EntityFrameworkCore;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Clock;

/// <param name="ReviewHours">From drafting to finalization by itself; null: by hand only.</param>
/// <param name="GraceMinutes">From a period's end to its draft; null: the installation's.</param>
public sealed record InvoiceTimes(int? ReviewHours, int? GraceMinutes);

/// <summary>An org's own times of invoicing, counted by its clock.</summary>
internal sealed class InvoiceTiming(BillingDbContext db, TenantScope tenant, InvoiceSignal signal)
{
    /// <summary>A quarter of a year.</summary>
    public const int MaxReviewHours = 2_208;

    /// <summary>35 days, as for the installation's.</summary>
    public const int MaxGraceMinutes = 50_400;

    public Task<InvoiceTimes> ReadAsync(CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
                await db.Orgs.Select(row => new InvoiceTimes(row.ReviewHours, row.GraceMinutes)).SingleOrDefaultAsync(token)
                ?? new InvoiceTimes(null, null),
            ct
        );

    /// <summary>Sets both; they apply to drafts that are there already, too.</summary>
    public async Task<InvoiceTimes> SetAsync(InvoiceTimes times, CancellationToken ct)
    {
        if (times.ReviewHours is < 0 or > MaxReviewHours)
            throw new RefusedException(Refusal.Invalid("reviewHours", "out_of_range", $"'reviewHours' must be 0 to {MaxReviewHours}."));
        if (times.GraceMinutes is < 0 or > MaxGraceMinutes)
            throw new RefusedException(Refusal.Invalid("graceMinutes", "out_of_range", $"'graceMinutes' must be 0 to {MaxGraceMinutes}."));
        var set = await db.InTransactionAsync(
            async token =>
            {
                await using (var tx = db.BorrowTransaction())
                    await OrgBooks.LockAsync(tx, tenant.RequireOrg(), token);
                var row = await db.Orgs.SingleAsync(token);
                (row.ReviewHours, row.GraceMinutes) = (times.ReviewHours, times.GraceMinutes);
                await db.SaveChangesAsync(token);
                return times;
            },
            ct
        );
        signal.Wake();
        return set;
    }
}
