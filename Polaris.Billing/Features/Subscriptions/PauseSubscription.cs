using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>
/// Pauses a subscription and resumes it: changes to the version without charges and back to the one before. Usage of paused time is
/// counted but not billed, and periods that are paused as a whole have no invoice. Repeated calls change nothing.
/// </summary>
internal sealed class PauseSubscription(BillingDbContext db, TenantScope tenant, OrgClocks clocks, InvoiceSignal signal, TimeProvider time)
{
    /// <param name="subscriptionId">The subscription.</param>
    /// <param name="at">When; null for now, the start of the current quarter of an hour.</param>
    /// <param name="atPeriodEnd">At the end of the current period or trial instead.</param>
    /// <param name="ct">Cancels.</param>
    public Task<SubscriptionRow> PauseAsync(Guid subscriptionId, Instant? at, bool atPeriodEnd, CancellationToken ct) =>
        EditAsync(
            subscriptionId,
            SubscriptionChanges.Paused,
            (row, now) =>
            {
                var from = RunningSubscription.Moment(row, now, at, atPeriodEnd);
                if (VersionAt(row, from) is { } current && current.PlanVersionId == PlanVersion.PausedId)
                {
                    if (current.StartsAt == from || (at is null && !atPeriodEnd))
                        return null;
                    throw new RefusedException(
                        Refusal.Conflict(
                            "already_paused",
                            $"The subscription is paused from {current.StartsAt} on.",
                            "input.subscriptionId"
                        )
                    );
                }

                VersionChanges.CheckNext(row, from, now);
                VersionChanges.Add(row, from, "", PlanVersion.PausedId, time.GetCurrentInstant());
                return from;
            },
            ct
        );

    /// <inheritdoc cref="PauseAsync"/>
    public Task<SubscriptionRow> ResumeAsync(Guid subscriptionId, Instant? at, bool atPeriodEnd, CancellationToken ct) =>
        EditAsync(
            subscriptionId,
            SubscriptionChanges.Resumed,
            (row, now) =>
            {
                var from = RunningSubscription.Moment(row, now, at, atPeriodEnd);
                if (VersionAt(row, from) is not { } pause || pause.PlanVersionId != PlanVersion.PausedId)
                {
                    if (Resumptions(row).Any(resumed => resumed == from || (at is null && !atPeriodEnd && resumed < from)))
                        return null;
                    throw new RefusedException(
                        Refusal.Conflict("not_paused", "The subscription is not paused at that time.", "input.subscriptionId")
                    );
                }

                // Resumed in the quarter of an hour of the pause: there was none, unless an invoice knows it.
                if (pause.StartsAt == from && !pause.AfterBilling && from >= row.NextPeriodStart)
                {
                    row.Changes.Remove(pause);
                    return from;
                }

                VersionChanges.CheckNext(row, from, now, resumes: true);
                var before = row.Changes.Where(change => change.StartsAt < pause.StartsAt).MaxBy(change => change.StartsAt);
                VersionChanges.Add(
                    row,
                    from,
                    before?.PlanKey ?? row.PlanKey,
                    before?.PlanVersionId ?? row.PlanVersionId,
                    time.GetCurrentInstant()
                );
                return from;
            },
            ct
        );

    /// <summary>The change in effect at that time; null for the version at the start.</summary>
    private static PlanChangeRow? VersionAt(SubscriptionRow row, Instant at) =>
        row.Changes.Where(change => change.StartsAt <= at).MaxBy(change => change.StartsAt);

    private static IEnumerable<Instant> Resumptions(SubscriptionRow row)
    {
        var ordered = row.Changes.OrderBy(change => change.StartsAt).ToArray();
        return ordered
            .Zip(ordered.Skip(1))
            .Where(pair => pair.First.PlanVersionId == PlanVersion.PausedId)
            .Select(pair => pair.Second.StartsAt);
    }

    /// <param name="subscriptionId">The subscription.</param>
    /// <param name="change">What the event says.</param>
    /// <param name="edit">Changes the row; returns when that takes effect, or null when nothing is to change.</param>
    /// <param name="ct">Cancels.</param>
    private async Task<SubscriptionRow> EditAsync(
        Guid subscriptionId,
        string change,
        Func<SubscriptionRow, Instant, Instant?> edit,
        CancellationToken ct
    )
    {
        var row = await db.InTransactionAsync(
            async token =>
            {
                await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), tenant.RequireOrg(), token);
                var found = await RunningSubscription.FindAsync(db, subscriptionId, "input.subscriptionId", token);
                if (edit(found, await clocks.NowAsync(token)) is { } from)
                    Announce.Add(db, found.OrgId, time.GetUtcNow(), Announce.Changed(found, change, from));
                await db.SaveChangesAsync(token);
                return found;
            },
            ct
        );
        signal.Wake();
        return row;
    }
}
