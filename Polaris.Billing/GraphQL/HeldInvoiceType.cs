using GraphQL;
using NodaTime;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>An invoice that could not be created. Only its own subscription's invoices are held with it.</summary>
/// <param name="SubscriptionId">The subscription's id.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="PeriodStart">The beginning of the billing period; null of an adjustment of an earlier invoice.</param>
/// <param name="PeriodEnd">The end of the billing period, exclusive; null of an adjustment of an earlier invoice.</param>
/// <param name="RetryAt">When it is tried next.</param>
/// <param name="Code">A stable name of the reason.</param>
/// <param name="Message">The reason, for people.</param>
/// <param name="Tries">How often it was tried.</param>
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
