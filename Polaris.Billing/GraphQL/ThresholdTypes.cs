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
/// <param name="EventId">Of the event <c>usage.threshold_crossed</c>.</param>
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
    public required string Key { get; set; }

    /// <summary>Default: the key.</summary>
    public string? Name { get; set; }
    public required ThresholdOn On { get; set; }

    /// <summary>One or more: units of the meter, percent of the included units, an amount, or credits that are left.</summary>
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

/// <summary>What is not given stays as it is.</summary>
[Name("UpdateThresholdInput")]
public sealed class UpdateThresholdInput
{
    public required string Key { get; set; }
    public string? Name { get; set; }

    /// <summary>In place of the former ones. Those that are crossed already stay crossed in their period.</summary>
    public decimal[]? Values { get; set; }
}
