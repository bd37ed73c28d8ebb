using Microsoft.EntityFrameworkCore;
using NodaTime.Extensions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Verification;

/// <summary>
/// Starts comparing all of an org's final invoices with raw events, and tells how far that is. While one runs, it is returned instead.
/// </summary>
internal sealed class StartVerification(BillingDbContext db, TenantScope tenant, VerificationSignal signal, TimeProvider time)
{
    /// <summary>Finished ones that an org keeps.</summary>
    public const int MaxKept = 10;

    public async Task<InvoiceVerificationRow> HandleAsync(CancellationToken ct)
    {
        var row = await db.InTransactionAsync(
            async token =>
            {
                await using (var tx = db.BorrowTransaction())
                    await OrgBooks.LockAsync(tx, tenant.RequireOrg(), token);
                if (await db.InvoiceVerifications.SingleOrDefaultAsync(one => one.FinishedAt == null, token) is { } running)
                    return running;
                var final = db.Invoices.Where(invoice => invoice.Status != InvoiceStatuses.Draft);
                var now = time.GetUtcNow();
                var started = new InvoiceVerificationRow
                {
                    OrgId = tenant.RequireOrg(),
                    Id = Guid.CreateVersion7(now),
                    StartedAt = now.ToInstant(),
                    Total = await final.CountAsync(token),
                    ThroughSequence = await final.MaxAsync(invoice => (long?)invoice.Sequence, token) ?? 0,
                };
                if (started.Total == 0)
                    started.FinishedAt = started.StartedAt;
                db.InvoiceVerifications.RemoveRange(
                    await db.InvoiceVerifications.OrderByDescending(one => one.StartedAt).Skip(MaxKept - 1).ToListAsync(token)
                );
                db.InvoiceVerifications.Add(started);
                await db.SaveChangesAsync(token);
                return started;
            },
            ct
        );
        signal.Wake();
        return row;
    }

    /// <summary>The latest ones, newest first; at most <see cref="MaxKept"/>.</summary>
    public Task<List<InvoiceVerificationRow>> ListAsync(CancellationToken ct) =>
        db.InTransactionAsync(
            token =>
                db.InvoiceVerifications.AsNoTracking()
                    .OrderByDescending(row => row.StartedAt)
                    .ThenByDescending(row => row.Id)
                    .Take(MaxKept)
                    .ToListAsync(token),
            ct
        );
}
