using System.Numerics;

namespace Polaris.Billing.Domain;

/// <summary>The value of the last event by timestamp; at the same microsecond, of the event with the greater hash.</summary>
public readonly record struct LatestValue(long At, ulong EventHash, decimal Value)
{
    public bool IsAfter(LatestValue other) => (At, EventHash).CompareTo((other.At, other.EventHash)) > 0;
}

/// <summary>
/// A pre-computed sum of events with everything that the aggregations need, mergeable in any order. Count and digest cover the events that
/// this meter counted, so a bucket, a period and an invoice line can each be verified against raw events.
/// </summary>
public sealed class UsageTotals
{
    private readonly HashSet<Guid> uniques = [];

    public long EventCount { get; private set; }

    /// <summary>Sum modulo 2^64 of the events' hashes.</summary>
    public ulong Digest { get; private set; }

    public ExactTotal Total { get; private set; }

    public decimal? Max { get; private set; }

    public decimal? Min { get; private set; }

    public LatestValue? Latest { get; private set; }

    /// <summary>
    /// Σ value × timestamp, in 10^-9 units × microseconds since the Unix epoch. Together with Σ value it gives the area under
    /// a level that the values change, up to any end: end × Σ value − moment. An integer of any size, so it is never rounded.
    /// </summary>
    public BigInteger Moment { get; private set; }

    public IReadOnlyCollection<Guid> Uniques => uniques;

    /// <summary>The meter's aggregation, which decides what is stored; null keeps everything.</summary>
    public MeterAggregation? Aggregation { get; init; }

    /// <summary>The sums that the aggregation needs.</summary>
    public UsageSums Stored =>
        Sums with
        {
            Min = Aggregation is null or MeterAggregation.Min ? Min : null,
            Latest = Aggregation is null or MeterAggregation.Latest ? Latest : null,
            Moment = Aggregation is null or MeterAggregation.WeightedSum ? Moment : null,
        };

    private UsageSums Sums => new(EventCount, Digest, Total, Max ?? 0, Min, Latest, Moment, uniques.Count);

    public void Add(Measurement measurement, ulong eventHash)
    {
        EventCount++;
        Digest = unchecked(Digest + eventHash);
        ExactTotal value = measurement.Value;
        Total += value;
        if (Max is null || measurement.Value > Max)
            Max = measurement.Value;
        if (Min is null || measurement.Value < Min)
            Min = measurement.Value;
        var latest = new LatestValue(measurement.At, eventHash, measurement.Value);
        if (Latest is not { } known || latest.IsAfter(known))
            Latest = latest;
        if (measurement.ChangesLevel)
            Moment += (BigInteger)value.Units * measurement.At;
        if (measurement.ValueHash != Guid.Empty)
            uniques.Add(measurement.ValueHash);
    }

    /// <param name="aggregation">
    /// The meter's aggregation. A weighted sum needs its period: use <see cref="ToUsage(MeterAggregation, BillingPeriod, ExactTotal)"/>.
    /// </param>
    public MeterUsage ToUsage(MeterAggregation aggregation) => Sums.ToUsage(aggregation);

    /// <param name="aggregation">The meter's aggregation.</param>
    /// <param name="period">The span of these events, over which a level is averaged.</param>
    /// <param name="opening">For weighted_sum: the level at the start of the period, which is the sum of all earlier changes.</param>
    public MeterUsage ToUsage(MeterAggregation aggregation, BillingPeriod period, ExactTotal opening) =>
        ToUsage(aggregation, new BilledSpan(period, period), opening);

    /// <param name="aggregation">The meter's aggregation.</param>
    /// <param name="span">The span of these events, and the whole period over which a level is averaged.</param>
    /// <param name="opening">For weighted_sum: the level at the start of the span.</param>
    public MeterUsage ToUsage(MeterAggregation aggregation, BilledSpan span, ExactTotal opening) =>
        Sums.ToUsage(aggregation, span, opening);
}

