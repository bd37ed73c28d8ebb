using Microsoft.EntityFrameworkCore;
using NodaTime;
using NodaTime.Extensions;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Catalog;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Events;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>
/// A change to a plan's current published version, or to a version by its id: exactly one is given. It takes effect at
/// <paramref name="At"/>, at the end of the current period, or, with neither, now: at the start of the current quarter of an hour.
/// </summary>
public sealed record NewPlanChange(Guid SubscriptionId, string? Plan, Guid? PlanVersionId, Instant? At, bool AtPeriodEnd);

/// <summary>
/// Moves a running subscription to another plan version. Invoiced periods stay as they are: a change must not be before their end, and
/// after every earlier change. The same change again returns the subscription unchanged.
/// </summary>
internal sealed class ChangePlan(
    BillingDbContext db,
    TenantScope tenant,
    PlanCatalog plans,
    MeterCatalog meters,
    OrgClocks clocks,
    InvoiceSignal signal,
    TimeProvider time
)
{
    public async Task<SubscriptionRow> HandleAsync(NewPlanChange change, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var version = await VersionAsync(org, change, ct);
        // As for a new subscription: the plan's meters are counted from the first event on.
        await meters.SyncAsync(org, ct);
        var row = await db.InTransactionAsync(token => StoreAsync(org, change, version, token), ct);
        signal.Wake();
        return row;
    }

    /// <summary>Cancels a scheduled change, pause or resumption; does nothing without one.</summary>
    public Task<SubscriptionRow> CancelAsync(Guid subscriptionId, CancellationToken ct) =>
        db.InTransactionAsync(
            async token =>
            {
                await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), tenant.RequireOrg(), token);
                var row = await RunningSubscription.FindAsync(db, subscriptionId, "subscriptionId", token);
                var now = await clocks.NowAsync(token);
                // A clock goes back by returning to real time. A change at the end of invoiced time may have shaped the last invoice.
                var canceled = row
                    .Changes.Where(change =>
                        change.StartsAt > now && (change.StartsAt > row.NextPeriodStart || OpenPeriod.IsUntouched(row))
                    )
                    .ToArray();
                foreach (var change in canceled)
                {
                    row.Changes.Remove(change);
                    Announce.Add(
                        db,
                        row.OrgId,
                        time.GetUtcNow(),
                        Announce.Changed(row, SubscriptionChanges.ChangeCanceled, change.StartsAt)
                    );
                }

                await db.SaveChangesAsync(token);
                return row;
            },
            ct
        );

    private async Task<Plans.V1.PlanVersion> VersionAsync(Guid org, NewPlanChange change, CancellationToken ct)
    {
        if (change.Plan is null == change.PlanVersionId is null)
            throw new RefusedException(
                Refusal.Invalid("input.plan", "one_of_two", "Give either 'plan', for its current published version, or 'planVersionId'.")
            );
        if (change.Plan is { } plan)
            return await plans.FetchPublishedAsync(org, plan, "input.plan", ct);
        var version =
            await plans.FindAsync(org, change.PlanVersionId!.Value, ct)
            ?? throw new RefusedException(
                Refusal.Invalid("input.planVersionId", "unknown_plan_version", $"There is no plan version {change.PlanVersionId}.")
            );
        return version.Status == Plans.V1.VersionStatus.Published
            ? version
            : throw new RefusedException(
                Refusal.Invalid(
                    "input.planVersionId",
                    "not_published",
                    "Only a published version takes subscriptions; this change is a draft or archived."
                )
            );
    }

    private async Task<SubscriptionRow> StoreAsync(Guid org, NewPlanChange change, Plans.V1.PlanVersion version, CancellationToken ct)
    {
        // An invoice drafted concurrently either includes this change or is drafted before it.
        await OrgLock.TakeExclusiveAsync(db.BorrowTransaction(), org, ct);
        var row = await RunningSubscription.FindAsync(db, change.SubscriptionId, "input.subscriptionId", ct);
        var now = await clocks.NowAsync(ct);
        var at = RunningSubscription.Moment(row, now, change.At, change.AtPeriodEnd);
        var id = Guid.Parse(version.Id);
        if (IsDone(row, change, id, at))
            return row;
        VersionChanges.CheckNext(row, at, now);
        var current = Calendars.PlansOf(row).At(at);
        var named = change.Plan is null ? "input.planVersionId" : "input.plan";
        if (current == Domain.PlanVersion.PausedId)
            throw new RefusedException(
                Refusal.Conflict("paused", "The subscription is paused at that time. Resume it first.", "input.subscriptionId")
            );
        if (current == id)
            throw new RefusedException(Refusal.Invalid(named, "same_version", "The subscription is already on this version at that time."));
        var currency = (await PlanCatalog.ReadAsync(db, [current], ct))[current].Currency;
        if (currency != version.Currency)
            throw new RefusedException(
                Refusal.Invalid(
                    named,
                    "currency_mismatch",
                    $"The subscription's currency is {currency}, the other plan's is {version.Currency}."
                )
            );
        await PlanCatalog.StoreAsync(db, org, version, ct);
        VersionChanges.Add(row, at, version.PlanKey, id, time.GetCurrentInstant());
        Announce.Add(db, org, time.GetUtcNow(), Announce.Changed(row, SubscriptionChanges.Plan, at, row.Changes[^1]));
        await db.SaveChangesAsync(ct);
        return row;
    }

    /// <summary>
    /// Whether the change already exists: at that time, or, for "now", which may have advanced since the first try, as the last change.
    /// </summary>
    private static bool IsDone(SubscriptionRow row, NewPlanChange change, Guid version, Instant at) =>
        change.At is null && !change.AtPeriodEnd
            ? row.Changes.Where(change => change.StartsAt <= at).MaxBy(change => change.StartsAt)?.PlanVersionId == version
            : row.Changes.Any(change => change.StartsAt == at && change.PlanVersionId == version);
}
