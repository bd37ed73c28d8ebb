using Kind = Polaris.Billing.Events.V1.BillingEvent.EventOneofCase;

namespace Polaris.ServiceDefaults.Messaging;

/// <summary>The public names of events, as webhooks and docs/events.md have them.</summary>
public static class EventNames
{
    public static readonly IReadOnlyDictionary<Kind, string> All = new Dictionary<Kind, string>
    {
        [Kind.InvoiceGenerated] = "invoice.generated",
        [Kind.InvoiceFinalized] = "invoice.finalized",
        [Kind.InvoicePaid] = "invoice.paid",
        [Kind.InvoiceUnpaid] = "invoice.unpaid",
        [Kind.InvoiceVoided] = "invoice.voided",
        [Kind.CreditNoteCreated] = "credit_note.created",
        [Kind.ThresholdCrossed] = "usage.threshold_crossed",
        [Kind.SubscriptionCreated] = "subscription.created",
        [Kind.SubscriptionChanged] = "subscription.changed",
        [Kind.SubscriptionEnded] = "subscription.ended",
        [Kind.CustomerCreated] = "customer.created",
        [Kind.CustomerUpdated] = "customer.updated",
    };
}
