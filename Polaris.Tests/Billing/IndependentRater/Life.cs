using NodaTime;
using Polaris.Billing.Domain;

namespace Polaris.Tests.Billing.IndependentRater;

/// <summary>A meter with 0 to 2 dimensions.</summary>
internal sealed record LifeMeter(string Key, MeterAggregation Aggregation, int Dimensions);

/// <summary>One event of the customer.</summary>
/// <param name="Number">Its hash, and the distinct value of a unique count when <paramref name="Value"/> is the same.</param>
/// <param name="At">Its timestamp.</param>
/// <param name="Meter">The meter that counts it.</param>
/// <param name="Value">The measured value; of a unique count, what is distinct.</param>
/// <param name="Dimensions">The values of its dimensions, joined; empty without any.</param>
/// <param name="KnownFrom">The number of the first invoice that is made after it arrived.</param>
/// <param name="VoidedFrom">The number of the first invoice that is made after it was voided; null for never.</param>
internal sealed record LifeEvent(
    int Number,
    Instant At,
    string Meter,
    decimal Value,
    string Dimensions,
    int KnownFrom = 0,
    int? VoidedFrom = null
)
{
    public bool CountsOn(int invoice) => KnownFrom <= invoice && !(VoidedFrom <= invoice);
}

/// <summary>A change of plan.</summary>
/// <param name="At">When it takes effect.</param>
/// <param name="Version">Index of the version; null for a pause.</param>
/// <param name="AfterBilling">It was made after the invoice of the period that ends at this time; only at the start of a period.</param>
internal sealed record LifeChange(Instant At, int? Version, bool AfterBilling = false);

/// <summary>An end that was not known before the invoice of the previous period was made.</summary>
internal sealed record LifeEnd(Instant At, bool Credit);

internal sealed record LifeOneOff(Instant At, OneOff Amount);

/// <summary>Everything that a subscription's invoices follow from.</summary>
/// <param name="Zone">IANA name.</param>
/// <param name="Start">Of the subscription.</param>
/// <param name="AnchorDay">1 to 31.</param>
/// <param name="Periods">How many periods are invoiced, when no end comes before.</param>
/// <param name="End">The end that is known from the beginning.</param>
/// <param name="Early">A later decision to end before that.</param>
/// <param name="MinorUnits">Of the currency.</param>
/// <param name="Versions">Plan versions; the first is the one at the start.</param>
/// <param name="Changes">Ordered by time.</param>
/// <param name="Meters">All that the versions charge for.</param>
/// <param name="Events">In any order.</param>
/// <param name="Coupons">In the order in which they apply.</param>
/// <param name="OneOffs">In any order.</param>
internal sealed record Life(
    string Zone,
    Instant Start,
    int AnchorDay,
    int Periods,
    Instant? End,
    LifeEnd? Early,
    int MinorUnits,
    IReadOnlyList<PlanVersion> Versions,
    IReadOnlyList<LifeChange> Changes,
    IReadOnlyList<LifeMeter> Meters,
    IReadOnlyList<LifeEvent> Events,
    IReadOnlyList<SubscriptionDiscount> Coupons,
    IReadOnlyList<LifeOneOff> OneOffs
)
{
    public PlanVersion Version(int? index) => index is { } known ? Versions[known] : PlanVersion.Paused(Versions[0].Currency);
}

/// <summary>Identifies a line on its invoice. Without a span it covers all of the period.</summary>
internal readonly record struct LineName(LineKind Kind, string Key, BillingPeriod? Span) : IComparable<LineName>
{
    public int CompareTo(LineName other) => string.CompareOrdinal(ToString(), other.ToString());

    public override string ToString() => $"{Kind} {Key}{(Span is { } span ? $" {span.Start} to {span.End}" : "")}";
}

internal readonly record struct LineMoney(Fraction Amount, Fraction Tax)
{
    public bool IsZero => Amount.Sign == 0 && Tax.Sign == 0;

    public static LineMoney operator +(LineMoney left, LineMoney right) => new(left.Amount + right.Amount, left.Tax + right.Tax);

    public static LineMoney operator -(LineMoney left, LineMoney right) => new(left.Amount - right.Amount, left.Tax - right.Tax);

    public override string ToString() => Tax == Amount || Tax.Sign == 0 ? $"{Amount}" : $"{Amount} (tax {Tax})";
}

/// <summary>
/// One invoice. Number 0 is the start invoice, 1 that of the first period; one more after the end of an ended subscription has only
/// adjustments.
/// </summary>
/// <param name="Period">What it covers.</param>
/// <param name="Lines">Its own lines; without charges of 0.</param>
/// <param name="Adjustments">Differences to earlier invoices, by their number, without those of 0.</param>
/// <param name="Total">The amount due.</param>
/// <param name="Tax">The tax in it.</param>
internal sealed record LifeInvoice(
    BillingPeriod Period,
    SortedDictionary<LineName, LineMoney> Lines,
    SortedDictionary<(int Invoice, LineName Line), LineMoney> Adjustments,
    Fraction Total,
    Fraction Tax
);
