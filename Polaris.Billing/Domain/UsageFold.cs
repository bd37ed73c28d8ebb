using System.Numerics;

namespace Polaris.Billing.Domain;

/// <summary>The value of the last event. Of two events the later one counts, at the same microsecond the one with the greater hash.</summary>
public readonly record struct LatestValue(long At, ulong EventHash, decimal Value)
{
    public bool IsAfter(LatestValue other) => (At, EventHash).CompareTo((other.At, other.EventHash)) > 0;
}

/// <summary>
/// A pre-computed sum of events: everything the aggregations need, mergeable in any order. The count and digest are of the events
/// that this meter counted, so a bucket, a period and an invoice line can all be proved against raw events.
/// </summary>
public sealed class UsageTotals
{
    private readonly HashSet<Guid> uniques = [];

    public long EventCount { get; private set; }

    /// <summary>Sum modulo 2^64 of the events' hashes.</summary>
    public ulong Digest { get; private set; }

    public ExactTotal Total { get; private set; }

    public decimal? Peak { get; private set; }

    public decimal? Low { get; private set; }

    public LatestValue? Latest { get; private set; }

    /// <summary>
    /// Σ value × time, in 10^-9 units × microseconds since the Unix epoch. With the sum of the values it tells the area under a level that
    /// they change, up to any end: end × Σ value − moment. A whole number of any size, so nothing of it is ever rounded.
    /// </summary>
    public BigInteger Moment { get; private set; }

    public IReadOnlyCollection<Guid> Uniques => uniques;

    /// <summary>How the meter counts, which says what of it is stored; null keeps everything.</summary>
    public Aggregation? Aggregation { get; init; }

    /// <summary>What is stored of it: what the aggregation does not need is left out.</summary>
    public UsageSums Stored => Sums with
    {
        Low = Aggregation is null or Domain.Aggregation.Min ? Low : null,
        Latest = Aggregation is null or Domain.Aggregation.Latest ? Latest : null,
        Moment = Aggregation is null or Domain.Aggregation.WeightedSum ? Moment : null,
    };

    private UsageSums Sums => new(EventCount, Digest, Total, Peak ?? 0, Low, Latest, Moment, uniques.Count);

    public void Add(Measurement measurement, ulong eventHash)
    {
        EventCount++;
        Digest = unchecked(Digest + eventHash);
        ExactTotal value = measurement.Value;
        Total += value;
        if (Peak is null || measurement.Value > Peak) Peak = measurement.Value;
        if (Low is null || measurement.Value < Low) Low = measurement.Value;
        var latest = new LatestValue(measurement.At, eventHash, measurement.Value);
        if (Latest is not { } known || latest.IsAfter(known)) Latest = latest;
        if (measurement.ChangesLevel) Moment += (BigInteger)value.Units * measurement.At;
        if (measurement.ValueHash != Guid.Empty) uniques.Add(measurement.ValueHash);
    }

    /// <param name="aggregation">How the meter counts; a weighted sum needs its period and is asked by <see cref="ToUsage(Aggregation, BillingPeriod, ExactTotal)"/>.</param>
    public MeterUsage ToUsage(Aggregation aggregation) => Sums.ToUsage(aggregation);

    /// <param name="aggregation">How the meter counts.</param>
    /// <param name="period">The span that these events are of.</param>
    /// <param name="opening">Of a weighted sum: the level at its start, which is the sum of all changes before it.</param>
    public MeterUsage ToUsage(Aggregation aggregation, BillingPeriod period, ExactTotal opening) => Sums.ToUsage(aggregation, period, opening);
}

/// <summary>What is known of any number of buckets without their events; sums of sums, in any order.</summary>
/// <param name="EventCount">Events counted.</param>
/// <param name="Digest">Sum of their hashes modulo 2^64.</param>
/// <param name="Total">Sum of the values.</param>
/// <param name="Peak">The highest value; 0 without any.</param>
/// <param name="Low">The lowest value, where a minimum is asked for.</param>
/// <param name="Latest">The last value, where it is asked for.</param>
/// <param name="Moment">See <see cref="UsageTotals.Moment"/>, where a weighted sum is asked for.</param>
/// <param name="Uniques">Distinct values. They do not add up: whoever adds sums up counts them anew.</param>
public readonly record struct UsageSums(long EventCount, ulong Digest, ExactTotal Total, decimal Peak, decimal? Low, LatestValue? Latest, BigInteger? Moment, long Uniques)
{
    public UsageSums Plus(UsageSums other) => EventCount == 0 ? other : other.EventCount == 0 ? this : new UsageSums(
        EventCount + other.EventCount, unchecked(Digest + other.Digest), Total + other.Total, Math.Max(Peak, other.Peak),
        Low is { } low && other.Low is { } otherLow ? Math.Min(low, otherLow) : Low ?? other.Low,
        Latest is { } latest && !(other.Latest is { } later && later.IsAfter(latest)) ? latest : other.Latest,
        Moment is { } moment ? moment + (other.Moment ?? 0) : other.Moment, 0);

    /// <param name="aggregation">How the meter counts; not a weighted sum, which needs its period.</param>
    /// <exception cref="OverflowException">The quantity has more digits than a decimal holds.</exception>
    public MeterUsage ToUsage(Aggregation aggregation) => new(
        aggregation switch
        {
            Aggregation.Count => EventCount,
            Aggregation.Sum => Total.ToDecimal(),
            Aggregation.Max => Peak,
            Aggregation.UniqueCount => Uniques,
            Aggregation.Min => Low ?? 0,
            Aggregation.Average => EventCount == 0 ? 0 : Exact.Ratio(Total.Units, (BigInteger)EventCount * ExactTotal.UnitsInOne),
            Aggregation.Latest => Latest?.Value ?? 0,
            _ => throw new ArgumentOutOfRangeException(nameof(aggregation)),
        },
        EventCount, Digest);

    /// <param name="aggregation">How the meter counts.</param>
    /// <param name="period">The span that these events are of.</param>
    /// <param name="opening">Of a weighted sum: the level at its start, which is the sum of all changes before it.</param>
    public MeterUsage ToUsage(Aggregation aggregation, BillingPeriod period, ExactTotal opening) => aggregation == Aggregation.WeightedSum
        ? new MeterUsage(WeightedLevel.Average(period, opening, Total, Moment ?? 0), EventCount, Digest)
        : ToUsage(aggregation);
}

/// <summary>The average over time of a level that events change.</summary>
public static class WeightedLevel
{
    /// <param name="period">The span, whose length is not 0.</param>
    /// <param name="opening">The level at its start.</param>
    /// <param name="changes">Sum of the changes within it.</param>
    /// <param name="moment">Their <see cref="UsageTotals.Moment"/>.</param>
    /// <returns>(opening × length + Σ change × (end − its time)) ÷ length, divided once, rounded half away from zero to <see cref="Exact.Places"/> places.</returns>
    public static decimal Average(BillingPeriod period, ExactTotal opening, ExactTotal changes, BigInteger moment)
    {
        BigInteger start = period.Start.ToUnixTimeTicks() / 10, end = period.End.ToUnixTimeTicks() / 10;
        var area = (opening.Units * (end - start)) + (changes.Units * end) - moment;
        return Exact.Ratio(area, (end - start) * ExactTotal.UnitsInOne);
    }
}

/// <summary>A meter's quantity over some span, with the proof of what was counted.</summary>
public readonly record struct MeterUsage(decimal Quantity, long EventCount, ulong EventDigest);
