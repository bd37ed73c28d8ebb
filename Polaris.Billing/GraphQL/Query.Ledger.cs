using GraphQL;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Entitlements;
using Polaris.Billing.Features.Ledger;
using Polaris.Billing.Features.Rating;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Query
{
    /// <summary>What a customer owes and has, by currency; empty when nothing was posted to its ledger yet.</summary>
    /// <param name="customer">The customer's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<CustomerBalanceType>> CustomerBalance(
        [FromServices] ReadLedger ledger,
        string customer,
        CancellationToken ct
    ) => (await ledger.StandingsAsync(customer, ct)).Select(CustomerBalanceType.Of);

    /// <summary>A customer's ledger entries, newest first.</summary>
    /// <param name="customer">The customer's key.</param>
    /// <param name="first">The page size, 1 to 1,000.</param>
    /// <param name="after">The <c>endCursor</c> of the page before.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<LedgerPageType> Ledger(
        [FromServices] ReadLedger ledger,
        string customer,
        string? after,
        CancellationToken ct,
        int first = 50
    ) => LedgerPageType.Of(await ledger.PageAsync(customer, first, after, ct));

    /// <summary>A customer's grants of prepaid credits, latest first; at most 1,000.</summary>
    /// <param name="customer">The customer's key.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<IEnumerable<CreditGrantType>> CreditGrants(
        [FromServices] CreditGrants grants,
        string customer,
        CancellationToken ct
    ) => (await grants.ListAsync(customer, ct)).Select(CreditGrantType.Of);

    /// <summary>Whether a customer may use more, fast enough to ask for each of its requests.</summary>
    /// <param name="customer">The customer's key.</param>
    /// <param name="currency">ISO 4217 code of the credits that are asked for. Default: the one that the customer has.</param>
    [RequireScope(Scopes.Read)]
    public static async Task<EntitlementType> Entitlement(
        [FromServices] ReadEntitlement entitlement,
        string customer,
        string? currency,
        CancellationToken ct
    ) => EntitlementType.Of(await TooLarge.RefuseAsync(() => entitlement.HandleAsync(customer, currency, ct)));

    /// <summary>The org's own times of invoicing.</summary>
    [RequireScope(Scopes.Read)]
    public static async Task<InvoiceTimingType> InvoiceTiming([FromServices] InvoiceTiming timing, CancellationToken ct) =>
        InvoiceTimingType.Of(await timing.ReadAsync(ct));
}
