using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.WhatIf;

namespace Polaris.Billing.GraphQL;

/// <summary>An invoice that is not stored.</summary>
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

/// <summary>A past period under its own plan version and under the other one; a negative difference is a saving for the customer.</summary>
[Name("PeriodComparison")]
public sealed record PeriodComparisonType(decimal Difference, InvoicePreviewType Now, InvoicePreviewType Then)
{
    internal static PeriodComparisonType Of(PeriodComparison period) =>
        new(period.Difference, InvoicePreviewType.Of(period.Now), InvoicePreviewType.Of(period.Then));
}

/// <summary>Totals and counts cover this page. A winner pays less under the other version, a loser more.</summary>
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

/// <summary>A quantity that replaces a meter's usage; <c>eventCount</c> matters to prices with a fee for each event.</summary>
[Name("AssumedQuantityInput")]
public sealed class AssumedQuantityInput
{
    public required string Meter { get; set; }
    public required decimal Quantity { get; set; }
    public long? EventCount { get; set; }
}
