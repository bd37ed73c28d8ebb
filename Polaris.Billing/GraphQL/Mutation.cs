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
        [FromServices] CreateSubscriptions create, CreateSubscriptionInput[] input, CancellationToken ct) =>
        (await create.HandleAsync(
            [.. input.Select(one => new NewSubscription(one.Customer, one.Plan, one.Start, one.End, one.AnchorDay, one.TimeZone))], ct)).Select(SubscriptionType.Of);

    /// <summary>Puts the org on a test clock that stands at <c>now</c>; null returns it to real time.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<OrgClockType> SetClock([FromServices] OrgClocks clocks, Instant? now, CancellationToken ct) => OrgClockType.Of(await clocks.SetAsync(now, ct));

    [RequireScope(Scopes.Billing)]
    public static async Task<RecomputationType> RecomputeInvoice([FromServices] RecomputeInvoice recompute, [Id] Guid id, CancellationToken ct) =>
        RecomputationType.Of(await recompute.HandleAsync(id, ct));

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