/// <summary>Sums over any number of buckets, computed without reading their events. They can be added in any order.</summary>
/// <param name="EventCount">Events counted.</param>
/// <param name="Digest">Sum of their hashes modulo 2^64.</param>
/// <param name="Total">Sum of the values.</param>
/// <param name="Max">The maximum value; 0 without any.</param>
/// <param name="Min">The minimum value, for meters that need it.</param>
/// <param name="Latest">The last value, for meters that need it.</param>
/// <param name="Moment">See <see cref="UsageTotals.Moment"/>; for weighted_sum meters.</param>
/// <param name="Uniques">Number of distinct values. Not additive: it must be counted again when sums are merged.</param>
public readonly record struct UsageSums(
    long EventCount,
    ulong Digest,
    ExactTotal Total,
    decimal Max,
    decimal? Min,
    LatestValue? Latest,
    BigInteger? Moment,
    long Uniques
)
{
    public UsageSums Plus(UsageSums other) =>
        EventCount == 0 ? other
        : other.EventCount == 0 ? this
        : new UsageSums(
            EventCount + other.EventCount,
            unchecked(Digest + other.Digest),
            Total + other.Total,
            Math.Max(Max, other.Max),
            Min is { } min && other.Min is { } otherMin ? Math.Min(min, otherMin) : Min ?? other.Min,
            Latest is { } latest && !(other.Latest is { } later && later.IsAfter(latest)) ? latest : other.Latest,
            Moment is { } moment ? moment + (other.Moment ?? 0) : other.Moment,
            0
        );

    /// <param name="aggregation">The meter's aggregation; not weighted_sum, which needs its period.</param>
    /// <exception cref="OverflowException">The quantity has more digits than a decimal holds.</exception>
    public MeterUsage ToUsage(MeterAggregation aggregation) =>
        new(
            aggregation switch
            {
                MeterAggregation.Count => EventCount,
                MeterAggregation.Sum => Total.ToDecimal(),
                MeterAggregation.Max => Max,
                MeterAggregation.UniqueCount => Uniques,
                MeterAggregation.Min => Min ?? 0,
                MeterAggregation.Average => EventCount == 0 ? 0 : Exact.Ratio(Total.Units, (BigInteger)EventCount * ExactTotal.UnitsInOne),
                MeterAggregation.Latest => Latest?.Value ?? 0,
                _ => throw new ArgumentOutOfRangeException(nameof(aggregation)),
            },
            EventCount,
            Digest
        );

    /// <param name="aggregation">The meter's aggregation.</param>
    /// <param name="span">The span of these events, and the whole period over which a level is averaged.</param>
    /// <param name="opening">For weighted_sum: the level at the start of the span, which is the sum of all earlier changes.</param>
    public MeterUsage ToUsage(MeterAggregation aggregation, BilledSpan span, ExactTotal opening) =>
        aggregation == MeterAggregation.WeightedSum
            ? new MeterUsage(WeightedLevel.Average(span, opening, Total, Moment ?? 0), EventCount, Digest)
            : ToUsage(aggregation);
}

/// <summary>The time-weighted average of a level that events change.</summary>
public static class WeightedLevel
{
    /// <param name="span">The time in which the level counts, and the whole period, whose length divides it; neither empty.</param>
    /// <param name="opening">The level at the span's start.</param>
    /// <param name="changes">Sum of the changes within the span.</param>
    /// <param name="moment">Their <see cref="UsageTotals.Moment"/>.</param>
    /// <returns>
    /// (opening × length of the span + Σ change × (its end − timestamp)) ÷ length of the whole, divided once, half away from zero
    /// to <see cref="Exact.Places"/> places.
    /// </returns>
    public static decimal Average(BilledSpan span, ExactTotal opening, ExactTotal changes, BigInteger moment)
    {
        var (start, end) = (Microseconds(span.Billed.Start), Microseconds(span.Billed.End));
        var area = (opening.Units * (end - start)) + (changes.Units * end) - moment;
        return Exact.Ratio(area, (Microseconds(span.Whole.End) - Microseconds(span.Whole.Start)) * ExactTotal.UnitsInOne);

        static BigInteger Microseconds(NodaTime.Instant at) => at.ToUnixTimeTicks() / 10;
    }
}

/// <summary>A meter's quantity over a span, with count and digest of the events counted.</summary>
public readonly record struct MeterUsage(decimal Quantity, long EventCount, ulong EventDigest);
