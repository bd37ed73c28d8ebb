using System.Security.Claims;
using GraphQL;
using NodaTime;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Tenancy;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// What a customer of an org sees about itself. The customer comes from the token's claim, never from an argument. The types are the
/// portal's own, so that a field added for the org does not become visible to its customers.
/// </summary>
[Name("Portal")]
internal sealed class PortalType
{
    private readonly string key;

    private PortalType(string key) => this.key = key;

    /// <exception cref="RefusedException">The token does not name a customer.</exception>
    internal static PortalType Of(ClaimsPrincipal? caller) =>
        caller?.FindFirstValue(PolarisClaims.Customer) is { Length: > 0 } key
            ? new PortalType(key)
            : throw new RefusedException(new Refusal(RefusalKind.Forbidden, "missing_customer", "The token does not name a customer."));

    /// <summary>Null when the org has not created the customer yet.</summary>
    public async Task<PortalCustomerType?> Customer([FromServices] ReadCustomers customers, CancellationToken ct) =>
        await customers.FindAsync(key, ct) is { } row ? new PortalCustomerType(row.Key, row.Name, row.Email) : null;

    public async Task<PortalSubscriptionPageType?> Subscriptions(
        [FromServices] ReadCustomers customers,
        [FromServices] OrgClocks clocks,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => PortalSubscriptionPageType.Of(await customers.SubscriptionsAsync(key, first, after, ct), await clocks.ReadNowAsync(ct));

    /// <summary>The metered charges of the current periods.</summary>
    public async Task<IEnumerable<CurrentUsageType>> CurrentUsage([FromServices] ReadCurrentUsage usage, CancellationToken ct) =>
        (await usage.HandleAsync(key, ct)).Select(CurrentUsageType.Of);

    public async Task<UsageType?> Usage(
        [FromServices] ReadUsage usage,
        [FromServices] TenantScope tenant,
        string meter,
        Instant from,
        Instant to,
        CancellationToken ct
    )
    {
        var total = await usage.TotalAsync(tenant.RequireOrg(), meter, from, to, key, ct);
        return new UsageType(meter, from, to, total.Quantity, total.EventCount);
    }

    public async Task<IEnumerable<UsagePointType>?> UsageTimeline(
        [FromServices] ReadUsage usage,
        [FromServices] TenantScope tenant,
        string meter,
        Instant from,
        Instant to,
        CancellationToken ct,
        UsageWindow window = UsageWindow.Hour
    ) => (await usage.TimelineAsync(tenant.RequireOrg(), meter, from, to, UsagePointType.Width(window), key, ct)).Select(UsagePointType.Of);

    /// <summary>Newest first, without drafts.</summary>
    public async Task<PortalInvoicePageType?> Invoices(
        [FromServices] ReadInvoices invoices,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => PortalInvoicePageType.Of(await invoices.PageAsync(first, after, key, null, ct, drafts: false));
}

[Name("PortalCustomer")]
public sealed record PortalCustomerType(string Key, string Name, string? Email);

[Name("PortalSubscription")]
public sealed record PortalSubscriptionType([property: Id] Guid Id, string PlanKey, Instant Start, Instant? End, string TimeZone)
{
    internal static PortalSubscriptionType Of(SubscriptionRow row, Instant now) =>
        new(row.Id, SubscriptionType.Of(row, now).PlanKey, row.StartAt, row.EndAt, row.TimeZone);
}

[Name("PortalSubscriptionPage")]
public sealed record PortalSubscriptionPageType(
    IReadOnlyList<PortalSubscriptionType> Nodes,
    int TotalCount,
    string? EndCursor,
    bool HasNextPage
)
{
    internal static PortalSubscriptionPageType Of(Page<SubscriptionRow> page, Instant now) =>
        new([.. page.Rows.Select(row => PortalSubscriptionType.Of(row, now))], page.TotalCount, page.EndCursor, page.HasNextPage);
}

[Name("PortalInvoice")]
public sealed partial record PortalInvoiceType(
    [property: Id] Guid Id,
    string Number,
    InvoiceStatus Status,
    string Currency,
    Instant PeriodStart,
    Instant PeriodEnd,
    decimal Total,
    decimal Tax,
    IReadOnlyList<PortalInvoiceLineType> Lines,
    Instant? FinalizedAt
)
{
    internal static PortalInvoiceType Of(InvoiceRow row) =>
        new(
            row.Id,
            row.Number!,
            Enum.Parse<InvoiceStatus>(row.Status, ignoreCase: true),
            row.Currency,
            row.PeriodStart,
            row.PeriodEnd,
            row.Total,
            row.Tax,
            [.. row.Lines.Select(PortalInvoiceLineType.Of)],
            row.FinalizedAt
        );
}

[Name("PortalInvoiceLine")]
public sealed record PortalInvoiceLineType(
    string Name,
    decimal Quantity,
    decimal Amount,
    IReadOnlyList<ExplanationStepType> Explanation,
    InvoiceLineKind Kind
)
{
    internal static PortalInvoiceLineType Of(InvoiceLineRow row)
    {
        var line = InvoiceLineType.Of(row);
        return new PortalInvoiceLineType(line.Name, line.Quantity, line.Amount, line.Explanation, line.Kind);
    }
}

[Name("PortalInvoicePage")]
public sealed record PortalInvoicePageType(IReadOnlyList<PortalInvoiceType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static PortalInvoicePageType Of(Page<InvoiceRow> page) =>
        new([.. page.Rows.Select(PortalInvoiceType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}
