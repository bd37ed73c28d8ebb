using GraphQL;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// An invoice that could not be created, and the time of the next try. Only its own subscription's invoices are held with it. Without a
/// period it is an adjustment of an earlier invoice.
/// </summary>
[Name("HeldInvoice")]
public sealed record HeldInvoiceType(
    [property: Id] Guid SubscriptionId,
    string Customer,
    Instant? PeriodStart,
    Instant? PeriodEnd,
    Instant RetryAt,
    string Code,
    string Message,
    int Tries
)
{
    internal static HeldInvoiceType Of(SubscriptionRow row) =>
        new(
            row.Id,
            row.CustomerKey,
            row.NextPeriodStart,
            row.NextPeriodEnd,
            row.HeldUntil!.Value,
            row.HeldCode!,
            row.HeldMessage!,
            row.HeldTries
        );
}
