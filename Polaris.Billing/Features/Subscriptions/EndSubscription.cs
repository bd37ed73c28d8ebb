using NodaTime;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>
/// Ends a running subscription, or ends it earlier than it would: at a moment, at the end of the period in progress, or now. What is invoiced
/// stays as it is; the last invoice gives back what fees in advance were billed beyond the end. The same end again changes nothing.
/// </summary>
internal sealed class EndSubscription(BillingDbContext db, TenantScope tenant, OrgClocks clocks, InvoiceSignal signal)
{
    public async Task<SubscriptionRow> HandleAsync(Guid subscriptionId, Instant? at, bool atPeriodEnd, CancellationToken ct)
    {
        var row = await db.InTransactionAsync(async token =>
        {
            await UsageSql.LockOrgAloneAsync(DraftInvoices.Transaction(db), tenant.RequireOrg(), token);
            var found = await RunningSubscription.FindAsync(db, subscriptionId, "input.subscriptionId", token);
            var now = await clocks.NowAsync(token);
            // Tried again with "now", the end is in the past already.
            if (at is null && found.EndAt <= now) return found;
            var end = RunningSubscription.Moment(found, now, at, atPeriodEnd);
            if (found.EndAt == end) return found;
            RunningSubscription.CheckOpen(found, end);
            if (found.EndAt is { } known && end > known)
                throw new RefusedException(Refusal.Conflict("ends_earlier", $"The subscription ends at {known} already; an end is not put off.", "input.at"));
            End(found, end);
            await db.SaveChangesAsync(token);
            return found;
        }, ct);
        signal.Wake();
        return row;
    }

    private static void End(SubscriptionRow row, Instant end)
    {
        row.EndAt = end;
        if (row.NextPeriodEnd is not { } periodEnd || end >= periodEnd) return;
        // The invoice before, if there is one, billed this period's fees in advance up to where it ended then.
        if (row.NextPeriodStart > row.StartAt) row.PaidUntil ??= periodEnd;
        row.NextPeriodEnd = end;
    }
}
