using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Clock;
using Polaris.Billing.Features.Customers;
using Polaris.Billing.Features.Invoices;
using Polaris.Billing.Features.Parties;
using Polaris.Billing.Features.Subscriptions;
using Polaris.Billing.Features.Usage;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>Whom the org bills. Final invoices keep the name, address and tax id that they were made out to.</summary>
/// <param name="Id">Its id.</param>
/// <param name="OrgId">The org that bills it.</param>
/// <param name="Key">The org's own key.</param>
/// <param name="Name">As invoices show it; the key when none is stated.</param>
/// <param name="Email">Its e-mail address.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Address">As invoices show it.</param>
/// <param name="TaxId">As invoices show it.</param>
/// <param name="ArchivedAt">Since when it is archived; null when it is not.</param>
/// <param name="HardStop">Whether it may go on only as long as prepaid credits remain (<c>entitlement</c>).</param>
[Name("Customer")]
public sealed partial record CustomerType(
    [property: Id] Guid Id,
    [property: Id] Guid OrgId,
    string Key,
    string Name,
    string? Email,
    Instant CreatedAt,
    PostalAddressType? Address,
    string? TaxId,
    Instant? ArchivedAt,
    bool HardStop
)
{
    internal static CustomerType Of(CustomerRow row) =>
        new(
            row.Id,
            row.OrgId,
            row.Key,
            row.Name,
            row.Email,
            row.CreatedAt,
            PostalAddressType.Of(StatedParty.Address(row.Address)),
            row.TaxId,
            row.ArchivedAt,
            row.HardStop
        );
}

