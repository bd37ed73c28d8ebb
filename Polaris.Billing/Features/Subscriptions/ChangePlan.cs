using Microsoft.EntityFrameworkCore;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Meters;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.Features.Subscriptions;

/// <summary>
/// To a plan's current published version, or to one by its id: exactly one is named. From <paramref name="At"/> on, or from the end of the
/// period in progress; without either from now on, which is the beginning of the running quarter of an hour.
/// </summary>
public sealed record NewPlanChange(Guid SubscriptionId, string? Plan, Guid? PlanVersionId, Instant? At, bool AtPeriodEnd);

/// <summary>
/// Moves a running subscription to another plan version. What is invoiced stays as it is: a change comes after it, and after every earlier
/// change. The same change again returns the subscription as it is.
/// </summary>
internal sealed class ChangePlan(
    BillingDbContext db, TenantScope tenant, PlanCatalog plans, MeterCatalog meters, OrgClocks clocks, InvoiceSignal signal, TimeProvider time)
{
    /// <summary>Of one subscription, ever: each query of it brings them along.</summary>
    public const int MaxChanges = 100;

    public async Task<SubscriptionRow> HandleAsync(NewPlanChange change, CancellationToken ct)
    {
        var org = tenant.RequireOrg();
        var version = await VersionAsync(org, change, ct);
        // As with a new subscription: what the plan counts is counted from its first event on.
        await meters.SyncAsync(org, ct);
        var row = await db.InTransactionAsync(token => StoreAsync(org, change, version, token), ct);
        signal.Wake();
        return row;
    }

    /// <summary>Takes a change back that has not come yet; without one nothing happens.</summary>
    public Task<SubscriptionRow> CancelAsync(Guid subscriptionId, CancellationToken ct) => db.InTransactionAsync(async token =>
    {
        await UsageSql.LockOrgAloneAsync(DraftInvoices.Transaction(db), tenant.RequireOrg(), token);
        var row = await RunningSubscription.FindAsync(db, subscriptionId, "subscriptionId", token);
        var now = await clocks.NowAsync(token);
        // An org's clock that returns to real time goes back: what is invoiced has come all the same.
        row.Changes.RemoveAll(one => one.StartsAt > now && one.StartsAt > row.NextPeriodStart);
        await db.SaveChangesAsync(token);
        return row;
    }, ct);

    private async Task<Plans.V1.PlanVersion> VersionAsync(Guid org, NewPlanChange change, CancellationToken ct)
    {
        if (change.Plan is null == change.PlanVersionId is null)
            throw new RefusedException(Refusal.Invalid("input.plan", "one_of_two", "Name a 'plan', for its current published version, or a 'planVersionId'."));
        if (change.Plan is { } plan) return await plans.FetchPublishedAsync(org, plan, "input.plan", ct);
        var version = await plans.FindAsync(org, change.PlanVersionId!.Value, ct)
            ?? throw new RefusedException(Refusal.Invalid("input.planVersionId", "unknown_plan_version", $"There is no plan version {change.PlanVersionId}."));
        return version.Status == Plans.V1.VersionStatus.Published
            ? version
            : throw new RefusedException(Refusal.Invalid("input.planVersionId", "not_published", "Only a published version takes subscriptions; this one is a draft or archived."));
    }

    private async Task<SubscriptionRow> StoreAsync(Guid org, NewPlanChange change, Plans.V1.PlanVersion version, CancellationToken ct)
    {
        // Whoever drafts an invoice of the subscription either knows of the change or makes it too late.
        await UsageSql.LockOrgAloneAsync(DraftInvoices.Transaction(db), org, ct);
        var row = await RunningSubscription.FindAsync(db, change.SubscriptionId, "input.subscriptionId", ct);
        var now = await clocks.NowAsync(ct);
        var at = RunningSubscription.Moment(row, now, change.At, change.AtPeriodEnd);
        var id = Guid.Parse(version.Id);
        if (IsDone(row, change, id, at)) return row;
        RunningSubscription.CheckOpen(row, at);
        if (row.EndAt is { } end && at >= end) throw new RefusedException(Refusal.Invalid("input.at", "after_end", $"The subscription ends at {end}."));
        if (row.Changes.FirstOrDefault(one => one.StartsAt >= at || one.StartsAt > now) is { } other)
            throw new RefusedException(Refusal.Conflict("change_scheduled", $"The plan changes at {other.StartsAt} already; cancel that first if it is still to come.", "input.at"));
        var current = Calendars.PlansOf(row).At(at);
        var named = change.Plan is null ? "input.planVersionId" : "input.plan";
        if (current == id) throw new RefusedException(Refusal.Invalid(named, "same_version", "The subscription is on this version then already."));
        var currency = (await PlanCatalog.ReadAsync(db, [current], ct))[current].Currency;
        if (currency != version.Currency)
            throw new RefusedException(Refusal.Invalid(named, "currency_mismatch", $"The subscription is billed in {currency}, the other plan in {version.Currency}."));
        if (row.Changes.Count >= MaxChanges) throw new RefusedException(Refusal.Conflict("too_many_changes", $"A subscription's plan changes at most {MaxChanges} times: start another one."));

        await PlanCatalog.KeepAsync(db, org, version, ct);
        row.Changes.Add(new PlanChangeRow
        {
            OrgId = org,
            SubscriptionId = row.Id,
            StartsAt = at,
            PlanKey = version.PlanKey,
            PlanVersionId = id,
            CreatedAt = Instant.FromDateTimeOffset(time.GetUtcNow()),
        });
        await db.SaveChangesAsync(ct);
        return row;
    }

    /// <summary>The change is there: at that moment, or, where "now" may have moved on since the first try, as the last one.</summary>
    private static bool IsDone(SubscriptionRow row, NewPlanChange change, Guid version, Instant at) => change.At is null && !change.AtPeriodEnd
        ? row.Changes.Where(one => one.StartsAt <= at).MaxBy(one => one.StartsAt)?.PlanVersionId == version
        : row.Changes.Any(one => one.StartsAt == at && one.PlanVersionId == version);
}
