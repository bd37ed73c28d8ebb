using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.GraphQL;

[Name("Mutation")]
internal sealed class Mutation
{
    [RequireScope(Scopes.Billing)]
    public static async Task<IEnumerable<CustomerType>> CreateCustomers([FromServices] CreateCustomers create, CreateCustomerInput[] input, CancellationToken ct) =>
        (await create.HandleAsync([.. input.Select(one => new NewCustomer(one.Key, one.Name, one.Email))], ct)).Select(CustomerType.Of);

    [RequireScope(Scopes.Billing)]
    public static async Task<IEnumerable<SubscriptionType>> CreateSubscriptions(
        [FromServices] CreateSubscriptions create, [FromServices] OrgClocks clocks, CreateSubscriptionInput[] input, CancellationToken ct)
    {
        var rows = await create.HandleAsync([.. input.Select(one => new NewSubscription(one.Customer, one.Plan, one.Start, one.End, one.AnchorDay, one.TimeZone))], ct);
        var now = await clocks.ReadNowAsync(ct);
        return rows.Select(row => SubscriptionType.Of(row, now));
    }

    /// <summary>Moves a running subscription to another plan version of the same currency. Its invoices say of each version what it was charged.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> ChangePlan([FromServices] ChangePlan change, [FromServices] OrgClocks clocks, ChangePlanInput input, CancellationToken ct) =>
        SubscriptionType.Of(await change.HandleAsync(input.ToNewPlanChange(), ct), await clocks.ReadNowAsync(ct));

    /// <summary>Takes back a change of plans that has not come yet.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> CancelPlanChange([FromServices] ChangePlan change, [FromServices] OrgClocks clocks, [Id] Guid subscriptionId, CancellationToken ct) =>
        SubscriptionType.Of(await change.CancelAsync(subscriptionId, ct), await clocks.ReadNowAsync(ct));

    /// <summary>Ends a running subscription, or ends it earlier than it would.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<SubscriptionType> EndSubscription([FromServices] EndSubscription end, [FromServices] OrgClocks clocks, EndSubscriptionInput input, CancellationToken ct) =>
        SubscriptionType.Of(await end.HandleAsync(input.SubscriptionId, input.At, input.AtPeriodEnd ?? false, ct), await clocks.ReadNowAsync(ct));

    /// <summary>Puts the org on a test clock that stands at <c>now</c>; null returns it to real time.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<OrgClockType> SetClock([FromServices] OrgClocks clocks, Instant? now, CancellationToken ct) => OrgClockType.Of(await clocks.SetAsync(now, ct));

    [RequireScope(Scopes.Billing)]
    public static async Task<RecomputationType> RecomputeInvoice([FromServices] RecomputeInvoice recompute, [Id] Guid id, CancellationToken ct) =>
        RecomputationType.Of(await TooLarge.RefuseAsync(() => recompute.HandleAsync(id, ct)));

    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> FinalizeInvoice([FromServices] FinalizeInvoice finalize, [Id] Guid id, CancellationToken ct) =>
        InvoiceType.Of(await finalize.HandleAsync(id, ct));

    /// <summary>
    /// Audits a span of the org now, buckets and aggregates against the stored events, and heals what differs. Bounds are multiples of 15
    /// minutes. Where <c>checkedThrough</c> is before <c>to</c>, time was up: ask again from there.
    /// </summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<AuditReportType> AuditUsage(
        [FromServices] AuditUsage audit, [FromServices] TenantScope tenant, Instant from, Instant to, CancellationToken ct) =>
        AuditReportType.Of(await audit.HandleAsync(tenant.RequireOrg(), from, to, ct));

    /// <summary>Tries to count dead letters again: those named, or all that wait.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<DeadLetterReplayType> ReplayDeadLetters(
        [FromServices] ReplayDeadLetters letters, [FromServices] TenantScope tenant, [Id] Guid[]? ids, CancellationToken ct) =>
        DeadLetterReplayType.Of(await letters.ReplayAsync(tenant.RequireOrg(), ids, ct));
}
