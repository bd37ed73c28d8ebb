using GraphQL;
using NodaTime;
using Polaris.Billing.Domain;
using Polaris.Billing.Features;
using Polaris.Billing.Features.Thresholds;
using Polaris.Billing.Persistence;

namespace Polaris.Billing.GraphQL;

/// <summary>
/// Values of a subscription's billing period that are announced when they are reached. Without plan and customer it is about every
/// subscription of the org.
/// </summary>
/// <param name="Key">The org's own key of the threshold.</param>
/// <param name="Name">What people call the threshold.</param>
/// <param name="On">What the values are of.</param>
/// <param name="Values">The values, ascending: units of the meter, percent of the included units, or amounts.</param>
/// <param name="Plan">The key of the plan whose subscriptions it is about; null for all.</param>
/// <param name="Customer">The key of the customer whose subscriptions it is about; null for all.</param>
/// <param name="Meter">Of a QUANTITY: the meter's key; else null.</param>
/// <param name="Charge">Of an INCLUDED_PERCENT: the charge's key; else null.</param>
/// <param name="Currency">Of an AMOUNT: the ISO 4217 code of the subscriptions that it is about; null for all.</param>
/// <param name="CreatedAt">When the threshold was created.</param>
/// <param name="ArchivedAt">Since when it is not checked any more; null while it is.</param>
[Name("Threshold")]
public sealed record ThresholdType(
    string Key,
    string Name,
    ThresholdOn On,
    IReadOnlyList<decimal> Values,
    string? Plan,
    string? Customer,
    string? Meter,
    string? Charge,
    string? Currency,
    Instant CreatedAt,
    Instant? ArchivedAt
)
{
    internal static ThresholdType Of(ThresholdRow row) =>
        new(
            row.Key,
            row.Name,
            row.On,
            row.AtValues,
            row.PlanKey,
            row.CustomerKey,
            row.MeterKey,
            row.Charge,
            row.Currency,
            row.CreatedAt,
            row.ArchivedAt
        );
}

/// <summary>A value that a subscription reached in a billing period. Later corrections of usage do not take it back.</summary>
/// <param name="Reached">The quantity, percentage or amount when it crossed.</param>
/// <param name="Threshold">The threshold that was reached.</param>
/// <param name="Value">The value of the threshold that was reached.</param>
/// <param name="Customer">The customer's key.</param>
/// <param name="SubscriptionId">The subscription's id.</param>
/// <param name="PeriodStart">The beginning of the billing period.</param>
/// <param name="PeriodEnd">The end of the billing period, exclusive.</param>
/// <param name="CrossedAt">When it was noticed.</param>
/// <param name="EventId">The id of the event <c>usage.threshold_crossed</c> that announced it.</param>
[Name("ThresholdCrossing")]
public sealed record ThresholdCrossingType(
    ThresholdType Threshold,
    decimal Value,
    decimal Reached,
    string Customer,
    [property: Id] Guid SubscriptionId,
    Instant PeriodStart,
    Instant PeriodEnd,
    Instant CrossedAt,
    [property: Id] Guid EventId
)
{
    internal static ThresholdCrossingType Of((ThresholdCrossingRow Crossing, ThresholdRow Threshold) pair) =>
        new(
            ThresholdType.Of(pair.Threshold),
            pair.Crossing.Value,
            pair.Crossing.Reached,
            pair.Crossing.CustomerKey,
            pair.Crossing.SubscriptionId,
            pair.Crossing.PeriodStart,
            pair.Crossing.PeriodEnd,
            pair.Crossing.CrossedAt,
            pair.Crossing.EventId
        );
}

/// <summary>A page of crossings, latest first.</summary>
/// <param name="Nodes">The crossings of the page.</param>
/// <param name="TotalCount">How many there are on all pages.</param>
/// <param name="EndCursor">Give it as <c>after</c> for the next page; null when this page is empty.</param>
/// <param name="HasNextPage">Whether there is a next page.</param>
[Name("ThresholdCrossingPage")]
public sealed record ThresholdCrossingPageType(
    IReadOnlyList<ThresholdCrossingType> Nodes,
    int TotalCount,
    string? EndCursor,
    bool HasNextPage
)
{
    internal static ThresholdCrossingPageType Of(Page<(ThresholdCrossingRow Crossing, ThresholdRow Threshold)> page) =>
        new([.. page.Rows.Select(ThresholdCrossingType.Of)], page.TotalCount, page.EndCursor, page.HasNextPage);
}

/// <summary>A threshold to create.</summary>
[Name("CreateThresholdInput")]
public sealed class CreateThresholdInput
{
    /// <summary>The org's own key of the threshold, unique in the org.</summary>
    public required string Key { get; set; }

    /// <summary>Default: the key.</summary>
    public string? Name { get; set; }

    /// <summary>What the values are of.</summary>
    public required ThresholdOn On { get; set; }

    /// <summary>
    /// 1 to 10 values: above 0, units of the meter, percent of the included units, or amounts; or credits that are left.
    /// </summary>
    public required decimal[] Values { get; set; }

    /// <summary>Only subscriptions on this plan.</summary>
    public string? Plan { get; set; }

    /// <summary>Only this customer's subscriptions. Not together with a plan.</summary>
    public string? Customer { get; set; }

    /// <summary>With QUANTITY: the meter's key.</summary>
    public string? Meter { get; set; }

    /// <summary>With INCLUDED_PERCENT: the charge's key.</summary>
    public string? Charge { get; set; }

    /// <summary>With AMOUNT or BALANCE: only subscriptions in this currency.</summary>
    public string? Currency { get; set; }

    internal NewThreshold ToNewThreshold() => new(Key, Name, On, Values, Plan, Customer, Meter, Charge, Currency);
}

/// <summary>Changes of a threshold. What is not given stays as it is.</summary>
[Name("UpdateThresholdInput")]
public sealed class UpdateThresholdInput
{
    /// <summary>Which threshold. It keeps its key.</summary>
    public required string Key { get; set; }

    /// <summary>What people call the threshold.</summary>
    public string? Name { get; set; }

    /// <summary>In place of the former ones. Those that are crossed already stay crossed in their period.</summary>
    public decimal[]? Values { get; set; }
}
