using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Clock;

/// <summary>An org's current time and the number of ended periods that are not invoiced yet.</summary>
public sealed record ClockReading(Instant Now, bool Frozen, int DuePeriods);

/// <summary>
/// Each org's clock: real time, or a test clock that stands still and is only moved forward. Periods end by the org's clock, so a month of
/// billing can be tried in seconds. Only a sandbox has a test clock. Ingestion checks timestamps by it too (<see cref="TestClocks"/>).
/// </summary>
internal sealed class OrgClocks(
    BillingDbContext db,
    TenantScope tenant,
    OrgKinds kinds,
    InvoiceSignal signal,
    IOptions<BillingOptions> options,
    TimeProvider time
)
{
    public Task<ClockReading> ReadAsync(CancellationToken ct) => db.InTransactionAsync(ReadInTransactionAsync, ct);

    public async Task<ClockReading> SetAsync(Instant? now, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        if (now is { } stated)
        {
            StatedDates.Check("now", stated);
            if (!await kinds.IsSandboxAsync(org, ct))
                throw new RefusedException(
                    Refusal.Conflict("live_org", "This org is live: its time is real. Sign up a sandbox to use a test clock.", "now")
                );
        }

        var reading = await db.InTransactionAsync(
            async token =>
            {
                await OrgRows.EnsureAsync(db, org, token);
                var row = await db.Orgs.SingleAsync(token);
                await CheckForwardAsync(row, now, token);
                row.FrozenAt = now;
                await db.SaveChangesAsync(token);
                await db.Database.ExecuteSqlAsync($"UPDATE orgs SET clock_set_at = clock_timestamp() WHERE org_id = {org}", token);
                return await ReadInTransactionAsync(token);
            },
            ct
        );
        signal.Wake();
        return reading;
    }

    /// <summary>The org's time, in a transaction of its own.</summary>
    public Task<Instant> ReadNowAsync(CancellationToken ct) => db.InTransactionAsync(NowAsync, ct);

    /// <summary>The org's time, in the caller's transaction.</summary>
    public async Task<Instant> NowAsync(CancellationToken ct) =>
        await db.Orgs.Select(row => row.FrozenAt).SingleOrDefaultAsync(ct) ?? time.GetCurrentInstant();

    /// <summary>The time from a period's end to its draft: the org's own, else the installation's. In the caller's transaction.</summary>
    public async Task<Duration> GraceAsync(CancellationToken ct) =>
        await db.Orgs.Select(row => row.GraceMinutes).SingleOrDefaultAsync(ct) is { } minutes
            ? Duration.FromMinutes(minutes)
            : Duration.FromTimeSpan(options.Value.Grace);

    /// <summary>Time never goes back behind what was invoiced by it, which a test clock may have been far ahead for.</summary>
    private async Task CheckForwardAsync(OrgRow row, Instant? now, CancellationToken ct)
    {
        if (now is { } at && row.FrozenAt is { } frozen && at < frozen)
            throw new RefusedException(
                Refusal.Invalid("now", "clock_backwards", $"'now' must not be before {frozen}: the test clock only moves forward.")
            );
        // Also of the invoices at a subscription's start, whose periods are empty.
        var last = await db.Invoices.MaxAsync(invoice => (Instant?)invoice.PeriodEnd, ct);
        if (last is { } invoiced && (now ?? time.GetCurrentInstant()) < invoiced)
            throw new RefusedException(
                Refusal.Conflict(
                    "clock_backwards",
                    $"There are invoices up to {invoiced}: the org's time must not go back before it. Keep the test clock until then.",
                    "now"
                )
            );
    }

    private async Task<ClockReading> ReadInTransactionAsync(CancellationToken ct)
    {
        var frozen = await db.Orgs.Select(row => row.FrozenAt).SingleOrDefaultAsync(ct);
        var now = frozen ?? time.GetCurrentInstant();
        var endedBefore = now - await GraceAsync(ct);
        var due = await db.Subscriptions.CountAsync(row => row.NextPeriodEnd <= endedBefore, ct);
        var stale = await db.Invoices.CountAsync(row => row.Stale && row.Status == InvoiceStatuses.Draft, ct);
        return new ClockReading(now, frozen is not null, due + stale + await StaleInvoices.AdjustableNow(db).CountAsync(ct));
    }
}

/// <summary>Billing's row for an org, created on first use.</summary>
internal static class OrgRows
{
    public static Task EnsureAsync(BillingDbContext db, Guid org, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync($"INSERT INTO orgs (org_id, next_invoice_number) VALUES ({org}, 1) ON CONFLICT DO NOTHING", ct);
}
