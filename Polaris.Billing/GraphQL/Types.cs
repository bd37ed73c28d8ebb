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
/// <param name="ArchivedAt">Since when it is archived; null when it is not.</param>
/// <param name="HardStop">Whether it may go on only as long as prepaid credits remain (<c>entitlement</c>).</param>
/// <param name="Id">The customer's id.</param>
/// <param name="OrgId">The id of the org that bills the customer.</param>
/// <param name="Key">The org's own key of the customer, by which its events name it.</param>
/// <param name="Name">The customer's name as invoices show it; the key when none is stated.</param>
/// <param name="Email">The customer's e-mail address; null when none is stated.</param>
/// <param name="CreatedAt">When the customer was created.</param>
/// <param name="Address">The customer's address as invoices show it; null when none is stated.</param>
/// <param name="TaxId">The customer's tax id as invoices show it; null when none is stated.</param>
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

/// <summary>A page of customers, ordered by key.</summary>
/// <param name="Nodes">The customers of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("CustomerPage")]
public sealed record CustomerPageType(IReadOnlyList<CustomerType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static CustomerPageType Of(Page<CustomerRow> page) =>
        new([.. page.Rows.Select(CustomerType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>A page of subscriptions, oldest first.</summary>
/// <param name="Nodes">The subscriptions of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("SubscriptionPage")]
public sealed record SubscriptionPageType(IReadOnlyList<SubscriptionType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static SubscriptionPageType Of(Page<SubscriptionRow> page, Instant now) =>
        new([.. page.Rows.Select(row => SubscriptionType.Of(row, now))], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>Width of a timeline's windows.</summary>
public enum UsageWindow
{
    /// <summary>A quarter of an hour.</summary>
    QuarterHour,

    /// <summary>An hour.</summary>
    Hour,

    /// <summary>24 hours.</summary>
    Day,
}

/// <summary>What a meter measured in a time.</summary>
/// <param name="Meter">The meter's key.</param>
/// <param name="From">The beginning of the time, inclusive.</param>
/// <param name="To">The end of the time, exclusive.</param>
/// <param name="Quantity">The meter's quantity, by its aggregation; 0 without events, unless a level lasts from before.</param>
/// <param name="EventCount">The number of events that the meter counted.</param>
[Name("Usage")]
public sealed record UsageType(string Meter, Instant From, Instant To, decimal Quantity, long EventCount);

/// <summary>What a meter measured in a window of a timeline.</summary>
/// <param name="Start">The beginning of the window; it ends where the next one begins, or with the timeline.</param>
/// <param name="Quantity">The meter's quantity in the window.</param>
/// <param name="EventCount">The number of events that the meter counted in the window.</param>
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

/// <summary>What a metered charge of a subscription comes to so far, in the current billing period.</summary>
/// <param name="SubscriptionId">The subscription's id.</param>
/// <param name="Charge">The charge's key in the plan version.</param>
/// <param name="Meter">The key of the meter whose quantity is priced.</param>
/// <param name="PeriodStart">The beginning of the billing period.</param>
/// <param name="PeriodEnd">The end of the billing period, exclusive.</param>
/// <param name="Quantity">The meter's quantity so far.</param>
/// <param name="Amount">What it costs so far, as the line of an invoice.</param>
/// <param name="Currency">ISO 4217 code of the amount.</param>
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

/// <summary>Where an invoice is in its life.</summary>
public enum InvoiceStatus
{
    /// <summary>It can still change; nothing is due.</summary>
    Draft,

    /// <summary>It is final, has a number, and is due.</summary>
    Finalized,

    /// <summary>It is final, and nothing is due of it any more.</summary>
    Paid,

    /// <summary>It was final and was taken back as a whole; nothing is due.</summary>
    Void,
}

/// <summary>What a subscription costs in a billing period. A draft follows later usage; a final invoice never changes.</summary>
/// <param name="Id">The invoice's id.</param>
/// <param name="Number">The invoice's number, without a gap in the org; null of a draft, as it is given at finalization.</param>
/// <param name="CustomerKey">The org's own key of the customer.</param>
/// <param name="SubscriptionId">The id of the subscription that is invoiced.</param>
/// <param name="Status">Where the invoice is in its life.</param>
/// <param name="Currency">ISO 4217 code of all amounts of the invoice.</param>
/// <param name="PeriodStart">The beginning of the billing period.</param>
/// <param name="PeriodEnd">The end of the billing period, exclusive.</param>
/// <param name="Total">What the invoice amounts to, with tax.</param>
/// <param name="Subtotal">The total without tax.</param>
/// <param name="Tax">The tax in the total.</param>
/// <param name="Lines">The lines that the total is the sum of, in their order.</param>
/// <param name="Certificate">What the invoice was computed from, so that it can be computed again.</param>
/// <param name="CreatedAt">When the draft was created.</param>
/// <param name="FinalizedAt">When the invoice became final; null of a draft.</param>
/// <param name="AmountDue">
/// What the customer still owes: the total without what balance, prepaid credits, credit notes and payments took off; 0 of a draft.
/// </param>
/// <param name="BalanceApplied">
/// What the customer's balance paid at finalization; negative when a negative total went to the balance.
/// </param>
/// <param name="CreditsApplied">What prepaid credits paid at finalization.</param>
/// <param name="CreditNotes">The credit notes that take parts of the invoice back, oldest first.</param>
/// <param name="PaidAt">When the customer paid; null while not noted.</param>
/// <param name="PaymentReference">What the payment is known by, such as a transaction's id; null when none was noted.</param>
/// <param name="VoidedAt">When the invoice was voided; null while it is not.</param>
/// <param name="VoidReason">Why the invoice was voided; null while it is not.</param>
/// <param name="Reissues">The id of the void invoice that this one replaces; null when it replaces none.</param>
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

/// <summary>A line of an invoice.</summary>
/// <param name="Charge">The key of the charge in the plan version, or of the step or addition that the line comes from.</param>
/// <param name="Name">What the line says.</param>
/// <param name="Meter">The key of the meter whose quantity is priced; null when there is none.</param>
/// <param name="Quantity">The quantity that is priced.</param>
/// <param name="UnroundedAmount">The amount before it was rounded, with up to 12 decimal places.</param>
/// <param name="Amount">The amount, rounded once to the currency's minor units.</param>
/// <param name="Explanation">How the amount comes about, step by step.</param>
/// <param name="EventCount">The number of events that the quantity counts.</param>
/// <param name="EventDigest">A digest of these events in hex, which differs when any of them does.</param>
/// <param name="Kind">What the line is.</param>
/// <param name="Adjusts">The earlier invoice that the line corrects; null of a line of its own period.</param>
/// <param name="Span">The part of the period that the line covers; null when it covers all of it.</param>
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

/// <summary>The part of a period that a line covers.</summary>
/// <param name="Start">The beginning of the part.</param>
/// <param name="End">The end of the part, exclusive.</param>
/// <param name="PlanVersionId">The id of the plan version that is valid in it.</param>
[Name("LineSpan")]
public sealed record LineSpanType(Instant Start, Instant End, [property: Id] Guid PlanVersionId);

/// <summary>What a line of an invoice is.</summary>
public enum InvoiceLineKind
{
    /// <summary>A charge of the plan.</summary>
    Charge,

    /// <summary>What is missing to the plan's commitment.</summary>
    Commitment,

    /// <summary>What is missing to the plan's minimum.</summary>
    Minimum,

    /// <summary>What exceeds the plan's maximum; negative.</summary>
    Maximum,

    /// <summary>A discount; negative.</summary>
    Discount,

    /// <summary>A tax.</summary>
    Tax,

    /// <summary>A difference to a line of an earlier invoice; negative for a credit.</summary>
    Adjustment,
}

/// <summary>The earlier invoice that a line adjusts.</summary>
/// <param name="Id">The earlier invoice's id.</param>
/// <param name="Number">The earlier invoice's number.</param>
[Name("AdjustedInvoice")]
public sealed record AdjustedInvoiceType([property: Id] Guid Id, string Number);

/// <summary>A step of how an amount comes about: quantity × unitPrice ÷ divisor = amount; with children, the sum of theirs.</summary>
/// <param name="Label">What the step is, such as a tier.</param>
/// <param name="Quantity">The quantity of the step.</param>
/// <param name="UnitPrice">What <c>divisor</c> units cost.</param>
/// <param name="Amount">What the step comes to.</param>
/// <param name="Divisor">How many units the price is for; 1 for most.</param>
/// <param name="Children">The steps that this one is the sum of; empty for none.</param>
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

/// <summary>What an invoice was computed from. With it, <c>recomputeInvoice</c> computes the invoice again from raw events.</summary>
/// <param name="PlanVersionHash">The hash of the plan version at the period's end.</param>
/// <param name="PlanVersionHashes">The hashes of all plan versions in the period, ordered by time.</param>
/// <param name="EngineVersion">The version of the rules by which it was rated; docs/pricing.md has the current ones.</param>
/// <param name="ResultHash">SHA-256 of all figures of the invoice.</param>
[Name("InvoiceCertificate")]
public sealed record InvoiceCertificateType(
    string PlanVersionHash,
    IReadOnlyList<string> PlanVersionHashes,
    string EngineVersion,
    string ResultHash
);

/// <summary>A page of invoices, newest first.</summary>
/// <param name="Nodes">The invoices of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("InvoicePage")]
public sealed record InvoicePageType(IReadOnlyList<InvoiceType> Nodes, int TotalCount, string? EndCursor, bool HasNextPage)
{
    internal static InvoicePageType Of(Page<InvoiceRow> page) =>
        new([.. page.Rows.Select(InvoiceType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>What time it is for the org. Periods end by this clock.</summary>
/// <param name="Now">The org's time.</param>
/// <param name="Frozen">Whether it is a test clock, which stands still until it is set.</param>
/// <param name="DuePeriods">The number of billing periods that have ended and are not invoiced yet.</param>
[Name("OrgClock")]
public sealed record OrgClockType(Instant Now, bool Frozen, int DuePeriods)
{
    internal static OrgClockType Of(ClockReading reading) => new(reading.Now, reading.Frozen, reading.DuePeriods);
}

/// <summary>An invoice compared with its raw events.</summary>
/// <param name="InvoiceId">The invoice's id.</param>
/// <param name="Identical">Whether every figure is the same.</param>
/// <param name="ResultHash">The hash of the figures as they are stored.</param>
/// <param name="RecomputedHash">The hash of the figures as computed now.</param>
/// <param name="Differences">The figures that differ.</param>
/// <param name="ChangedEvents">
/// Of a final invoice that differs: the first hundred events, by timestamp, that came or were taken back since.
/// </param>
/// <param name="ChangedEventCount">The number of all such events; none are counted beyond 100,000.</param>
/// <param name="CorrectedOn">Later invoices with the difference or a part of it, at most 100.</param>
/// <param name="Settled">Whether nothing is left to invoice or give back: it is identical, or the difference is on final invoices.</param>
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
/// <param name="IdempotencyKey">The event's key.</param>
/// <param name="Type">The event's type.</param>
/// <param name="Timestamp">When the event happened.</param>
/// <param name="Change">Why it counts now and did not then, or the other way round.</param>
/// <param name="ChangedAt">When it came, or was taken back.</param>
[Name("ChangedEvent")]
public sealed record ChangedEventType(string IdempotencyKey, string Type, Instant Timestamp, ChangeOfEvent Change, Instant ChangedAt);

/// <summary>A later invoice with corrections of the recomputed one.</summary>
/// <param name="InvoiceId">The later invoice's id.</param>
/// <param name="Number">The later invoice's number; null of a draft.</param>
/// <param name="Status">Where the later invoice is in its life.</param>
[Name("CorrectingInvoice")]
public sealed record CorrectingInvoiceType([property: Id] Guid InvoiceId, string? Number, InvoiceStatus Status);

/// <summary>A figure of an invoice line that differs when computed again.</summary>
/// <param name="Charge">The key of the line's charge.</param>
/// <param name="Field">The name of the figure.</param>
/// <param name="Stored">The figure as it is on the invoice.</param>
/// <param name="Recomputed">The figure as computed now.</param>
[Name("RecomputationDifference")]
public sealed record RecomputationDifferenceType(string Charge, string Field, string Stored, string Recomputed);

/// <summary>A customer to create.</summary>
[Name("CreateCustomerInput")]
public sealed class CreateCustomerInput
{
    /// <summary>The org's own key of the customer, unique in the org. The same customer again is returned as it is.</summary>
    public required string Key { get; set; }

    /// <summary>The customer's name as invoices show it. Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>The customer's e-mail address, at most 254 characters.</summary>
    public string? Email { get; set; }

    /// <summary>As invoices show it.</summary>
    public PostalAddressInput? Address { get; set; }

    /// <summary>As invoices show it; at most 64 characters.</summary>
    public string? TaxId { get; set; }

    internal NewCustomer ToNewCustomer() => new(Key, Name, Email, Address?.ToAddress(), TaxId);
}

/// <summary>A subscription to create.</summary>
[Name("CreateSubscriptionInput")]
public sealed class CreateSubscriptionInput
{
    /// <summary>The customer's key.</summary>
    public required string Customer { get; set; }

    /// <summary>The key of the plan; the subscription gets its current version.</summary>
    public required string Plan { get; set; }

    /// <summary>When the subscription starts.</summary>
    public required Instant Start { get; set; }

    /// <summary>When it ends, exclusive. Default: never.</summary>
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

/// <summary>A change of plan: either to a plan's current version or to a certain version, now unless a time is given.</summary>
[Name("ChangePlanInput")]
public sealed class ChangePlanInput
{
    /// <summary>The subscription's id.</summary>
    [Id]
    public required Guid SubscriptionId { get; set; }

    /// <summary>The key of a plan, for its current version.</summary>
    public string? Plan { get; set; }

    /// <summary>The id of a plan version.</summary>
    [Id]
    public Guid? PlanVersionId { get; set; }

    /// <summary>When the change takes effect. Default: now.</summary>
    public Instant? At { get; set; }

    /// <summary>Whether it takes effect at the end of the current period. Default: false.</summary>
    public bool? AtPeriodEnd { get; set; }

    internal NewPlanChange ToNewPlanChange() => new(SubscriptionId, Plan, PlanVersionId, At, AtPeriodEnd ?? false);
}

/// <summary>When a subscription is to end: now unless a time is given.</summary>
[Name("EndSubscriptionInput")]
public sealed class EndSubscriptionInput
{
    /// <summary>The subscription's id.</summary>
    [Id]
    public required Guid SubscriptionId { get; set; }

    /// <summary>When it ends. Default: now.</summary>
    public Instant? At { get; set; }

    /// <summary>Of the current period, or of the trial.</summary>
    public bool? AtPeriodEnd { get; set; }

    /// <summary>Default: true. With false, fees in advance of time after the end are not credited.</summary>
    public bool? Credit { get; set; }
}

/// <summary>When a subscription is to pause, or go on: now unless a time is given.</summary>
[Name("PauseSubscriptionInput")]
public sealed class PauseSubscriptionInput
{
    /// <summary>The subscription's id.</summary>
    [Id]
    public required Guid SubscriptionId { get; set; }

    /// <summary>When the pause begins or ends. Default: now.</summary>
    public Instant? At { get; set; }

    /// <summary>Of the current period, or of the trial.</summary>
    public bool? AtPeriodEnd { get; set; }
}
