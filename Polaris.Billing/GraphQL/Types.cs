using GraphQL;
using NodaTime;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

[Name("Customer")]
public sealed record CustomerType([property: Id] Guid Id, string Key, string Name, string? Email, Instant CreatedAt)
{
    internal static CustomerType Of(CustomerRow row) => new(row.Id, row.Key, row.Name, row.Email, row.CreatedAt);
}

[Name("CustomerPage")]
public sealed record CustomerPageType(IReadOnlyList<CustomerType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static CustomerPageType Of(Page<CustomerRow> page) => new([.. page.Rows.Select(CustomerType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

[Name("Subscription")]
public sealed record SubscriptionType(
    [property: Id] Guid Id, string Customer, string PlanKey, [property: Id] Guid PlanVersionId, Instant Start, Instant? End, int AnchorDay, string TimeZone)
{
    internal static SubscriptionType Of(SubscriptionRow row) =>
        new(row.Id, row.CustomerKey, row.PlanKey, row.PlanVersionId, row.StartAt, row.EndAt, row.AnchorDay, row.TimeZone);
}

[Name("SubscriptionPage")]
public sealed record SubscriptionPageType(IReadOnlyList<SubscriptionType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static SubscriptionPageType Of(Page<SubscriptionRow> page) =>
        new([.. page.Rows.Select(SubscriptionType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>How wide the windows of a timeline are.</summary>
public enum UsageWindow
{
    QuarterHour,
    Hour,
    Day,
}

[Name("Usage")]
public sealed record UsageType(string Meter, Instant From, Instant To, decimal Quantity, int EventCount);

[Name("UsagePoint")]
public sealed record UsagePointType(Instant Start, decimal Quantity, int EventCount)
{
    internal static Duration Width(UsageWindow window) => window switch
    {
        UsageWindow.QuarterHour => Duration.FromMinutes(15),
        UsageWindow.Hour => Duration.FromHours(1),
        UsageWindow.Day => Duration.FromDays(1),
        _ => throw new ArgumentOutOfRangeException(nameof(window)),
    };

    internal static UsagePointType Of(TimelinePoint point) => new(point.Start, point.Quantity, checked((int)point.EventCount));
}

[Name("CurrentUsage")]
public sealed record CurrentUsageType(
    [property: Id] Guid SubscriptionId, string Charge, string Meter, Instant PeriodStart, Instant PeriodEnd, decimal Quantity, decimal Amount, string Currency)
{
    internal static CurrentUsageType Of(ChargeInProgress charge) => new(
        charge.SubscriptionId, charge.Charge, charge.Meter, charge.Period.Start, charge.Period.End, charge.Quantity, charge.Amount, charge.Currency);
}

public enum InvoiceStatus
{
    Draft,
    Finalized,
    Paid,
    Void,
}

[Name("Invoice")]
public sealed record InvoiceType(
    [property: Id] Guid Id,
    string Number,
    string Customer,
    [property: Id] Guid SubscriptionId,
    InvoiceStatus Status,
    string Currency,
    Instant PeriodStart,
    Instant PeriodEnd,
    decimal Total,
    decimal Tax,
    IReadOnlyList<InvoiceLineType> Lines,
    InvoiceCertificateType Certificate,
    Instant CreatedAt,
    Instant? FinalizedAt)
{
    internal static InvoiceType Of(InvoiceRow row) => new(
        row.Id, row.Number, row.CustomerKey, row.SubscriptionId, Enum.Parse<InvoiceStatus>(row.Status, ignoreCase: true), row.Currency,
        row.PeriodStart, row.PeriodEnd, row.Total, row.Tax, [.. row.Lines.Select(InvoiceLineType.Of)],
        new InvoiceCertificateType(row.PlanVersionHash, row.EngineVersion, row.ResultHash), row.CreatedAt, row.FinalizedAt);
}

[Name("InvoiceLine")]
public sealed record InvoiceLineType(
    string Charge, string Name, string? Meter, decimal Quantity, decimal UnroundedAmount, decimal Amount,
    IReadOnlyList<ExplanationStepType> Explanation, int EventCount, string EventDigest, InvoiceLineKind Kind, AdjustedInvoiceType? Adjusts)
{
    internal static InvoiceLineType Of(InvoiceLineRow row) => new(
        row.Charge, row.Name, row.Meter, row.Quantity, row.UnroundedAmount, row.Amount, [.. InvoiceRows.Steps(row).Select(ExplanationStepType.Of)],
        checked((int)row.EventCount), decimal.ToUInt64(row.EventDigest).ToString("x16", System.Globalization.CultureInfo.InvariantCulture),
        Enum.Parse<InvoiceLineKind>(row.Kind, ignoreCase: true), row.AdjustsInvoiceId is { } adjusts ? new AdjustedInvoiceType(adjusts, row.AdjustsNumber!) : null);
}

/// <summary>
/// A charge of the plan; a step of the invoice as a whole (commitment to tax); or an adjustment: a difference to a line of an earlier invoice,
/// negative for a credit.
/// </summary>
public enum InvoiceLineKind
{
    Charge,
    Commitment,
    Minimum,
    Maximum,
    Discount,
    Tax,
    Adjustment,
}

/// <summary>The earlier invoice that a line corrects.</summary>
[Name("AdjustedInvoice")]
public sealed record AdjustedInvoiceType([property: Id] Guid Id, string Number);

/// <summary>quantity × unitPrice ÷ divisor = amount; or, where there are children, their sum.</summary>
[Name("ExplanationStep")]
public sealed record ExplanationStepType(string Label, decimal Quantity, decimal UnitPrice, decimal Amount, decimal Divisor, IReadOnlyList<ExplanationStepType> Children)
{
    internal static ExplanationStepType Of(StoredStep step) => new(
        step.Label, Number(step.Quantity), Number(step.UnitPrice), Number(step.Amount), Number(step.Divisor ?? "1"), [.. (step.Children ?? []).Select(Of)]);

    private static decimal Number(string text) => decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}

[Name("InvoiceCertificate")]
public sealed record InvoiceCertificateType(string PlanVersionHash, string EngineVersion, string ResultHash);

[Name("InvoicePage")]
public sealed record InvoicePageType(IReadOnlyList<InvoiceType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static InvoicePageType Of(Page<InvoiceRow> page) => new([.. page.Rows.Select(InvoiceType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

[Name("OrgClock")]
public sealed record OrgClockType(Instant Now, bool Frozen, int DuePeriods)
{
    internal static OrgClockType Of(ClockReading reading) => new(reading.Now, reading.Frozen, reading.DuePeriods);
}

[Name("Recomputation")]
public sealed record RecomputationType(
    [property: Id] Guid InvoiceId, bool Identical, string ResultHash, string RecomputedHash, IReadOnlyList<RecomputationDifferenceType> Differences)
{
    internal static RecomputationType Of(Recomputation result) => new(
        result.InvoiceId, result.Identical, result.ResultHash, result.RecomputedHash,
        [.. result.Differences.Select(one => new RecomputationDifferenceType(one.Charge, one.Field, one.Stored, one.Recomputed))]);
}

[Name("RecomputationDifference")]
public sealed record RecomputationDifferenceType(string Charge, string Field, string Stored, string Recomputed);

[Name("CreateCustomerInput")]
public sealed class CreateCustomerInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public string? Email { get; set; }
}

[Name("CreateSubscriptionInput")]
public sealed class CreateSubscriptionInput
{
    public required string Customer { get; set; }
    public required string Plan { get; set; }
    public required Instant Start { get; set; }
    public Instant? End { get; set; }
    public int? AnchorDay { get; set; }
    public string? TimeZone { get; set; }
}