[Name("CustomerPage")]
public sealed record CustomerPageType(IReadOnlyList<CustomerType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static CustomerPageType Of(Page<CustomerRow> page) =>
        new([.. page.Rows.Select(CustomerType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

[Name("SubscriptionPage")]
public sealed record SubscriptionPageType(IReadOnlyList<SubscriptionType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static SubscriptionPageType Of(Page<SubscriptionRow> page, Instant now) =>
        new([.. page.Rows.Select(row => SubscriptionType.Of(row, now))], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>Width of a timeline's windows.</summary>
public enum UsageWindow
{
    QuarterHour,
    Hour,
    Day,
}

[Name("Usage")]
public sealed record UsageType(string Meter, Instant From, Instant To, decimal Quantity, long EventCount);

[Name("UsagePoint")]
public sealed record UsagePointType(Instant Start, decimal Quantity, long EventCount)
{
    internal static Duration Width(UsageWindow window) =>
        window switch
        {
            UsageWindow.QuarterHour => Duration.FromMinutes(15),
            UsageWindow.Hour => Duration.FromHours(1),
            UsageWindow.Day => Duration.FromDays(1),
            _ => throw new ArgumentOutOfRangeException(nameof(window)),
        };

    internal static UsagePointType Of(TimelinePoint point) => new(point.Start, point.Quantity, point.EventCount);
}

[Name("CurrentUsage")]
public sealed record CurrentUsageType(
    [property: Id] Guid SubscriptionId,
    string Charge,
    string Meter,
    Instant PeriodStart,
    Instant PeriodEnd,
    decimal Quantity,
    decimal Amount,
    string Currency
)
{
    internal static CurrentUsageType Of(ChargeInProgress charge) =>
        new(
            charge.SubscriptionId,
            charge.Charge,
            charge.Meter,
            charge.Period.Start,
            charge.Period.End,
            charge.Quantity,
            charge.Amount,
            charge.Currency
        );
}

public enum InvoiceStatus
{
    Draft,
    Finalized,
    Paid,
    Void,
}

/// <summary>
/// <c>number</c> is given at finalization, without a gap within the org: null on a draft. <c>amountDue</c> is what the customer still owes:
/// the total without what balance and prepaid credits paid at finalization, credit notes took back and the customer paid; 0 on a draft.
/// A negative <c>balanceApplied</c> went to the customer's balance. <c>reissues</c> is the void invoice that this one replaces.
/// </summary>
[Name("Invoice")]
public sealed partial record InvoiceType(
    [property: Id] Guid Id,
    string? Number,
    string CustomerKey,
    [property: Id] Guid SubscriptionId,
    InvoiceStatus Status,
    string Currency,
    Instant PeriodStart,
    Instant PeriodEnd,
    decimal Total,
    decimal Subtotal,
    decimal Tax,
    IReadOnlyList<InvoiceLineType> Lines,
    InvoiceCertificateType Certificate,
    Instant CreatedAt,
    Instant? FinalizedAt,
    decimal AmountDue,
    decimal BalanceApplied,
    decimal CreditsApplied,
    IReadOnlyList<CreditNoteType> CreditNotes,
    Instant? PaidAt,
    string? PaymentReference,
    Instant? VoidedAt,
    string? VoidReason,
    [property: Id] Guid? Reissues
)
{
    internal static InvoiceType Of(InvoiceRow row) =>
        new(
            row.Id,
            row.Number,
            row.CustomerKey,
            row.SubscriptionId,
            Enum.Parse<InvoiceStatus>(row.Status, ignoreCase: true),
            row.Currency,
            row.PeriodStart,
            row.PeriodEnd,
            row.Total,
            row.Total - row.Tax,
            row.Tax,
            [.. row.Lines.Select(InvoiceLineType.Of)],
            new InvoiceCertificateType(
                row.PlanVersionHash,
                row.PlanVersionHashes ?? [row.PlanVersionHash],
                row.EngineVersion,
                row.ResultHash
            ),
            row.CreatedAt,
            row.FinalizedAt,
            row.AmountDue,
            row.BalanceApplied,
            row.CreditsApplied,
            [.. row.CreditNotes.Select(CreditNoteType.Of)],
            row.PaidAt,
            row.PaymentReference,
            row.VoidedAt,
            row.VoidReason,
            row.ReissuesId
        )
        {
            OrgId = row.OrgId,
        };
}

[Name("InvoiceLine")]
public sealed record InvoiceLineType(
    string Charge,
    string Name,
    string? Meter,
    decimal Quantity,
    decimal UnroundedAmount,
    decimal Amount,
    IReadOnlyList<ExplanationStepType> Explanation,
    long EventCount,
    string EventDigest,
    InvoiceLineKind Kind,
    AdjustedInvoiceType? Adjusts,
    LineSpanType? Span
)
{
    internal static InvoiceLineType Of(InvoiceLineRow row) =>
        new(
            row.Charge,
            row.Name,
            row.Meter,
            row.Quantity,
            row.UnroundedAmount,
            row.Amount,
            [.. InvoiceRows.Steps(row).Select(ExplanationStepType.Of)],
            row.EventCount,
            decimal.ToUInt64(row.EventDigest).ToString("x16", System.Globalization.CultureInfo.InvariantCulture),
            Enum.Parse<InvoiceLineKind>(row.Kind, ignoreCase: true),
            row.AdjustsInvoiceId is { } adjusts ? new AdjustedInvoiceType(adjusts, row.AdjustsNumber!) : null,
            row is { SpanStart: { } start, SpanEnd: { } end, PlanVersionId: { } version } ? new LineSpanType(start, end, version) : null
        );
}

/// <summary>The part of a period that a line covers and its plan version. Null when the line covers the whole period.</summary>
[Name("LineSpan")]
public sealed record LineSpanType(Instant Start, Instant End, [property: Id] Guid PlanVersionId);

/// <summary>
/// A charge of the plan; an invoice-level step (commitment to tax); or an adjustment: a difference to a line of an earlier invoice,
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

/// <summary>The earlier invoice that a line adjusts.</summary>
[Name("AdjustedInvoice")]
public sealed record AdjustedInvoiceType([property: Id] Guid Id, string Number);

/// <summary>quantity × unitPrice ÷ divisor = amount; with children, their sum.</summary>
[Name("ExplanationStep")]
public sealed record ExplanationStepType(
    string Label,
    decimal Quantity,
    decimal UnitPrice,
    decimal Amount,
    decimal Divisor,
    IReadOnlyList<ExplanationStepType> Children
)
{
    internal static ExplanationStepType Of(StoredStep step) =>
        new(
            step.Label,
            Number(step.Quantity),
            Number(step.UnitPrice),
            Number(step.Amount),
            Number(step.Divisor ?? "1"),
            [.. (step.Children ?? []).Select(Of)]
        );

    private static decimal Number(string text) => ExactDecimal.Parse(text);
}

/// <summary>
/// <c>planVersionHash</c> is that of the version at the period's end; <c>planVersionHashes</c> are those of all versions in the period,
/// ordered by time.
/// </summary>
[Name("InvoiceCertificate")]
public sealed record InvoiceCertificateType(
    string PlanVersionHash,
    IReadOnlyList<string> PlanVersionHashes,
    string EngineVersion,
    string ResultHash
);

[Name("InvoicePage")]
public sealed record InvoicePageType(IReadOnlyList<InvoiceType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static InvoicePageType Of(Page<InvoiceRow> page) =>
        new([.. page.Rows.Select(InvoiceType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

[Name("OrgClock")]
public sealed record OrgClockType(Instant Now, bool Frozen, int DuePeriods)
{
    internal static OrgClockType Of(ClockReading reading) => new(reading.Now, reading.Frozen, reading.DuePeriods);
}

/// <summary>
/// An invoice compared with its raw events. Of a final one that differs, <c>changedEvents</c> has the first hundred events, by timestamp,
/// that came or were taken back since; <c>changedEventCount</c> counts all of them, up to 100,000. <c>settled</c>: nothing is left to
/// invoice or give back, because it is identical or the difference is on final invoices.
/// </summary>
[Name("Recomputation")]
public sealed record RecomputationType(
    [property: Id] Guid InvoiceId,
    bool Identical,
    string ResultHash,
    string RecomputedHash,
    IReadOnlyList<RecomputationDifferenceType> Differences,
    IReadOnlyList<ChangedEventType> ChangedEvents,
    long ChangedEventCount,
    IReadOnlyList<CorrectingInvoiceType> CorrectedOn,
    bool Settled
)
{
    internal static RecomputationType Of(Recomputation result) =>
        new(
            result.InvoiceId,
            result.Identical,
            result.ResultHash,
            result.RecomputedHash,
            [
                .. result.Differences.Select(difference => new RecomputationDifferenceType(
                    difference.Charge,
                    difference.Field,
                    difference.Stored,
                    difference.Recomputed
                )),
            ],
            [.. result.ChangedEvents.Select(one => new ChangedEventType(one.IdempotencyKey, one.Type, one.At, one.Change, one.ChangedAt))],
            result.ChangedEventCount,
            [
                .. result.CorrectedOn.Select(on => new CorrectingInvoiceType(
                    on.InvoiceId,
                    on.Number,
                    Enum.Parse<InvoiceStatus>(on.Status, ignoreCase: true)
                )),
            ],
            result.Settled
        );
}

/// <summary>An event that came, or was taken back, after the invoice had become final.</summary>
[Name("ChangedEvent")]
public sealed record ChangedEventType(string IdempotencyKey, string Type, Instant Timestamp, ChangeOfEvent Change, Instant ChangedAt);

/// <summary>A later invoice with corrections of the recomputed one; a draft has no number.</summary>
[Name("CorrectingInvoice")]
public sealed record CorrectingInvoiceType([property: Id] Guid InvoiceId, string? Number, InvoiceStatus Status);

[Name("RecomputationDifference")]
public sealed record RecomputationDifferenceType(string Charge, string Field, string Stored, string Recomputed);

[Name("CreateCustomerInput")]
public sealed class CreateCustomerInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }
    public string? Email { get; set; }

    /// <summary>As invoices show it.</summary>
    public PostalAddressInput? Address { get; set; }

    /// <summary>As invoices show it; at most 64 characters.</summary>
    public string? TaxId { get; set; }

    internal NewCustomer ToNewCustomer() => new(Key, Name, Email, Address?.ToAddress(), TaxId);
}

[Name("CreateSubscriptionInput")]
public sealed class CreateSubscriptionInput
{
    public required string Customer { get; set; }
    public required string Plan { get; set; }
    public required Instant Start { get; set; }
    public Instant? End { get; set; }

    /// <summary>When billing starts. Usage before it is not billed.</summary>
    public Instant? TrialEnd { get; set; }

    /// <summary>Instead of <c>trialEnd</c>: the trial's days from the start, 1 to 730.</summary>
    public int? TrialDays { get; set; }

    /// <summary>Default: MONTH.</summary>
    public SubscriptionInterval? Interval { get; set; }

    /// <summary>Default: ANNIVERSARY.</summary>
    public BillingAnchor? Anchor { get; set; }

    /// <summary>
    /// Day of the month, or, of a week, 1 (Monday) to 7. Default: that of the day on which billing starts. Not with CALENDAR.
    /// </summary>
    public int? AnchorDay { get; set; }

    /// <summary>A month in which a year or quarter begins, 1 to 12. Default: that in which billing starts.</summary>
    public int? AnchorMonth { get; set; }

    /// <summary>IANA. Default: UTC.</summary>
    public string? TimeZone { get; set; }

    /// <summary>Allows a start more than a year ago.</summary>
    public bool? ConfirmBackdate { get; set; }
}

/// <summary>
/// Either a <c>plan</c>, for its current published version, or a <c>planVersionId</c>. Without <c>at</c> and <c>atPeriodEnd</c>: now.
/// </summary>
[Name("ChangePlanInput")]
public sealed class ChangePlanInput
{
    [Id]
    public required Guid SubscriptionId { get; set; }
    public string? Plan { get; set; }

    [Id]
    public Guid? PlanVersionId { get; set; }
    public Instant? At { get; set; }
    public bool? AtPeriodEnd { get; set; }

    internal NewPlanChange ToNewPlanChange() => new(SubscriptionId, Plan, PlanVersionId, At, AtPeriodEnd ?? false);
}

/// <summary>Without <c>at</c> and <c>atPeriodEnd</c>: now.</summary>
[Name("EndSubscriptionInput")]
public sealed class EndSubscriptionInput
{
    [Id]
    public required Guid SubscriptionId { get; set; }
    public Instant? At { get; set; }

    /// <summary>Of the current period, or of the trial.</summary>
    public bool? AtPeriodEnd { get; set; }

    /// <summary>Default: true. With false, fees in advance of time after the end are not credited.</summary>
    public bool? Credit { get; set; }
}

/// <summary>Without <c>at</c> and <c>atPeriodEnd</c>: now.</summary>
[Name("PauseSubscriptionInput")]
public sealed class PauseSubscriptionInput
{
    [Id]
    public required Guid SubscriptionId { get; set; }
    public Instant? At { get; set; }

    /// <summary>Of the current period, or of the trial.</summary>
    public bool? AtPeriodEnd { get; set; }
}
