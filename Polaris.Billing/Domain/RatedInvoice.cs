namespace Polaris.Billing.Domain;

public enum LineKind
{
    Charge,
    Commitment,
    Minimum,
    Maximum,
    Discount,
    Tax,

    /// <summary>A difference to a line of an earlier invoice.</summary>
    Adjustment,
}

/// <summary>
/// A node of a line's explanation. A leaf is arithmetic: <c>Quantity × UnitPrice ÷ Divisor = Amount</c>, exact to twelve decimal places.
/// The amount of a node with children is their sum.
/// </summary>
/// <param name="Label">Human-readable description.</param>
/// <param name="Quantity">Units, money or time.</param>
/// <param name="UnitPrice">Price or rate; 0 on a node with children.</param>
/// <param name="Amount">Unrounded.</param>
/// <param name="Divisor">1 except for shares of a period and inclusive taxes.</param>
/// <param name="Children">Null for a leaf.</param>
public sealed record ExplanationStep(
    string Label,
    decimal Quantity,
    decimal UnitPrice,
    decimal Amount,
    decimal Divisor = 1,
    IReadOnlyList<ExplanationStep>? Children = null
);

/// <summary>
/// A rated line: the steps sum to <paramref name="UnroundedAmount"/>, which is rounded once to <paramref name="Amount"/>.
/// </summary>
public sealed record RatedLine(
    LineKind Kind,
    LineSource Charge,
    MeterUsage Usage,
    decimal UnroundedAmount,
    decimal Amount,
    IReadOnlyList<ExplanationStep> Steps
)
{
    /// <summary>The tax of this line, added or included; 0 on a line that is not a tax.</summary>
    public decimal Tax { get; init; }

    /// <summary>
    /// The part of the period that the line covers and its plan version, when the plan changed within the period. Else null.
    /// </summary>
    public PlanSpan? Span { get; init; }
}

/// <summary>The subscription, customer and period that are rated; part of the result hash.</summary>
public sealed record InvoiceSubject(Guid SubscriptionId, string Customer, BillingPeriod Period);

/// <summary>
/// All lines of a period and their total. The hash covers everything that the customer is shown and all counts and digests behind it.
/// </summary>
/// <param name="Lines">Charges in plan order, then the invoice-level steps.</param>
/// <param name="Total">The amount due.</param>
/// <param name="ResultHash">Lower-case hex SHA-256.</param>
/// <param name="Tax">The tax that the total contains, added or included.</param>
public sealed record RatedInvoice(IReadOnlyList<RatedLine> Lines, decimal Total, string ResultHash, decimal Tax = 0);
