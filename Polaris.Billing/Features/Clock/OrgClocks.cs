using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Clock;

/// <summary>What time it is for an org, and how much of the past still waits for its invoice.</summary>
public sealed record ClockReading(Instant Now, bool Frozen, int DuePeriods);

/// <summary>
/// Each org's clock: real time, or a test clock that stands where it was put and only moves forward. Periods end by the org's clock,
/// so a month of billing can be tried in seconds. What events may be sent when is Ingestion's matter and follows real time.
/// </summary>
internal sealed class OrgClocks(BillingDbContext db, TenantScope tenant, InvoiceSignal signal, IOptions<BillingOptions> options, TimeProvider time)
{
    public Task<ClockReading> ReadAsync(CancellationToken ct) => db.InTransactionAsync(ReadInTransactionAsync, ct);

    public async Task<ClockReading> SetAsync(Instant? now, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var reading = await db.InTransactionAsync(async token =>
        {
            await OrgRows.EnsureAsync(db, org, token);
            var row = await db.Orgs.SingleAsync(token);
            if (now is { } at && row.FrozenAt is { } frozen && at < frozen)
                throw new RefusedException(Refusal.Invalid("now", "clock_backwards", $"The clock stands at {frozen} and only moves forward."));
            row.FrozenAt = now;
            await db.SaveChangesAsync(token);
            return await ReadInTransactionAsync(token);
        }, ct);
        signal.Wake();
        return reading;
    }

    /// <summary>The org's time alone.</summary>
    public Task<Instant> ReadNowAsync(CancellationToken ct) => db.InTransactionAsync(NowAsync, ct);

    /// <summary>The org's time, inside the caller's transaction.</summary>
    public async Task<Instant> NowAsync(CancellationToken ct) =>
        await db.Orgs.Select(row => row.FrozenAt).SingleOrDefaultAsync(ct) ?? Instant.FromDateTimeOffset(time.GetUtcNow());

    private async Task<ClockReading> ReadInTransactionAsync(CancellationToken ct)
    {
        var frozen = await db.Orgs.Select(row => row.FrozenAt).SingleOrDefaultAsync(ct);
        var now = frozen ?? Instant.FromDateTimeOffset(time.GetUtcNow());
        var endedBefore = now - Duration.FromTimeSpan(options.Value.Grace);
        var due = await db.Subscriptions.CountAsync(row => row.NextPeriodEnd <= endedBefore, ct);
        var stale = await db.Invoices.CountAsync(row => row.Stale && row.Status == InvoiceStatuses.Draft, ct);
        return new ClockReading(now, frozen is not null, due + stale + await EarlierInvoices.AdjustableNow(db).CountAsync(ct));
    }
}

/// <summary>The row that Billing keeps for an org; made when the org is first seen.</summary>
internal static class OrgRows
{
    public static Task EnsureAsync(BillingDbContext db, Guid org, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync($"INSERT INTO orgs (org_id, next_invoice_number) VALUES ({org}, 1) ON CONFLICT DO NOTHING", ct);
}
