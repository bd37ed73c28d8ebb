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
    /// <summary>
    /// Finalizes drafts: these, or those of all periods that ended by a time; at most 1,000. Each is finalized or says why not.
    /// </summary>
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
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> VoidInvoice(
        [FromServices] VoidInvoice invoices,
        [Id] Guid id,
        string reason,
        CancellationToken ct
    ) => InvoiceType.Of(await invoices.HandleAsync(id, reason, ct));

    /// <summary>Drafts the period of a void invoice anew. Again, it returns the invoice that replaces it.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> ReissueInvoice([FromServices] DraftInvoices draft, [Id] Guid id, CancellationToken ct) =>
        InvoiceType.Of(await draft.ReissueAsync(id, ct));

    /// <summary>Notes that a customer paid what was due of an invoice; without <c>at</c>: now.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> MarkInvoicePaid(
        [FromServices] PayInvoice invoices,
        [Id] Guid id,
        Instant? at,
        string? reference,
        CancellationToken ct
    ) => InvoiceType.Of(await invoices.PaidAsync(id, at, reference, ct));

    /// <summary>Takes the payment of an invoice back: it is due again.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceType> MarkInvoiceUnpaid([FromServices] PayInvoice invoices, [Id] Guid id, CancellationToken ct) =>
        InvoiceType.Of(await invoices.UnpaidAsync(id, ct));

    /// <summary>
    /// Takes back a part of a final invoice, at most its total less earlier notes. It lowers what is due; the rest goes to the customer's
    /// balance.
    /// </summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<CreditNoteType> CreateCreditNote(
        [FromServices] CreateCreditNote notes,
        CreateCreditNoteInput input,
        CancellationToken ct
    ) => CreditNoteType.Of(await notes.HandleAsync(input.ToNewCreditNote(), ct));

    /// <summary>Grants a customer prepaid credits, once a key: an identical grant is returned as it is.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<CreditGrantType> CreateCreditGrant(
        [FromServices] CreditGrants grants,
        CreateCreditGrantInput input,
        CancellationToken ct
    ) => CreditGrantType.Of(await grants.CreateAsync(input.ToNewCreditGrant(), ct));

    /// <summary>Takes back what is left of a grant.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<CreditGrantType> VoidCreditGrant([FromServices] CreditGrants grants, [Id] Guid id, CancellationToken ct) =>
        CreditGrantType.Of(await grants.VoidAsync(id, ct));

    /// <summary>
    /// Sets the org's times of invoicing: the hours after which a draft is finalized by itself (null: by hand), and the minutes from a
    /// period's end to its draft (null: the installation's).
    /// </summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<InvoiceTimingType> SetInvoiceTiming(
        [FromServices] InvoiceTiming timing,
        int? reviewHours,
        int? graceMinutes,
        CancellationToken ct
    ) => InvoiceTimingType.Of(await timing.SetAsync(new InvoiceTimes(reviewHours, graceMinutes), ct));

    /// <summary>Sets whether a customer is to be stopped when its prepaid credits are used up.</summary>
    [RequireScope(Scopes.Billing)]
    public static async Task<HardStopType> SetHardStop(
        [FromServices] SetHardStop stops,
        string customer,
        bool hardStop,
        CancellationToken ct
    ) => HardStopType.Of(await stops.HandleAsync(customer, hardStop, ct));
}
