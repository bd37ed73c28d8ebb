using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Events.V1;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>An end: at a time, at the end of the current period or trial, or, with neither, now.</summary>
/// <param name="Credit">Whether the last invoice credits fees in advance of time after the end.</param>
public sealed record SubscriptionEnd(Guid SubscriptionId, Instant? At, bool AtPeriodEnd, bool Credit = true);

/// <summary>
/// Ends a subscription, or ends it earlier than scheduled. Invoiced periods stay as they are; the last invoice credits fees in advance for
/// time after the end. An end before billing starts cancels it: nothing is invoiced. The same end again changes nothing. An end can be
/// taken back until the last period is invoiced.
/// </summary>
internal sealed class EndSubscription(BillingDbContext db, TenantScope tenant, OrgClocks clocks, InvoiceSignal signal, TimeProvider time)
{
    public Task<SubscriptionRow> HandleAsync(SubscriptionEnd input, CancellationToken ct) =>
        EditAsync(
            input.SubscriptionId,
            "input.subscriptionId",
            async (row, now) =>
            {
                // On a retry with "now" the end is already in the past.
                if (input is { At: null, AtPeriodEnd: false } && row.EndAt <= now)
                    return;
                var end = RunningSubscription.Moment(row, now, input.At, input.AtPeriodEnd);
                if (IsCancellation(row, end, now))
                    Cancel(row, end);
                else if (row.EndAt != end || row.CreditUnused != input.Credit)
                    await EndAsync(row, end, input.Credit, ct);
            },
            Announce.Ended,
            ct
        );

    /// <summary>
    /// Takes back an end, or a cancellation, so that the subscription goes on as it was created. Does nothing without one.
    /// </summary>
    public Task<SubscriptionRow> UndoAsync(Guid subscriptionId, CancellationToken ct) =>
        EditAsync(
            subscriptionId,
            "subscriptionId",
            async (row, _) =>
            {
                if (row.EndAt == row.AgreedEndAt)
                    return;
                if (row.NextPeriodStart is null && await db.Invoices.AnyAsync(invoice => invoice.SubscriptionId == row.Id, ct))
                    throw RunningSubscription.Ended(row, "subscriptionId");
                if ((await CustomerLock.HoldAsync(db, row.OrgId, [row.CustomerKey], ct)).Count > 0)
                    throw new RefusedException(CustomerLock.Archived(row.CustomerKey, "subscriptionId"));
                OpenPeriod.GoOn(row);
            },
            row => Announce.Changed(row, SubscriptionChanges.EndUndone, time.GetCurrentInstant()),
            ct
        );

    /// <summary>
    /// An end before billing starts. A subscription that runs has at least its first 15 minutes: if it has not started yet, an end within
    /// them cancels it too.
    /// </summary>
    private static bool IsCancellation(SubscriptionRow row, Instant end, Instant now) =>
        OpenPeriod.IsUntouched(row) && (end <= OpenPeriod.BillingStart(row) || (now < row.StartAt && end <= row.StartAt + Buckets.Size));

    private static void Cancel(SubscriptionRow row, Instant end)
    {
        // A subscription that ended in its trial, or before its start, is not ended again at another time.
        if (row.EndAt is { } known && known <= end)
            return;
        OpenPeriod.Cancel(row, end <= OpenPeriod.BillingStart(row) ? end : row.StartAt);
    }

    private async Task EndAsync(SubscriptionRow row, Instant end, bool credit, CancellationToken ct)
    {
        RunningSubscription.CheckOpen(row, end);
        if (row.EndAt is { } known && end > known)
            throw new RefusedException(
                Refusal.Conflict(
                    "ends_earlier",
                    $"The subscription already ends at {known}. Undo that end first; then it can end later.",
                    "input.at"
                )
            );
        if (end == row.NextPeriodStart)
        {
            await TakeBackAdvanceAsync(row, end, credit, ct);
            return;
        }

        row.CreditUnused = credit;
        OpenPeriod.End(row, end);
    }

    /// <summary>
    /// An end at the very boundary up to which everything is invoiced: the last invoice has fees in advance of time after the end, and is
    /// rated anew.
    /// </summary>
    private async Task TakeBackAdvanceAsync(SubscriptionRow row, Instant end, bool credit, CancellationToken ct)
    {
        if (!credit)
            throw RunningSubscription.Invoiced(end);
        row.EndAt = end;
        (row.NextPeriodStart, row.NextPeriodEnd) = (null, null);
        var last = await db
            .Invoices.Where(invoice =>
                invoice.SubscriptionId == row.Id && invoice.PeriodEnd == end && invoice.Status != InvoiceStatuses.Void
            )
            .ToListAsync(ct);
        foreach (var invoice in last)
            invoice.Stale = true;
    }

    private async Task<SubscriptionRow> EditAsync(
        Guid subscriptionId,
        string path,
        Func<SubscriptionRow, Instant, Task> edit,
        Func<SubscriptionRow, BillingEvent> ended,
        CancellationToken ct
    )
    {
        var row = await db.InTransactionAsync(
            async token =>
            {
                await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), tenant.RequireOrg(), token);
                var found = await RunningSubscription.FindAsync(db, subscriptionId, path, token);
                var before = (found.EndAt, found.CreditUnused);
                await edit(found, await clocks.NowAsync(token));
                if (before != (found.EndAt, found.CreditUnused))
                    Announce.Add(db, found.OrgId, time.GetUtcNow(), ended(found));
                await db.SaveChangesAsync(token);
                return found;
            },
            ct
        );
        signal.Wake();
        return row;
    }
}
