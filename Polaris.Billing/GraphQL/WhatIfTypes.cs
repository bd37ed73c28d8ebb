using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.WhatIf;

namespace Polaris.Billing.GraphQL;

/// <summary>An invoice that is not stored.</summary>
/// <param name="SubscriptionId">The subscription's id.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="PeriodStart">The beginning of the billing period.</param>
/// <param name="PeriodEnd">The end of the billing period, exclusive.</param>
/// <param name="Currency">ISO 4217 code of all amounts.</param>
/// <param name="Total">What it amounts to, with tax.</param>
/// <param name="Tax">The tax in the total.</param>
/// <param name="Lines">The lines that the total is the sum of, in their order.</param>
[Name("InvoicePreview")]
public sealed record InvoicePreviewType(
    [property: Id] Guid SubscriptionId,
    string Customer,
    Instant PeriodStart,
    Instant PeriodEnd,
    string Currency,
    decimal Total,
    decimal Tax,
    IReadOnlyList<InvoiceLineType> Lines
)
{
    internal static InvoicePreviewType Of(UnstoredInvoice invoice) =>
        new(
            invoice.Subscription.Id,
            invoice.Subscription.CustomerKey,
            invoice.Period.Start,
            invoice.Period.End,
            invoice.Currency,
            invoice.Total,
            invoice.Tax,
            [
                .. invoice
                    .Rated.Lines.Select(line => InvoiceRows.Show(line))
                    .Concat(invoice.Pending.Select(InvoiceRows.Show))
                    .Select(InvoiceLineType.Of),
            ]
        );
}

/// <summary>A past period under its own plan version and under the other one.</summary>
/// <param name="Difference">The other total less the own one; negative when the customer would save.</param>
/// <param name="Now">The period under its own plan version.</param>
/// <param name="Then">The period under the other plan version.</param>
[Name("PeriodComparison")]
public sealed record PeriodComparisonType(decimal Difference, InvoicePreviewType Now, InvoicePreviewType Then)
{
    internal static PeriodComparisonType Of(PeriodComparison period) =>
        new(period.Difference, InvoicePreviewType.Of(period.Now), InvoicePreviewType.Of(period.Then));
}

/// <summary>Past periods under another plan version. Totals and counts cover this page.</summary>
/// <param name="Currency">ISO 4217 code of all amounts.</param>
/// <param name="TotalNow">What the periods amount to under their own plan versions.</param>
/// <param name="TotalThen">What they amount to under the other one.</param>
/// <param name="Winners">The number of customers that would pay less.</param>
/// <param name="Losers">The number of customers that would pay more.</param>
/// <param name="Unchanged">The number of customers that would pay the same.</param>
/// <param name="Periods">The periods, subscription by subscription.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("WhatIf")]
public sealed record WhatIfType(
    string Currency,
    decimal TotalNow,
    decimal TotalThen,
    int Winners,
    int Losers,
    int Unchanged,
    IReadOnlyList<PeriodComparisonType> Periods,
    string? EndCursor,
    bool HasNextPage
)
{
    internal static WhatIfType Of(Comparison comparison)
    {
        var byCustomer = comparison
            .Periods.GroupBy(period => period.Now.Subscription.CustomerKey)
            .Select(periods => Math.Sign(periods.Sum(period => period.Difference)))
            .ToArray();
        return new WhatIfType(
            comparison.Currency,
            comparison.Periods.Sum(period => period.Now.Rated.Total),
            comparison.Periods.Sum(period => period.Then.Rated.Total),
            byCustomer.Count(sign => sign < 0),
            byCustomer.Count(sign => sign > 0),
            byCustomer.Count(sign => sign == 0),
            [.. comparison.Periods.Select(PeriodComparisonType.Of)],
            comparison.EndCursor,
            comparison.HasNextPage
        );
    }
}

/// <summary>A quantity that replaces a meter's usage.</summary>
[Name("AssumedQuantityInput")]
public sealed class AssumedQuantityInput
{
    /// <summary>The meter's key.</summary>
    public required string Meter { get; set; }

    /// <summary>The quantity, by the meter's aggregation.</summary>
    public required decimal Quantity { get; set; }

    /// <summary>The number of events, which matters to prices with a fee of each event. Default: 0.</summary>
    public long? EventCount { get; set; }
}
