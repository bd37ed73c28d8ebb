using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Ledger;
using Polaris.ServiceDefaults.Auth;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.GraphQL;

namespace Polaris.Billing.GraphQL;

internal sealed partial class Mutation
{
    /// <summary>Finalizes drafts, at most 1,000 in a call: each is finalized or says why not. Either ids or a time are given.</summary>
    /// <param name="ids">The ids of the drafts.</param>
    /// <param name="through">All drafts of periods that ended by this time.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<FinalizeInvoicesType> FinalizeInvoices(
        [FromServices] FinalizeInvoices finalize,
        [Id] Guid[]? ids,
        Instant? through,
        CancellationToken ct
    )
    {
        if (ids is null == through is null)
            throw new RefusedException(Refusal.Invalid("ids", "one_of_two", "Give either 'ids' or 'through'."));
        return FinalizeInvoicesType.Of(
            through is { } end ? await finalize.ThroughAsync(end, ct) : new FinalizedThrough(await finalize.HandleAsync(ids!, ct), 0)
        );
    }

    /// <summary>
    /// Voids a finalized, unpaid invoice. The balance and credits that it used are the customer's again; its period may be reissued.
    /// </summary>
    /// <param name="id">The invoice's id.</param>
    /// <param name="reason">Why, for people.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> VoidInvoice(
        [FromServices] VoidInvoice invoices,
        [Id] Guid id,
        string reason,
        CancellationToken ct
    ) => InvoiceType.Of(await invoices.HandleAsync(id, reason, ct));

    /// <summary>Drafts the period of a void invoice anew. Again, it returns the invoice that replaces it.</summary>
    /// <param name="id">The void invoice's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> ReissueInvoice([FromServices] DraftInvoices draft, [Id] Guid id, CancellationToken ct) =>
        InvoiceType.Of(await draft.ReissueAsync(id, ct));

    /// <summary>Notes that a customer paid what was due of an invoice.</summary>
    /// <param name="id">The invoice's id.</param>
    /// <param name="at">When it was paid, not in the future. Default: now.</param>
    /// <param name="reference">What the payment is known by, such as a transaction's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> MarkInvoicePaid(
        [FromServices] PayInvoice invoices,
        [Id] Guid id,
        Instant? at,
        string? reference,
        CancellationToken ct
    ) => InvoiceType.Of(await invoices.PaidAsync(id, at, reference, ct));

    /// <summary>Takes the payment of an invoice back: it is due again.</summary>
    /// <param name="id">The invoice's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> MarkInvoiceUnpaid([FromServices] PayInvoice invoices, [Id] Guid id, CancellationToken ct) =>
        InvoiceType.Of(await invoices.UnpaidAsync(id, ct));

    /// <summary>
    /// Takes back a part of a final invoice, at most its total less earlier notes. It lowers what is due; the rest goes to the customer's
    /// balance.
    /// </summary>
    /// <param name="input">What to take back, and why.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CreditNoteType> CreateCreditNote(
        [FromServices] CreateCreditNote notes,
        CreateCreditNoteInput input,
        CancellationToken ct
    ) => CreditNoteType.Of(await notes.HandleAsync(input.ToNewCreditNote(), ct));

    /// <summary>Grants a customer prepaid credits, once a key: an identical grant is returned as it is.</summary>
    /// <param name="input">What to grant, and to whom.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CreditGrantType> CreateCreditGrant(
        [FromServices] CreditGrants grants,
        CreateCreditGrantInput input,
        CancellationToken ct
    ) => CreditGrantType.Of(await grants.CreateAsync(input.ToNewCreditGrant(), ct));

    /// <summary>Takes back what is left of a grant.</summary>
    /// <param name="id">The grant's id.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<CreditGrantType> VoidCreditGrant([FromServices] CreditGrants grants, [Id] Guid id, CancellationToken ct) =>
        CreditGrantType.Of(await grants.VoidAsync(id, ct));

    /// <summary>Sets the org's times of invoicing, both of them.</summary>
    /// <param name="reviewHours">The hours after which a draft is finalized by itself, 0 to 2,208; null for by hand only.</param>
    /// <param name="graceMinutes">The minutes from a period's end to its draft, 0 to 50,400; null for the installation's.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceTimingType> SetInvoiceTiming(
        [FromServices] InvoiceTiming timing,
        int? reviewHours,
        int? graceMinutes,
        CancellationToken ct
    ) => InvoiceTimingType.Of(await timing.SetAsync(new InvoiceTimes(reviewHours, graceMinutes), ct));

    /// <summary>Sets whether a customer is to be stopped when its prepaid credits are used up.</summary>
    /// <param name="customer">The customer's key.</param>
    /// <param name="hardStop">Whether it is to be stopped.</param>
    [RequireScope(Scopes.Billing)]
    public static async Task<HardStopType> SetHardStop(
        [FromServices] SetHardStop stops,
        string customer,
        bool hardStop,
        CancellationToken ct
    ) => HardStopType.Of(await stops.HandleAsync(customer, hardStop, ct));
}
