using GraphQL;
using NodaTime;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.WhatIf;

namespace Polaris.Billing.GraphQL;

/// <summary>An invoice that is not stored.</summary>
[Name("InvoicePreview")]
public sealed record InvoicePreviewType(
    [property: Id] Guid SubscriptionId, string Customer, Instant PeriodStart, Instant PeriodEnd, string Currency, decimal Total, decimal Tax, IReadOnlyList<InvoiceLineType> Lines)
{
    internal static InvoicePreviewType Of(UnstoredInvoice invoice) => new(
        invoice.Subscription.Id, invoice.Subscription.CustomerKey, invoice.Period.Start, invoice.Period.End, invoice.Currency, invoice.Rated.Total, invoice.Rated.Tax,
        [.. invoice.Rated.Lines.Select(line => InvoiceLineType.Of(InvoiceRows.Show(line)))]);
}

/// <summary>A past period under the plan version it had, and under the other one; negative differences are what the customer saves.</summary>
[Name("PeriodComparison")]
public sealed record PeriodComparisonType(decimal Difference, InvoicePreviewType Now, InvoicePreviewType Then)
{
    internal static PeriodComparisonType Of(PeriodComparison one) => new(one.Difference, InvoicePreviewType.Of(one.Now), InvoicePreviewType.Of(one.Then));
}

/// <summary>Totals and numbers of customers are of this page. A winner pays less under the other version, a loser more.</summary>
[Name("WhatIf")]
public sealed record WhatIfType(
    string Currency, decimal TotalNow, decimal TotalThen, int Winners, int Losers, int Unchanged, IReadOnlyList<PeriodComparisonType> Periods, string? EndCursor, bool HasNextPage)
{
    internal static WhatIfType Of(Comparison comparison)
    {
        var byCustomer = comparison.Periods.GroupBy(one => one.Now.Subscription.CustomerKey).Select(all => Math.Sign(all.Sum(one => one.Difference))).ToArray();
        return new WhatIfType(
            comparison.Currency, comparison.Periods.Sum(one => one.Now.Rated.Total), comparison.Periods.Sum(one => one.Then.Rated.Total),
            byCustomer.Count(sign => sign < 0), byCustomer.Count(sign => sign > 0), byCustomer.Count(sign => sign == 0),
            [.. comparison.Periods.Select(PeriodComparisonType.Of)], comparison.EndCursor, comparison.HasNextPage);
    }
}

/// <summary>A quantity instead of what was used of a meter; <c>eventCount</c> matters to prices with a fee for each event.</summary>
[Name("AssumedQuantityInput")]
public sealed class AssumedQuantityInput
{
    public required string Meter { get; set; }
    public required decimal Quantity { get; set; }
    public int? EventCount { get; set; }
}
