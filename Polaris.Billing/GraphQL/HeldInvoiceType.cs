using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// An invoice that could not be made, and when it is tried again. Its subscription's other invoices wait with it, nobody else's. Without a
/// period it is a correction of an earlier invoice.
/// </summary>
[Name("HeldInvoice")]
public sealed record HeldInvoiceType([property: Id] Guid SubscriptionId, string Customer, Instant? PeriodStart, Instant? PeriodEnd, Instant RetryAt, string Code, string Message)
{
    internal static HeldInvoiceType Of(SubscriptionRow row) => new(
        row.Id, row.CustomerKey, row.NextPeriodStart, row.NextPeriodEnd, row.HeldUntil!.Value, TooLarge.Code,
        "A quantity or an amount fits no invoice. Take wrong events back, or have the plan looked at.");
}
