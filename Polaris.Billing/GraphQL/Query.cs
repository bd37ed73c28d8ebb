using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.DeadLetterQueue;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Rating;
using Polaris.Billing.Features.Reconciliation;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Features.WhatIf;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.GraphQL;

/// <summary>What a caller may ask. Everything belongs to the caller's org, or to another of theirs where a field names it.</summary>
[Name("Query")]
internal sealed partial class Query
{
    /// <summary>The org's customers, ordered by key.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="search">Only those with this text in their key or name.</param>
    /// <param name="archived">Also those that are archived.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<CustomerPageType> Customers(
        [FromServices] ReadCustomers customers,
        string? after,
        string? search,
        CancellationToken ct,
        int first = 50,
        bool archived = false
    ) => CustomerPageType.Of(await customers.PageAsync(first, after, search, archived, ct));

    /// <summary>One customer of the org; null when there is none with this key.</summary>
    /// <param name="key">The customer's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<CustomerType?> Customer([FromServices] ReadCustomers customers, string key, CancellationToken ct) =>
        await customers.FindAsync(key, ct) is { } row ? CustomerType.Of(row) : null;

    /// <summary>The org's subscriptions, oldest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="customer">Only those of the customer with this key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<SubscriptionPageType> Subscriptions(
        [FromServices] ReadCustomers customers,
        [FromServices] OrgClocks clocks,
        string? customer,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => SubscriptionPageType.Of(await customers.SubscriptionsAsync(customer, first, after, ct), await clocks.ReadNowAsync(ct));

    /// <summary>The org's coupons, ordered by key.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<CouponPageType> Coupons([FromServices] Coupons coupons, string? after, CancellationToken ct, int first = 50) =>
        CouponPageType.Of(await coupons.PageAsync(first, after, ct));

    /// <summary>A subscription's coupons, in the order in which they apply.</summary>
    /// <param name="subscriptionId">The subscription's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<AppliedCouponType>> AppliedCoupons(
        [FromServices] Coupons coupons,
        [Id] Guid subscriptionId,
        CancellationToken ct
    ) => (await coupons.AppliedAsync(subscriptionId, ct)).Select(pair => AppliedCouponType.Of(pair.Applied));

    /// <summary>A subscription's one-off charges, latest first; at most 1,000.</summary>
    /// <param name="subscriptionId">The subscription's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<OneOffChargeType>> OneOffCharges(
        [FromServices] CreateOneOffCharge charges,
        [Id] Guid subscriptionId,
        CancellationToken ct
    ) => (await charges.ListAsync(subscriptionId, ct)).Select(OneOffChargeType.Of);

    /// <summary>A meter's usage in a time. A meter that the org does not have is refused with NOT_FOUND.</summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    /// <param name="customer">Only usage of the customer with this key.</param>
    /// <param name="orgId">An org that the caller is in. Default: that of the token or key.</param>
    [RequireScope(Scopes.Read)]
    public static Task<UsageType> Usage(
        [FromServices] InOrgs orgs,
        string meter,
        Instant from,
        Instant to,
        string? customer,
        [Id] Guid? orgId,
        CancellationToken ct
    ) =>
        orgs.RunAsync<ReadUsage, UsageType>(
            orgId,
            Scopes.Read,
            async (usage, org) =>
            {
                var total = await usage.TotalAsync(org, meter, from, to, customer, ct);
                return new UsageType(meter, from, to, total.Quantity, total.EventCount);
            },
            ct
        );

    /// <summary>A meter's usage, window by window, also of those without usage; at most 5,000 windows.</summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    /// <param name="customer">Only usage of the customer with this key.</param>
    /// <param name="window">The width of the windows.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<UsagePointType>> UsageTimeline(
        [FromServices] ReadUsage usage,
        [FromServices] TenantScope tenant,
        string meter,
        Instant from,
        Instant to,
        string? customer,
        CancellationToken ct,
        UsageWindow window = UsageWindow.Hour
    ) =>
        (await usage.TimelineAsync(tenant.RequireOrg(), meter, from, to, UsagePointType.Width(window), customer, ct)).Select(
            UsagePointType.Of
        );

    /// <summary>What the metered charges of a customer's subscriptions come to so far, in the current billing periods.</summary>
    /// <param name="customer">The customer's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<CurrentUsageType>> CurrentUsage(
        [FromServices] ReadCurrentUsage usage,
        string customer,
        CancellationToken ct
    ) => (await TooLarge.RefuseAsync(() => usage.HandleAsync(customer, ct))).Select(CurrentUsageType.Of);

    /// <summary>The invoices of a customer's current periods, as of now or with other quantities.</summary>
    /// <param name="customer">The customer's key.</param>
    /// <param name="subscriptionId">Only the invoice of this subscription.</param>
    /// <param name="quantities">Quantities that replace the usage of meters.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<InvoicePreviewType>> Preview(
        [FromServices] PreviewInvoice preview,
        string customer,
        [Id] Guid? subscriptionId,
        AssumedQuantityInput[]? quantities,
        CancellationToken ct
    ) =>
        (
            await preview.HandleAsync(
                customer,
                subscriptionId,
                [
                    .. (quantities ?? []).Select(quantity => new AssumedQuantity(
                        quantity.Meter,
                        quantity.Quantity,
                        quantity.EventCount ?? 0
                    )),
                ],
                ct
            )
        ).Select(InvoicePreviewType.Of);

    /// <summary>
    /// Rates stored usage of past periods under another plan version, which may be a draft, and under their own. Nothing is written.
    /// </summary>
    /// <param name="planVersionId">The id of the other plan version.</param>
    /// <param name="from">The beginning of the time whose periods are rated.</param>
    /// <param name="to">The end of that time, at most 400 days later.</param>
    /// <param name="customers">Only these customers, by key, at most 1,000.</param>
    /// <param name="first">The number of subscriptions on a page, 1 to 200.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<WhatIfType> WhatIf(
        [FromServices] WhatIf whatIf,
        [Id] Guid planVersionId,
        Instant from,
        Instant to,
        string[]? customers,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => WhatIfType.Of(await whatIf.HandleAsync(planVersionId, from, to, customers, first, after, ct));

    /// <summary>An org's invoices, newest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    /// <param name="customer">Only those of the customer with this key.</param>
    /// <param name="status">Only those with this status.</param>
    /// <param name="orgId">An org that the caller is in. Default: that of the token or key.</param>
    [RequireScope(Scopes.Read)]
    public static Task<InvoicePageType> Invoices(
        [FromServices] InOrgs orgs,
        string? after,
        string? customer,
        InvoiceStatus? status,
        [Id] Guid? orgId,
        CancellationToken ct,
        int first = 50
    ) =>
        orgs.RunAsync<ReadInvoices, InvoicePageType>(
            orgId,
            Scopes.Read,
            async (invoices, _) =>
                InvoicePageType.Of(
                    await invoices.PageAsync(first, after, customer, status is { } wanted ? StoredStatus(wanted) : null, ct)
                ),
            ct
        );

    /// <summary>One invoice of the org; null when there is none with this id.</summary>
    /// <param name="id">The invoice's id.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<InvoiceType?> Invoice([FromServices] ReadInvoices invoices, [Id] Guid id, CancellationToken ct) =>
        await invoices.FindAsync(id, ct) is { } row ? InvoiceType.Of(row) : null;

    /// <summary>Due invoices that could not be created, ordered by the time of the next try; at most 1,000.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<HeldInvoiceType>> HeldInvoices([FromServices] HeldInvoices held, CancellationToken ct) =>
        (await held.ListAsync(ct)).Select(HeldInvoiceType.Of);

    /// <summary>What time it is for the org.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<OrgClockType> Clock([FromServices] OrgClocks clocks, CancellationToken ct) =>
        OrgClockType.Of(await clocks.ReadAsync(ct));

    /// <summary>What reconciliation has compared, found and repaired in the org.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<ReconciliationType> Reconciliation(
        [FromServices] ReconciliationRecords records,
        [FromServices] TenantScope tenant,
        CancellationToken ct
    ) => ReconciliationType.Of(await records.ReadAsync(tenant.RequireOrg(), ct));

    /// <summary>Records of the org that could not be counted, oldest first.</summary>
    /// <param name="first">How many at most, 1 to 500.</param>
    /// <param name="resolved">Also those that were counted later.</param>
    [RequireScope(Scopes.Admin)]
    public static async Task<IEnumerable<DeadLetterType>> DeadLetters(
        [FromServices] ReplayDeadLetters letters,
        [FromServices] TenantScope tenant,
        CancellationToken ct,
        int first = 50,
        bool resolved = false
    ) => (await letters.ListAsync(tenant.RequireOrg(), first, resolved, ct)).Select(DeadLetterType.Of);

    /// <summary>The view of the customer that the token is for.</summary>
    [RequireScope(Scopes.Customer)]
    public static PortalType Portal(IResolveFieldContext context) => PortalType.Of(context.User);

#pragma warning disable CA1308 // Statuses are stored in lower case; nothing is compared case-insensitively.
    internal static string StoredStatus(InvoiceStatus status) => status.ToString().ToLowerInvariant();
#pragma warning restore CA1308
}
