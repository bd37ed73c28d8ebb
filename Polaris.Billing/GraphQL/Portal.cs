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

    /// <summary>The customer itself; null when the org has not created it yet.</summary>
    public async Task<PortalCustomerType?> Customer([FromServices] ReadCustomers customers, CancellationToken ct) =>
        await customers.FindAsync(key, ct) is { } row ? new PortalCustomerType(row.Key, row.Name, row.Email) : null;

    /// <summary>The customer's subscriptions, oldest first.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    public async Task<PortalSubscriptionPageType?> Subscriptions(
        [FromServices] ReadCustomers customers,
        [FromServices] OrgClocks clocks,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => PortalSubscriptionPageType.Of(await customers.SubscriptionsAsync(key, first, after, ct), await clocks.ReadNowAsync(ct));

    /// <summary>What the customer's metered charges come to so far, in the current billing periods.</summary>
    public async Task<IEnumerable<CurrentUsageType>> CurrentUsage([FromServices] ReadCurrentUsage usage, CancellationToken ct) =>
        (await usage.HandleAsync(key, ct)).Select(CurrentUsageType.Of);

    /// <summary>The customer's usage of a meter.</summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
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

    /// <summary>The customer's usage of a meter, window by window, also of those without usage; at most 5,000.</summary>
    /// <param name="meter">The meter's key.</param>
    /// <param name="from">Inclusive; a multiple of 15 minutes.</param>
    /// <param name="to">Exclusive; a multiple of 15 minutes.</param>
    /// <param name="window">The width of the windows.</param>
    public async Task<IEnumerable<UsagePointType>?> UsageTimeline(
        [FromServices] ReadUsage usage,
        [FromServices] TenantScope tenant,
        string meter,
        Instant from,
        Instant to,
        CancellationToken ct,
        UsageWindow window = UsageWindow.Hour
    ) => (await usage.TimelineAsync(tenant.RequireOrg(), meter, from, to, UsagePointType.Width(window), key, ct)).Select(UsagePointType.Of);

    /// <summary>The customer's invoices, newest first, without drafts.</summary>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    public async Task<PortalInvoicePageType?> Invoices(
        [FromServices] ReadInvoices invoices,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => PortalInvoicePageType.Of(await invoices.PageAsync(first, after, key, null, ct, drafts: false));
}

/// <summary>The customer as it sees itself.</summary>
/// <param name="Key">The org's own key of the customer.</param>
/// <param name="Name">The customer's name as invoices show it.</param>
/// <param name="Email">The customer's e-mail address; null when none is stated.</param>
[Name("PortalCustomer")]
public sealed record PortalCustomerType(string Key, string Name, string? Email);

/// <summary>A subscription as its customer sees it.</summary>
/// <param name="Id">The subscription's id.</param>
/// <param name="PlanKey">The key of the current plan.</param>
/// <param name="Start">When the subscription started, or will.</param>
/// <param name="End">When it ends, exclusive; null while nothing ends it.</param>
/// <param name="TimeZone">IANA name of the zone in which its billing periods begin.</param>
[Name("PortalSubscription")]
public sealed record PortalSubscriptionType([property: Id] Guid Id, string PlanKey, Instant Start, Instant? End, string TimeZone)
{
    internal static PortalSubscriptionType Of(SubscriptionRow row, Instant now) =>
        new(row.Id, SubscriptionType.Of(row, now).PlanKey, row.StartAt, row.EndAt, row.TimeZone);
}

/// <summary>A page of the customer's subscriptions, oldest first.</summary>
/// <param name="Nodes">The subscriptions of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
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

/// <summary>A final invoice as its customer sees it.</summary>
/// <param name="Id">The invoice's id.</param>
/// <param name="Number">The invoice's number.</param>
/// <param name="Status">Where the invoice is in its life; never DRAFT.</param>
/// <param name="Currency">ISO 4217 code of all amounts of the invoice.</param>
/// <param name="PeriodStart">The beginning of the billing period.</param>
/// <param name="PeriodEnd">The end of the billing period, exclusive.</param>
/// <param name="Total">What the invoice amounts to, with tax.</param>
/// <param name="Tax">The tax in the total.</param>
/// <param name="Lines">The lines that the total is the sum of, in their order.</param>
/// <param name="FinalizedAt">When the invoice became final.</param>
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

/// <summary>A line of an invoice as its customer sees it.</summary>
/// <param name="Name">What the line says.</param>
/// <param name="Quantity">The quantity that is priced.</param>
/// <param name="Amount">The amount, rounded to the currency's minor units.</param>
/// <param name="Explanation">How the amount comes about, step by step.</param>
/// <param name="Kind">What the line is.</param>
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

/// <summary>A page of the customer's invoices, newest first.</summary>
/// <param name="Nodes">The invoices of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("PortalInvoicePage")]
public sealed record PortalInvoicePageType(IReadOnlyList<PortalInvoiceType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static PortalInvoicePageType Of(Page<InvoiceRow> page) =>
        new([.. page.Rows.Select(PortalInvoiceType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}
