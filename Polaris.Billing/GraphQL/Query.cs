using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Audit;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Features.WhatIf;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.GraphQL;

/// <summary>Everything is the caller's org's: no field takes an org id.</summary>
[Name("Query")]
internal sealed class Query
{
    [RequireScope(Scopes.Read)]
    public static async Task<CustomerPageType> Customers([FromServices] ReadCustomers customers, string? after, string? search, CancellationToken ct, int first = 50) =>
        CustomerPageType.Of(await customers.PageAsync(first, after, search, ct));

    [RequireScope(Scopes.Read)]
    public static async Task<CustomerType?> Customer([FromServices] ReadCustomers customers, string key, CancellationToken ct) =>
        await customers.FindAsync(key, ct) is { } row ? CustomerType.Of(row) : null;

    [RequireScope(Scopes.Read)]
    public static async Task<SubscriptionPageType> Subscriptions(
        [FromServices] ReadCustomers customers, [FromServices] OrgClocks clocks, string? customer, string? after, CancellationToken ct, int first = 50) =>
        SubscriptionPageType.Of(await customers.SubscriptionsAsync(customer, first, after, ct), await clocks.ReadNowAsync(ct));

    [RequireScope(Scopes.Read)]
    public static async Task<UsageType> Usage(
        [FromServices] ReadUsage usage, [FromServices] TenantScope tenant, string meter, Instant from, Instant to, string? customer, CancellationToken ct)
    {
        var total = await usage.TotalAsync(tenant.RequireOrg(), meter, from, to, customer, ct);
        return new UsageType(meter, from, to, total.Quantity, checked((int)total.EventCount));
    }

    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<UsagePointType>> UsageTimeline(
        [FromServices] ReadUsage usage, [FromServices] TenantScope tenant, string meter, Instant from, Instant to, string? customer, CancellationToken ct,
        UsageWindow window = UsageWindow.Hour) =>
        (await usage.TimelineAsync(tenant.RequireOrg(), meter, from, to, UsagePointType.Width(window), customer, ct)).Select(UsagePointType.Of);

    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<CurrentUsageType>> CurrentUsage([FromServices] ReadCurrentUsage usage, string customer, CancellationToken ct) =>
        (await TooLarge.RefuseAsync(() => usage.HandleAsync(customer, ct))).Select(CurrentUsageType.Of);

    /// <summary>The invoices of a customer's periods in progress, as they would be now or with other quantities.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<InvoicePreviewType>> Preview(
        [FromServices] PreviewInvoice preview, string customer, [Id] Guid? subscriptionId, AssumedQuantityInput[]? quantities, CancellationToken ct) =>
        (await preview.HandleAsync(customer, subscriptionId, [.. (quantities ?? []).Select(one => new AssumedQuantity(one.Meter, one.Quantity, one.EventCount ?? 0))], ct))
            .Select(InvoicePreviewType.Of);

    /// <summary>Stored usage of past periods under another plan version, be it a draft, beside the version they had. Nothing is written.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<WhatIfType> WhatIf(
        [FromServices] WhatIf whatIf, [Id] Guid planVersionId, Instant from, Instant to, string[]? customers, string? after, CancellationToken ct, int first = 50) =>
        WhatIfType.Of(await whatIf.HandleAsync(planVersionId, from, to, customers, first, after, ct));

    [RequireScope(Scopes.Read)]
    public static async Task<InvoicePageType> Invoices(
        [FromServices] ReadInvoices invoices, string? after, string? customer, InvoiceStatus? status, CancellationToken ct, int first = 50) =>
        InvoicePageType.Of(await invoices.PageAsync(first, after, customer, status is { } one ? StoredStatus(one) : null, ct));

    [RequireScope(Scopes.Read)]
    public static async Task<InvoiceType?> Invoice([FromServices] ReadInvoices invoices, [Id] Guid id, CancellationToken ct) =>
        await invoices.FindAsync(id, ct) is { } row ? InvoiceType.Of(row) : null;

    /// <summary>Invoices that are due and could not be made, the next to be tried again first; at most 1,000.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<HeldInvoiceType>> HeldInvoices([FromServices] ReadInvoices invoices, CancellationToken ct) =>
        (await invoices.HeldAsync(ct)).Select(HeldInvoiceType.Of);

    [RequireScope(Scopes.Read)]
    public static async Task<OrgClockType> Clock([FromServices] OrgClocks clocks, CancellationToken ct) => OrgClockType.Of(await clocks.ReadAsync(ct));

    /// <summary>What the auditor has checked of the org, found and healed.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<AuditType> Audit([FromServices] AuditRecords records, [FromServices] TenantScope tenant, CancellationToken ct) =>
        AuditType.Of(await records.ReadAsync(tenant.RequireOrg(), ct));

    /// <summary>Records of the org that could not be counted, the eldest first; with <c>resolved</c> also those that were in the end.</summary>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<DeadLetterType>> DeadLetters(
        [FromServices] ReplayDeadLetters letters, [FromServices] TenantScope tenant, CancellationToken ct, int first = 50, bool resolved = false) =>
        (await letters.ListAsync(tenant.RequireOrg(), first, resolved, ct)).Select(DeadLetterType.Of);

    /// <summary>What the customer sees to whom the token was given.</summary>
    [RequireScope(Scopes.Customer)]
    public static PortalType Portal(IResolveFieldContext context) => PortalType.Of(context.User);

#pragma warning disable CA1308 // Statuses are stored in lower case; nothing is compared case-insensitively.
    private static string StoredStatus(InvoiceStatus status) => status.ToString().ToLowerInvariant();
#pragma warning restore CA1308
}
