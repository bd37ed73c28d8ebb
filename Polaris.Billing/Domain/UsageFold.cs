namespace Polaris.Billing.Domain;

/// <summary>
/// A pre-computed sum of events: everything the four aggregations need, mergeable in any order. The count and digest are of the events
/// that this meter counted, so a bucket, a period and an invoice line can all be proved against raw events.
/// </summary>
public sealed class UsageTotals
{
    private readonly HashSet<Guid> uniques = [];

    public long EventCount { get; private set; }

    /// <summary>Sum modulo 2^64 of the events' hashes.</summary>
    public ulong Digest { get; private set; }

    public decimal Total { get; private set; }

    public decimal? Peak { get; private set; }

    public IReadOnlyCollection<Guid> Uniques => uniques;

    public void Add(Measurement measurement, ulong eventHash)
    {
        EventCount++;
        Digest = unchecked(Digest + eventHash);
        Total += measurement.Value;
        if (Peak is null || measurement.Value > Peak) Peak = measurement.Value;
        if (measurement.ValueHash != Guid.Empty) uniques.Add(measurement.ValueHash);
    }

    public MeterUsage ToUsage(Aggregation aggregation) => new(
        aggregation switch
        {
            Aggregation.Count => EventCount,
            Aggregation.Sum => Total,
            Aggregation.Max => Peak ?? 0,
            Aggregation.UniqueCount => uniques.Count,
            _ => throw new ArgumentOutOfRangeException(nameof(aggregation)),
        },
        EventCount, Digest);
}

/// <summary>A meter's quantity over some span, with the proof of what was counted.</summary>
public readonly record struct MeterUsage(decimal Quantity, long EventCount, ulong EventDigest);
